"""Draws the picture of docs/display.md: one CT slice by several scalings (``python3 -m tools.display_pictures``)."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from orthanc_ai.images.frame import Frame, read_frame
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling
from orthanc_ai.images.size import Size
from phantom.ct import ct_series

FILE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "scalings.png"
MATRIX, TILE, CAPTION, CURVE, GAP, ACROSS = 256, 232, 22, 58, 8, 3
SHOWN_HU = (-1200, 800)
"""Values along each curve."""
INK, LINE, GRID, PAPER = (40, 40, 40), (0, 90, 160), (208, 208, 208), (255, 255, 255)
COLOURS = 32  # keeps the file small

SCALINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("viewer: lowest to highest value", {"kind": "viewer"}),
    ("named: mediastinum", {"kind": "named", "name": "mediastinum"}),
    ("named: lung", {"kind": "named", "name": "lung"}),
    ("named: bone", {"kind": "named", "name": "bone"}),
    ("window: 50, 350, SIGMOID", {"kind": "window", "center": 50, "width": 350, "function": "SIGMOID"}),
    ("frequency: 100 bins", {"kind": "frequency"}),
)


def tile(frame: Frame, caption: str, scaling: Scaling) -> Image.Image:
    """The slice, and below it which value becomes which gray level."""
    picture = Image.new("RGB", (TILE, CAPTION + TILE + CURVE), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((2, 3), caption, fill=INK, font=ImageFont.load_default(13))
    gray, _ = levels(frame, scaling, 8, Size(TILE, TILE))
    picture.paste(Image.fromarray(gray), (0, CAPTION))
    whole, _ = levels(frame, scaling)
    hu, first = np.unique(frame.values, return_index=True)
    low, high = SHOWN_HU
    bottom, height = CAPTION + TILE + CURVE - 16, CURVE - 22
    inside = (hu >= low) & (hu <= high)
    points = [
        ((value - low) / (high - low) * (TILE - 1), bottom - whole.ravel()[place] / 255 * height)
        for value, place in zip(hu[inside], first[inside], strict=True)
    ]
    for value in (-1000, -500, 0, 500):
        at = (value - low) / (high - low) * (TILE - 1)
        draw.line((at, bottom - height, at, bottom), fill=GRID)
        draw.text((at, bottom + 4), f"{value} HU", fill=INK, font=ImageFont.load_default(10), anchor="mt")
    draw.line(points, fill=LINE, width=2)
    return picture


def main() -> None:
    """Write the picture."""
    images = ct_series("ccta", matrix=MATRIX)
    image = images[len(images) // 2]
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in image:
            delattr(image, keyword)
    frame = read_frame(image)
    rows = -(-len(SCALINGS) // ACROSS)
    size = ACROSS * (TILE + GAP) - GAP, rows * (CAPTION + TILE + CURVE + GAP) - GAP
    picture = Image.new("RGB", size, PAPER)
    for place, (caption, json) in enumerate(SCALINGS):
        row, column = divmod(place, ACROSS)
        part = tile(frame, caption, Scaling.of(json))
        picture.paste(part, (column * (TILE + GAP), row * (CAPTION + TILE + CURVE + GAP)))
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FILE, optimize=True)


if __name__ == "__main__":
    main()
