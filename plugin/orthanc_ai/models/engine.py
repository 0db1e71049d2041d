"""Engines: what computes a model's scores."""

import hashlib
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from ..codes import Code
from .errors import ModelError
from .prepared import Prepared

Floats = npt.NDArray[np.float32]
EngineName = Literal["onnx", "torch"]
DeviceName = Literal["cpu", "cuda"]

_ONNX_ON_CUDA = {
    # Products in TF32, the default, would change scores in the third decimal.
    "use_tf32": "0",
    # The default tries every algorithm for each new size of batch, which takes seconds each time.
    "cudnn_conv_algo_search": "HEURISTIC",
}


class Scorer(Protocol):
    """Computes scores of images. Not shared between threads."""

    def scores(self, batch: Floats) -> Floats:
        """Scores of images.

        Parameters
        ----------
        batch
            Shape (n, 1, size, size), float32, from -1024 (black) to 1024 (white).

        Returns
        -------
        Shape (n, network outputs), float32, 0 to 1. The card says which output is which (`Output.index`).
        """
        ...

    def scores_and_activations(self, batch: Floats) -> tuple[Floats, Floats]:
        """Scores, and the class activation map of each: where in the image it comes from.

        Returns
        -------
        Scores as of `scores`, and shape (n, network outputs, side, side), float32, of the card's `grid_side`. The mean of a
        map and the classifier's bias are the logit of the plain sigmoid.
        """
        ...


class Engine(Scorer, Protocol):
    """Runs the network itself."""

    def scores_and_features(self, batch: Floats) -> tuple[Floats, Floats]:
        """Scores, and the last feature map: shape (n, channels, size / 32, size / 32), float32, not negative."""
        ...


def load_engine(prepared: Prepared, engine: EngineName, threads: int = 1, device: DeviceName = "cpu") -> Engine:
    """The engine of that name for a prepared model.

    Parameters
    ----------
    threads
        On the CPU.
    device
        ``cuda``: the first NVIDIA GPU, never the CPU in its place.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``, ``MODEL_INVALID`` or ``DEVICE_MISSING``.
    """
    return OnnxEngine(prepared, threads, device) if engine == "onnx" else TorchEngine(prepared, threads, device)


class OnnxEngine:
    """ONNX Runtime."""

    def __init__(self, prepared: Prepared, threads: int = 1, device: DeviceName = "cpu") -> None:
        # What is checked is what is loaded: the file is read once.
        content = prepared.onnx.read_bytes()
        if hashlib.sha256(content).hexdigest() != prepared.onnx_digest:
            raise ModelError(Code.MODEL_TAMPERED, f"{prepared.onnx} is not the file that was exported")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Idle threads must not burn the cores that Orthanc needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        if device == "cuda":
            self._session = _session_on_cuda(content, options)
        else:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._size = prepared.card.input_size

    def scores(self, batch: Floats) -> Floats:
        """See `Engine.scores`."""
        (scores,) = self._session.run(["scores"], {"image": _checked(batch, self._size)})
        return np.asarray(scores, dtype=np.float32)

    def scores_and_features(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `Engine.scores_and_features`."""
        return self._scores_and("features", batch)

    def scores_and_activations(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `Scorer.scores_and_activations`."""
        return self._scores_and("activations", batch)

    def _scores_and(self, output: str, batch: Floats) -> tuple[Floats, Floats]:
        scores, maps = self._session.run(["scores", output], {"image": _checked(batch, self._size)})
        return np.asarray(scores, dtype=np.float32), np.asarray(maps, dtype=np.float32)


class TorchEngine:
    """Torch, with TorchXRayVision's own forward pass."""

    def __init__(self, prepared: Prepared, threads: int = 1, device: DeviceName = "cpu") -> None:
        # These take seconds to import and are not needed for ONNX Runtime.
        import torch

        from .network import WithActivations, load_network

        if device == "cuda" and not torch.cuda.is_available():
            built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
            raise ModelError(Code.DEVICE_MISSING, f"torch {torch.__version__}, built {built}, sees no GPU")
        torch.set_num_threads(threads)
        # Convolutions in TF32, torch's default on GPUs, would change scores in the third decimal.
        torch.backends.cudnn.allow_tf32 = False
        network = load_network(prepared.card, prepared.weights, prepared.weights_digest)
        self._torch = torch
        self._device = torch.device(device)
        self._network = network.to(self._device)
        self._with_activations = WithActivations(prepared.card, network).eval().to(self._device)
        self._size = prepared.card.input_size

    def scores(self, batch: Floats) -> Floats:
        """See `Engine.scores`."""
        with self._torch.inference_mode():
            images = self._torch.from_numpy(_checked(batch, self._size)).to(self._device)
            return np.asarray(self._network(images).cpu().numpy(), dtype=np.float32)

    def scores_and_features(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `Engine.scores_and_features`."""
        scores, features, _ = self._all(batch)
        return scores, features

    def scores_and_activations(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `Scorer.scores_and_activations`."""
        scores, _, activations = self._all(batch)
        return scores, activations

    def _all(self, batch: Floats) -> tuple[Floats, Floats, Floats]:
        with self._torch.inference_mode():
            images = self._torch.from_numpy(_checked(batch, self._size)).to(self._device)
            scores, features, activations = self._with_activations(images)
            return scores.cpu().numpy(), features.cpu().numpy(), activations.cpu().numpy()


def _session_on_cuda(content: bytes, options: Any) -> Any:
    """A session on the first GPU.

    Raises
    ------
    ModelError
        ``DEVICE_MISSING``. ONNX Runtime itself would go on with the CPU.
    """
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ModelError(
            Code.DEVICE_MISSING, f"ONNX Runtime {onnxruntime.__version__} is built without CUDA; onnxruntime-gpu has it"
        )
    onnxruntime.preload_dlls()  # CUDA's libraries, where they were installed as Python packages
    try:
        session = onnxruntime.InferenceSession(content, options, providers=[("CUDAExecutionProvider", _ONNX_ON_CUDA)])
    except Exception as error:  # its errors are of no common kind
        raise ModelError(Code.DEVICE_MISSING, f"ONNX Runtime cannot use a GPU: {error}") from error
    if session.get_providers()[0] != "CUDAExecutionProvider":
        raise ModelError(Code.DEVICE_MISSING, "ONNX Runtime cannot use a GPU; its libraries for CUDA may be missing")
    return session


def _checked(batch: Floats, size: int) -> Floats:
    if batch.ndim != 4 or batch.shape[1:] != (1, size, size) or batch.dtype != np.float32:
        raise ValueError(f"a batch has shape (n, 1, {size}, {size}) and float32, not {batch.shape} and {batch.dtype}")
    return np.ascontiguousarray(batch)
