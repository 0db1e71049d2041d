"""Ways to compute scores that are compared: the product's engines, ONNX Runtime set otherwise, other runtimes."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from orthanc_ai.models.engine import load_engine
from orthanc_ai.models.prepared import Prepared

Floats = NDArray[np.float32]
Scores = Callable[[Floats], Floats]
"""From images (n, 1, size, size) to scores (n, outputs)."""

PLAIN, QUANTIZED = "network.onnx", "quantized.onnx"


@dataclass(frozen=True, slots=True)
class Kind:
    """One way.

    Attributes
    ----------
    load
        Makes it from the prepared model, the folder of other forms of it (`write_forms`) and a number of threads.
    threads
        Threads of one process.
    processes
        Processes that work at the same time, each on as many processors as it has threads.
    """

    load: Callable[[Prepared, Path, int], Scores]
    threads: int = 1
    processes: int = 1


def kinds() -> dict[str, Kind]:
    """The ways by name, the product's first; OpenVINO only where it is installed."""
    ways = {
        "onnx": Kind(_product("onnx")),
        "onnx, 2 threads": Kind(_product("onnx"), threads=2),
        "onnx, 2 processes": Kind(_product("onnx"), processes=2),
        "onnx, 2 threads that spin": Kind(_onnx(entries={"session.intra_op.allow_spinning": "1"}), threads=2),
        "onnx, pooling last": Kind(_onnx(PLAIN)),
        "onnx, extended": Kind(_onnx(level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)),
        "onnx, basic": Kind(_onnx(level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC)),
        "onnx, no arena": Kind(_onnx(arena=False)),
        "onnx, no denormals": Kind(_onnx(entries={"session.set_denormal_as_zero": "1"})),
        "onnx, int8": Kind(_onnx(QUANTIZED)),
        "torch": Kind(_product("torch")),
        "torch, channels last": Kind(_torch(bfloat16=False)),
        "torch, bfloat16": Kind(_torch(bfloat16=True)),
    }
    if importlib.util.find_spec("openvino"):
        ways |= {
            "openvino": Kind(_openvino("f32", "LATENCY")),
            "openvino, 2 threads": Kind(_openvino("f32", "LATENCY"), threads=2),
            "openvino, 2 processes": Kind(_openvino("f32", "THROUGHPUT"), processes=2),
            "openvino, bfloat16": Kind(_openvino("bf16", "LATENCY")),
            "openvino, int8": Kind(_openvino("f32", "LATENCY", QUANTIZED)),
        }
    return ways


def write_forms(prepared: Prepared, folder: Path, calibration: Floats) -> None:
    """Write the other forms of the exported network that some ways need.

    They are the network as TorchXRayVision writes it, each transition's pooling after its convolution, and one with
    convolutions in 8 bits: weights by channel, activations by their extremes on the calibration images.
    """
    import torch
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from orthanc_ai.models.network import WithActivations, load_network

    card = prepared.card
    network = WithActivations(card, load_network(card, prepared.weights, prepared.weights_digest)).eval()
    image = torch.zeros(1, 1, card.input_size, card.input_size)
    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["scores", "features", "activations"]}
    torch.onnx.export(network, (image,), folder / PLAIN, opset_version=17, dynamo=False, **names)

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self.images = iter(calibration)

        def get_next(self) -> Mapping[str, Floats] | None:
            image = next(self.images, None)
            return None if image is None else {"image": image[None]}

    inferred = folder / "inferred.onnx"
    only_scores = onnx.load(prepared.onnx)
    del only_scores.graph.output[1:]
    onnx.save(only_scores, inferred)
    quant_pre_process(inferred, inferred, skip_symbolic_shape=True)
    quantize_static(
        inferred,
        folder / QUANTIZED,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv"],
    )


def _product(engine: Any) -> Callable[[Prepared, Path, int], Scores]:
    return lambda prepared, _folder, threads: load_engine(prepared, engine, threads).scores


def _onnx(
    form: str = "", level: Any = None, arena: bool = True, entries: Mapping[str, str] | None = None
) -> Callable[[Prepared, Path, int], Scores]:
    def load(prepared: Prepared, folder: Path, threads: int) -> Scores:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = arena
        if level is not None:
            options.graph_optimization_level = level
        for name, value in ({"session.intra_op.allow_spinning": "0"} | dict(entries or {})).items():
            options.add_session_config_entry(name, value)
        file = folder / form if form else prepared.onnx
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        return lambda images: np.asarray(session.run(["scores"], {"image": images})[0])

    return load


def _torch(*, bfloat16: bool) -> Callable[[Prepared, Path, int], Scores]:
    def load(prepared: Prepared, _folder: Path, threads: int) -> Scores:
        import torch

        from orthanc_ai.models.network import load_network

        torch.set_num_threads(threads)
        network = load_network(prepared.card, prepared.weights, prepared.weights_digest)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it

        def scores(images: Floats) -> Floats:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                tensor = torch.from_numpy(images).to(memory_format=torch.channels_last)
                return np.asarray(network(tensor).float().numpy())

        return scores

    return load


def _openvino(precision: str, hint: str, form: str = "") -> Callable[[Prepared, Path, int], Scores]:
    def load(prepared: Prepared, folder: Path, threads: int) -> Scores:
        import openvino

        core = openvino.Core()
        model = core.read_model(folder / form if form else prepared.onnx)
        size = prepared.card.input_size
        model.reshape({"image": [1, 1, size, size]})
        settings: dict[str, str | int | bool] = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": hint,
            "INFERENCE_PRECISION_HINT": precision,
            "ENABLE_CPU_PINNING": False,  # the process is pinned
        }
        compiled = core.compile_model(model, "CPU", settings)
        request, output = compiled.create_infer_request(), compiled.output("scores")

        def scores(images: Floats) -> Floats:
            request.infer({"image": images})
            return np.array(request.get_tensor(output).data)

        return scores

    return load


def difference(found: Floats, wanted: Floats) -> dict[str, float]:
    """How far scores lie from others: the largest difference, and the share of images with one above 0.01."""
    apart = np.abs(found - wanted)
    return {"largest": float(apart.max()), "images_beyond_0.01": float((apart > 0.01).any(axis=1).mean())}
