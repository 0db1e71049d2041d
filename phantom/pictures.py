"""Draws the pictures of docs/phantom.md: a sheet of phantoms, and the ROC curves from evaluation.json."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from phantom.chest import Place, draw_chest, render
from phantom.chest.findings import PREVALENCE
from phantom.evaluate import MODEL
from phantom.progress import progress

PICTURES = MODEL.parent.parent / "docs" / "pictures"
SHEET_COLUMNS, TILE, CAPTION = 5, 208, 18
SHEET_SEED = 1200
SHEET_GRADE = 0.85
RENDER_SIZE = 832  # rendered finer than it is shown, so that the picture is clean
GREYS = 128  # keeps the file small
MARK = (255, 176, 0)


def tile(label: str | None, seed: int) -> Image.Image:
    """One phantom with its caption; the finding's place is framed."""
    chest = draw_chest(seed, {} if label is None else {label: SHEET_GRADE})
    radiograph = render(chest, RENDER_SIZE, RENDER_SIZE, 390.0)
    grey = Image.fromarray((radiograph.pixels >> 4).astype(np.uint8)).resize((TILE, TILE), Image.Resampling.LANCZOS)
    picture = Image.new("RGB", (TILE, TILE + CAPTION), "black")
    picture.paste(grey, (0, CAPTION))
    draw = ImageDraw.Draw(picture)
    if label is not None:
        left, top, right, bottom = frame(radiograph.truth.places[label])
        draw.rectangle((left, top + CAPTION, right, bottom + CAPTION), outline=MARK)
    text = (label or "Healthy").replace("_", " ")
    draw.text((4, 2), text, fill="white", font=ImageFont.load_default(12))
    return picture


def frame(place: Place) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a finding in pixels of the tile."""
    rows, columns = np.flatnonzero(place.mask.any(axis=1)), np.flatnonzero(place.mask.any(axis=0))
    scale = TILE / RENDER_SIZE
    edges = (columns[0] * scale - 2, rows[0] * scale - 2, columns[-1] * scale + 2, rows[-1] * scale + 2)
    left, top, right, bottom = (int(np.clip(edge, 0, TILE - 1)) for edge in edges)
    return left, top, right, bottom


def sheet(file: Path) -> None:
    """Writes the contact sheet: healthy chests and every finding that is built."""
    shown: list[str | None] = [None, None, *sorted(PREVALENCE)]
    tiles = [tile(label, SHEET_SEED + i) for i, label in enumerate(progress(shown, len(shown), "tiles"))]
    lines = -(-len(tiles) // SHEET_COLUMNS)
    picture = Image.new("RGB", (SHEET_COLUMNS * TILE, lines * (TILE + CAPTION)), "black")
    for index, part in enumerate(tiles):
        picture.paste(part, (index % SHEET_COLUMNS * TILE, index // SHEET_COLUMNS * (TILE + CAPTION)))
    picture.quantize(GREYS, dither=Image.Dither.NONE).save(file, optimize=True)


def roc_svg(curves: dict[str, list[list[float]]], findings: dict[str, dict[str, float]]) -> str:
    """The ROC curves as an SVG picture, best findings first in the legend."""
    side, pad = 360, 44
    order = sorted(curves, key=lambda label: -findings[label]["auc"])
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{side + pad + 270}" height="{side + 2 * pad}" '
            'font-family="sans-serif" font-size="12">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{pad}" y="{pad // 2}" width="{side}" height="{side}" fill="none" stroke="#888"/>',
        f'<path d="M{pad},{pad // 2 + side} l{side},-{side}" stroke="#ccc"/>',
        f'<text x="{pad + side / 2}" y="{side + pad + 12}" text-anchor="middle">1 - specificity</text>',
        f'<text transform="translate({pad - 14},{pad // 2 + side / 2}) rotate(-90)" text-anchor="middle">sensitivity</text>',
    ]
    for number, label in enumerate(order):
        colour = f"hsl({int(360 * number / len(order))},65%,42%)"
        rates: NDArray[np.float64] = np.array(curves[label])
        rates = np.concatenate([rates, [[1.0], [1.0]]], axis=1)
        points = " ".join(f"{pad + side * x:.1f},{pad // 2 + side * (1 - y):.1f}" for x, y in rates.T)
        parts.append(
            f'<polyline points="{pad},{pad // 2 + side} {points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        y = pad // 2 + 14 + 20 * number
        parts.append(f'<rect x="{pad + side + 16}" y="{y - 9}" width="12" height="4" fill="{colour}"/>')
        text = f"{label.replace('_', ' ')}: {findings[label]['auc']:.3f}"
        parts.append(f'<text x="{pad + side + 34}" y="{y}">{text}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: writes both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=PICTURES)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    sheet(options.folder / "phantoms.png")
    evaluation = json.loads((MODEL / "evaluation.json").read_text())
    (options.folder / "phantom-roc.svg").write_text(roc_svg(evaluation["roc"], evaluation["findings"]))


if __name__ == "__main__":
    main()
