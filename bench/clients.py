"""Starts the client way (`client_way.py`) beside a server, with the demonstration model's weights."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.orthanc import ROOT, Orthanc

SCRIPT = Path(__file__).with_name("client_way.py")

MODEL = "phantom"


def write_weights(folder: Path) -> Path:
    """The demonstration model as TorchXRayVision keeps its own: a pickled network, and its line in the table.

    It runs in a process of its own, since torch would take its memory from what is measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "bench.clients", folder], check=True, cwd=ROOT)
    return folder


@contextmanager
def client(orthanc: Orthanc, weights: Path, *, load_each: bool) -> Iterator[int]:
    """A client that waits for images, by its process number; it is killed afterwards.

    Raises
    ------
    RuntimeError
        If it does not get ready.
    """
    command = [sys.executable, str(SCRIPT), orthanc.url, str(weights), *(["--load-each"] if load_each else [])]
    with (orthanc.folder / "client.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            if b"ready" not in process.stdout.readline():
                raise RuntimeError((orthanc.folder / "client.log").read_text()[-2000:])
            yield process.pid
            if process.poll() is not None:
                raise RuntimeError((orthanc.folder / "client.log").read_text()[-2000:])
        finally:
            process.kill()
            process.communicate()


def _main(folder: Path) -> None:
    import torch

    from orthanc_ai.models.card import load_card
    from orthanc_ai.models.network import load_network
    from orthanc_ai.models.weights import embedded_weights

    card = load_card(ROOT / "models", MODEL)
    network = load_network(card, embedded_weights(card, ROOT / "models"), str(card.weights.sha256))
    network.register_buffer("op_threshs", None)  # TorchXRayVision keeps these in its table, not in the file
    torch.save(network, folder / f"{MODEL}.pt")
    labels, points = [""] * card.network_outputs, [0.5] * card.network_outputs
    for output in card.outputs:
        labels[output.index], points[output.index] = output.label, output.operating_point
    entry = {
        "weights_url": f"https://example.org/{MODEL}.pt",
        "labels": labels,
        "op_threshs": points,
        "input_resolution": card.input_size,
    }
    (folder / f"{MODEL}.json").write_text(json.dumps(entry))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
