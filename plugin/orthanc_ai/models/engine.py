"""Engines: what computes a model's scores."""

import hashlib
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from ..codes import Code
from .errors import ModelError
from .prepared import Prepared

Floats = npt.NDArray[np.float32]
EngineName = Literal["onnx", "torch"]


class Engine(Protocol):
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

    def scores_and_features(self, batch: Floats) -> tuple[Floats, Floats]:
        """Scores, and the last feature map: shape (n, channels, size / 32, size / 32), float32, not negative."""
        ...


def load_engine(prepared: Prepared, engine: EngineName, threads: int = 1) -> Engine:
    """The engine of that name for a prepared model.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED`` or ``MODEL_INVALID``.
    """
    return OnnxEngine(prepared, threads) if engine == "onnx" else TorchEngine(prepared, threads)


class OnnxEngine:
    """ONNX Runtime on the CPU."""

    def __init__(self, prepared: Prepared, threads: int = 1) -> None:
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
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._size = prepared.card.input_size

    def scores(self, batch: Floats) -> Floats:
        """See `Engine.scores`."""
        (scores,) = self._session.run(["scores"], {"image": _checked(batch, self._size)})
        return np.asarray(scores, dtype=np.float32)

    def scores_and_features(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `Engine.scores_and_features`."""
        scores, features = self._session.run(["scores", "features"], {"image": _checked(batch, self._size)})
        return np.asarray(scores, dtype=np.float32), np.asarray(features, dtype=np.float32)


class TorchEngine:
    """Torch, with TorchXRayVision's own forward pass; on the first GPU if there is one."""

    def __init__(self, prepared: Prepared, threads: int = 1) -> None:
        # These take seconds to import and are not needed for ONNX Runtime.
        import torch

        from .network import ScoresAndFeatures, load_network

        torch.set_num_threads(threads)
        # Convolutions in TF32, torch's default on GPUs, would change scores in the third decimal.
        torch.backends.cudnn.allow_tf32 = False
        network = load_network(prepared.card, prepared.weights, prepared.weights_digest)
        self._torch = torch
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device)
        self._with_features = ScoresAndFeatures(prepared.card, network).eval().to(self._device)
        self._size = prepared.card.input_size

    def scores(self, batch: Floats) -> Floats:
        """See `Engine.scores`."""
        with self._torch.inference_mode():
            images = self._torch.from_numpy(_checked(batch, self._size)).to(self._device)
            return np.asarray(self._network(images).cpu().numpy(), dtype=np.float32)

    def scores_and_features(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `Engine.scores_and_features`."""
        with self._torch.inference_mode():
            images = self._torch.from_numpy(_checked(batch, self._size)).to(self._device)
            scores, features = self._with_features(images)
            return scores.cpu().numpy(), features.cpu().numpy()


def _checked(batch: Floats, size: int) -> Floats:
    if batch.ndim != 4 or batch.shape[1:] != (1, size, size) or batch.dtype != np.float32:
        raise ValueError(f"a batch has shape (n, 1, {size}, {size}) and float32, not {batch.shape} and {batch.dtype}")
    return np.ascontiguousarray(batch)
