"""The process that owns the GPU: it computes scores for all workers, several images at a time.

Run by the server as ``python3 -m orthanc_ai.models.inference NAME --models DIR --cache DIR --socket PATH``; the first line of
its input is the key for the socket, in hex. It says ``READY`` and the device's name when workers may connect, or a code and
what is wrong, and ends when its input does, so with the server.

A worker that connects is told the digest of the weights. From then on it sends images, each as the bytes of (1, size, size)
float32, and gets the bytes of the scores and their activation maps (`exchange`). Nothing else is understood, and nothing is unpickled: workers read files of unknown
origin.
"""

import argparse
import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError, connection
from pathlib import Path

import numpy as np

from ..codes import Code
from .batching import Batcher
from .card import load_card
from .engine import DeviceName, Engine, EngineName, Floats, load_engine
from .errors import ModelError
from .exchange import pack
from .prepared import Prepared, load_prepared

WINDOW_S = 0.004
"""How long an image waits for others: a fraction of what a worker takes to decode one, 40 ms and more."""

MAXIMUM = 32
"""Images of a batch at most."""

BATCH_S = 30.0
"""How long a batch may take; it takes milliseconds, and seconds when it is the first of its size."""

LARGEST_DIFFERENCE = 0.002
"""By how much a score may differ from the CPU's: what is promised of every score."""

READY = "READY"


def serve(prepared: Prepared, engine: Engine, path: str, key: bytes, on_ready: str) -> None:
    """Answer workers until the process ends."""
    room = threading.Lock()
    connected: set[int] = set()
    batcher = Batcher(
        bounded(lambda images: pack(*engine.scores_and_activations(images)), BATCH_S),
        window_s=WINDOW_S,
        maximum=MAXIMUM,
        askers=lambda: len(connected),
        # A GPU that has failed once mostly goes on failing, in this process.
        on_error=lambda: os._exit(1),
    )

    def converse(client: "connection.Connection[bytes, bytes]") -> None:
        with room:
            connected.add(id(client))
        try:
            _answer(client, prepared, batcher)
        finally:
            with room:
                connected.discard(id(client))
            client.close()

    with connection.Listener(path, "AF_UNIX", backlog=64, authkey=key) as listener:
        print(f"{READY} {on_ready}", flush=True)
        while True:
            try:
                client = listener.accept()
            except (AuthenticationError, OSError, EOFError):
                continue
            threading.Thread(target=converse, args=(client,), daemon=True).start()


def bounded(compute: Callable[[Floats], Floats], seconds: float) -> Callable[[Floats], Floats]:
    """The same, but the process ends if it takes longer: a driver that hangs can only be left behind."""

    def compute_in_time(images: Floats) -> Floats:
        faulthandler.dump_traceback_later(seconds, exit=True)
        try:
            return compute(images)
        finally:
            faulthandler.cancel_dump_traceback_later()

    return compute_in_time


def _answer(client: "connection.Connection[bytes, bytes]", prepared: Prepared, batcher: Batcher) -> None:
    """Answer one worker until it leaves, or sends what is no image."""
    size = prepared.card.input_size
    try:
        client.send_bytes(prepared.weights_digest.encode("ascii"))
        while True:
            # What is longer is not read: recv_bytes raises OSError.
            message = client.recv_bytes(size * size * 4)
            if len(message) != size * size * 4:
                return
            image = np.frombuffer(message, np.float32).reshape(1, size, size)
            client.send_bytes(batcher.submit(image).result())
    except (OSError, EOFError):
        return


def open_device(prepared: Prepared, engine: EngineName, device: DeviceName) -> tuple[Engine, str]:
    """The engine on its device, its scores compared with the CPU's, and the device's name.

    Raises
    ------
    ModelError
        As `load_engine`; ``DEVICE_MISSING`` also if the device computes something else.
    """
    found = load_engine(prepared, engine, device=device)
    size = prepared.card.input_size
    images = np.random.default_rng(0).uniform(-1024, 1024, (2, 1, size, size)).astype(np.float32)
    try:
        scores, _ = found.scores_and_activations(images)
        difference = _difference(scores, load_engine(prepared, "onnx").scores(images))
    except ModelError:
        raise
    except Exception as error:  # the runtimes' errors are of no common kind
        raise ModelError(Code.DEVICE_MISSING, f"the GPU cannot compute scores: {error}") from error
    # Negated, so that NaN does not pass.
    if not difference <= LARGEST_DIFFERENCE:
        raise ModelError(Code.DEVICE_MISSING, f"scores on the GPU differ from the CPU's by {difference:g}")
    return found, device


def _difference(found: Floats, wanted: Floats) -> float:
    return float(np.abs(found - wanted).max())


def _end_with_input(socket: Path) -> None:
    sys.stdin.read()
    # A server that was killed has not swept up.
    with suppress(OSError):
        socket.unlink()
        socket.parent.rmdir()
    os._exit(0)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns only if the device cannot be used."""
    parser = argparse.ArgumentParser(prog="python3 -m orthanc_ai.models.inference", description=__doc__.split("\n")[0])
    parser.add_argument("name", metavar="NAME", help="folder of the model's card")
    parser.add_argument("--models", type=Path, required=True, metavar="DIR", help="folder of the cards")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="where the model was prepared")
    parser.add_argument(
        "--socket", type=Path, required=True, metavar="PATH", help="where to listen, in a folder of its own"
    )
    parser.add_argument("--engine", choices=("onnx", "torch"), default="onnx")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: for tests")
    options = parser.parse_args(arguments)
    key = bytes.fromhex(sys.stdin.readline())
    threading.Thread(target=_end_with_input, args=(options.socket,), daemon=True).start()
    # Below the server, as its workers are.
    os.nice(19)
    try:
        prepared = load_prepared(load_card(options.models, options.name), options.cache)
        engine, name = open_device(prepared, options.engine, options.device)
    except ModelError as error:
        print(f"{error.code} {error}".replace("\n", " "), flush=True)
        return 1
    serve(prepared, engine, str(options.socket), key, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
