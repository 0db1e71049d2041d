"""Draws the picture of docs/cardiac-ct.md: where contrast is looked for (``python3 -m tools.ct_pictures``)."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from orthanc_ai.cardiac.contrast import LOOKED_AT, find_heart
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.slices import read_slices
from phantom.ct import Kind, ct_series

FILE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "ct-contrast.png"
MATRIX, TILE, CAPTION = 256, 180, 18
WINDOW_HU = (-150.0, 450.0)
MARK = (255, 176, 0)
GREYS = 24  # keeps the file small


def tile(hu: np.ndarray[tuple[int, ...], np.dtype[np.float32]], header: Header) -> Image.Image:
    """One slice, the circle in which blood is looked for, and what was found."""
    low, high = WINDOW_HU
    grey = np.clip((hu - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    picture = Image.new("RGB", (TILE, TILE + CAPTION), "black")
    picture.paste(Image.fromarray(grey).resize((TILE, TILE), Image.Resampling.LANCZOS), (0, CAPTION))
    draw = ImageDraw.Draw(picture)
    heart = find_heart(hu, header)
    text = "no heart"
    if heart is not None and header.pixel_spacing is not None:
        scale = TILE / hu.shape[0]
        x, y, radius = heart.column * scale, heart.row * scale, heart.radius_mm / header.pixel_spacing[0] * scale
        draw.ellipse((x - radius, y - radius + CAPTION, x + radius, y + radius + CAPTION), outline=MARK, width=2)
        text = f"{heart.blood_hu:.0f} HU"
    draw.text((4, 2), text, fill="white", font=ImageFont.load_default(12))
    return picture


def line(kind: Kind) -> list[Image.Image]:
    """The five slices of a phantom that are looked at."""
    images = ct_series(kind, matrix=MATRIX)
    tiles = []
    for part in sorted(LOOKED_AT):
        image = images[round(part * (len(images) - 1))]
        stream, header = BytesIO(), Header.from_dataset(image)
        image.save_as(stream, enforce_file_format=True)
        stream.seek(0)
        tiles += [tile(hu, header) for hu in read_slices(stream, [header])]
    return tiles


def main() -> None:
    """Write the picture."""
    lines = [line("ccta"), line("calcium_score")]
    picture = Image.new("RGB", (TILE * len(LOOKED_AT), (TILE + CAPTION) * len(lines)), "black")
    for row, tiles in enumerate(lines):
        for column, part in enumerate(tiles):
            picture.paste(part, (column * TILE, row * (TILE + CAPTION)))
    picture.quantize(GREYS, dither=Image.Dither.NONE).save(FILE, optimize=True)


if __name__ == "__main__":
    main()
