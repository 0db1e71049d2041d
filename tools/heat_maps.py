"""Draws the picture of docs/heat-maps.md and counts where maps peak (``python3 -m tools.heat_maps [--phantoms 300]``)."""

import argparse
from collections import Counter
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image

from orthanc_ai import __version__
from orthanc_ai.models.card import Output, load_card
from orthanc_ai.models.engine import Engine, load_engine
from orthanc_ai.models.prepared import Prepared, load_prepared
from orthanc_ai.overlays.capture import heat_map_identities, heat_maps
from orthanc_ai.report.provenance import of_model
from orthanc_ai.xray.activation import Activation, class_activations, peak
from orthanc_ai.xray.classify import classify
from orthanc_ai.xray.pixels import read_radiograph
from phantom.chest import Place, Radiograph, draw_chest, render
from phantom.dicom import to_dicom

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "pictures" / "heat-map.png"
SHOWN, FINDING = 910003, "Mass"
FILM = (2500, 2048)
WIDTH = 840
FIRST_SEED = 910_000
COUNTED = (500, 410)

type Scores = npt.NDArray[np.float32]


class Peak(NamedTuple):
    """Where a map of a finding that is there peaks: within the finding, in its middle's cell, or in one beside it."""

    inside: bool
    cells_off: int


def read(engine: Engine, prepared: Prepared, film: Radiograph) -> tuple[Scores, dict[str, Activation]]:
    """Scores and activation maps of a phantom."""
    tensor = read_radiograph(to_dicom(film), prepared.card.input_size).tensor
    scores, maps = engine.scores_and_activations(tensor[None])
    return scores[0], class_activations(prepared.card, maps[0], *film.pixels.shape)


def draw(engine: Engine, prepared: Prepared) -> None:
    """The capture of one phantom, smaller."""
    film = render(draw_chest(SHOWN, [FINDING]), *FILM)
    scores, activations = read(engine, prepared, film)
    findings = [each for each in classify(prepared.card, scores) if each.label == FINDING]
    maker = of_model(prepared.card, prepared.weights_digest, __version__, 0.0, ())
    uids = heat_map_identities("picture", "", "", [FINDING])
    gray = (film.pixels >> 4).astype(np.uint8)
    [made] = heat_maps(to_dicom(film), gray, activations, findings, prepared.card, maker, uids, datetime(2026, 1, 1))
    picture = Image.fromarray(pydicom.dcmread(BytesIO(made.dicom)).pixel_array)
    height = round(WIDTH * picture.height / picture.width)
    picture.resize((WIDTH, height), Image.Resampling.LANCZOS).save(FILE, optimize=True)


def judge(activation: Activation, place: Place) -> Peak:
    """Compare a map's peak with where the finding is."""
    column, row = peak(activation)
    box, cell = activation.box, activation.box.width / len(activation.grid)
    found, wanted = (
        np.floor_divide(np.subtract(at, (box.left, box.top)), cell) for at in ((column, row), (place.column, place.row))
    )
    return Peak(bool(place.mask[int(row), int(column)]), int(np.abs(found - wanted).max()))


def count(engine: Engine, prepared: Prepared, phantoms: int, label: str | None) -> None:
    """Print the shares of maps that peak where the finding is, of phantoms with one finding or with any."""
    shown: Counter[str] = Counter()
    peaks: dict[str, list[Peak]] = {}
    outputs: dict[str, Output] = {output.label: output for output in prepared.card.outputs}
    for seed in range(FIRST_SEED, FIRST_SEED + phantoms):
        film = render(draw_chest(seed, [label] if label else None), *COUNTED)
        scores, activations = read(engine, prepared, film)
        for name, place in film.truth.places.items():
            shown[name] += 1
            if scores[outputs[name].index] >= outputs[name].threshold:
                peaks.setdefault(name, []).append(judge(activations[name], place))
    for name, found in sorted(peaks.items()):
        same = np.mean([each.cells_off == 0 for each in found])
        near = np.mean([each.inside or each.cells_off <= 1 for each in found])
        print(f"| {name} | {shown[name]} | {len(found)} | {100 * same:.0f} % | {100 * near:.0f} % |")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.heat_maps", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("/var/lib/orthanc/ai/models"))
    parser.add_argument("--phantoms", type=int, default=0, metavar="N", help="count where maps peak, in N phantoms")
    parser.add_argument("--finding", help="phantoms with this finding alone")
    options = parser.parse_args()
    prepared = load_prepared(load_card(ROOT / "models", "phantom"), options.cache)
    engine = load_engine(prepared, "onnx")
    if options.phantoms:
        count(engine, prepared, options.phantoms, options.finding)
    else:
        draw(engine, prepared)


if __name__ == "__main__":
    main()
