"""A heat map as a picture: the radiograph twice, once with the map over it, and beside the two what a reader has to know.

Nothing is written over a radiograph. Over one of the two lies colour that lets it shine through; the other is as it was.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ..xray.activation import Activation, Box, relative, upsample

type Gray = npt.NDArray[np.uint8]
type Picture = npt.NDArray[np.uint8]

LONGEST_SIDE: Final = 1536
"""Pixels of the longer side of a radiograph in the picture at most: two of them and their margins stay below 4096, which every
graphics processor takes as a texture, and one picture below 15 MB. A cell of a map has a hundred pixels and more then."""

NARROWEST: Final = 400
"""Pixels of a radiograph's width in the picture at least, for words that can be read; a smaller one is magnified, unless it
would become higher than `LONGEST_SIDE`."""

_STRONGEST: Final = 0.55
"""Share of the colour in the picture where a map is largest; the rest is the radiograph's."""

# Five colours of matplotlib's "plasma" (CC0), which grow brighter evenly and which all eyes tell apart.
_COLORS: Final = np.array([(13, 8, 135), (126, 3, 168), (204, 71, 120), (248, 149, 64), (240, 249, 33)], np.float64)
_LEVELS: Final = 256
_BACKGROUND: Final = 16
_MIDDLE_GRAY: Final = 128
_WHITE: Final = (235, 235, 235)
_PALE: Final = (165, 165, 165)
_AMBER: Final = (255, 190, 60)
# Sizes as shares of a radiograph's width in the picture.
_TITLE: Final = 1 / 19
_TEXT: Final = 1 / 34
_MARGIN: Final = 1 / 40
_LINE_SPACING: Final = 1.35


@dataclass(frozen=True, slots=True)
class Words:
    """What is written beside the radiographs.

    Attributes
    ----------
    title
        The finding.
    score
        Its score.
    lines
        How the picture is to be read.
    warning
        What it is not.
    """

    title: str
    score: str
    lines: tuple[str, ...]
    warning: str


def step_of(rows: int, columns: int) -> int:
    """Pixels of the image, along rows and columns, in one of the picture."""
    return min(rows, columns, -(-max(rows, columns) // LONGEST_SIDE))


def draw(gray: Gray, activation: Activation, words: Words) -> Picture:
    """The picture of one finding.

    Parameters
    ----------
    gray
        Shape (rows, columns): the whole radiograph as a viewer shows it.
    activation
        Of the same image.

    Returns
    -------
    Shape (rows, columns, 3), RGB. On the left the radiograph, on the right the same with the map over it.
    """
    rows, columns = gray.shape
    step = step_of(rows, columns)
    small = _reduced(gray, step)
    heat = upsample(relative(activation.grid), activation.box, rows, columns, step)
    zoom = min(-(-NARROWEST // small.shape[1]), max(1, LONGEST_SIDE // small.shape[0]))
    if zoom > 1:
        small = small.repeat(zoom, axis=0).repeat(zoom, axis=1)
        heat = heat.repeat(zoom, axis=0).repeat(zoom, axis=1)
    columns = small.shape[1]
    margin = max(4, round(columns * _MARGIN))
    canvas = _Canvas(2 * columns + 3 * margin, columns, margin)
    canvas.write([(words.title, _TITLE, _WHITE)], [(words.score, _TITLE, _WHITE)])
    canvas.write([("Original", _TEXT, _PALE)], [("Class activation over the original", _TEXT, _PALE)], columns + margin)
    canvas.place([np.repeat(small[:, :, None], 3, axis=2), _blended(small, heat)])
    canvas.extent(activation.box, zoom / step, small.shape)
    canvas.legend("none, or against", "largest of this map")
    for line in words.lines:
        canvas.write([(line, _TEXT, _PALE)])
    canvas.write([(words.warning, _TEXT, _AMBER)])
    return canvas.picture()


def _reduced(gray: Gray, step: int) -> Gray:
    """Means of blocks, rounded."""
    if step == 1:
        return gray
    rows, columns = gray.shape[0] // step, gray.shape[1] // step
    blocks = gray[: rows * step, : columns * step].reshape(rows, step, columns, step)
    # Rows of a block first: whole numbers, and along contiguous memory.
    sums = blocks.sum(axis=1, dtype=np.uint16).sum(axis=2, dtype=np.uint32)
    return np.asarray((sums + step * step // 2) // (step * step), np.uint8)


def _colors() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """For each level of a map: its colour by its share, and the share of the radiograph, both in 256ths."""
    at = np.linspace(0, 1, _LEVELS)
    share = _STRONGEST * at
    color = np.stack([np.interp(at, np.linspace(0, 1, len(_COLORS)), channel) for channel in _COLORS.T], axis=1)
    return np.rint(color * share[:, None] * 256).astype(np.uint16), np.rint((1 - share) * 256).astype(np.uint16)


def _blended(gray: Gray, heat: npt.NDArray[np.float32]) -> Picture:
    """Colour over gray, the more the larger the map is."""
    levels = np.rint(heat * (_LEVELS - 1)).astype(np.uint8)
    color, rest = _colors()
    shining = gray * rest[levels]
    return ((color[levels] + shining[:, :, None]) >> 8).astype(np.uint8)


class _Canvas:
    """A picture that grows downwards."""

    def __init__(self, width: int, unit: int, margin: int) -> None:
        self._width, self._unit, self._margin = width, unit, margin
        self._parts: list[Picture] = []
        self._space(margin // 2)

    def write(
        self,
        left: list[tuple[str, float, tuple[int, int, int]]],
        right: list[tuple[str, float, tuple[int, int, int]]] | None = None,
        right_at: int | None = None,
    ) -> None:
        """One line: a text at the left, and one that ends at the right or begins at a place."""
        size = max(part[1] for part in (*left, *(right or ())))
        strip = Image.new("RGB", (self._width, round(self._size(size) * _LINE_SPACING)), (_BACKGROUND,) * 3)
        pen = ImageDraw.Draw(strip)
        room = self._width - 2 * self._margin if not right else self._width // 2 - 2 * self._margin
        for text, share, color in left:
            pen.text((self._margin, 0), text, fill=color, font=self._font(text, share, room))
        for text, share, color in right or ():
            font = self._font(text, share, room)
            x = self._width - self._margin - font.getlength(text) if right_at is None else self._margin + right_at
            pen.text((x, 0), text, fill=color, font=font)
        self._parts.append(np.asarray(strip))

    def place(self, panels: list[Picture]) -> None:
        """Radiographs side by side."""
        strip = self._blank(panels[0].shape[0])
        x = self._margin
        for panel in panels:
            strip[:, x : x + panel.shape[1]] = panel
            x += panel.shape[1] + self._margin
        self._parts.append(strip)

    def extent(self, box: Box, scale: float, panel: tuple[int, ...]) -> None:
        """Lines in the margins of the right radiograph, where it lies within what the model saw of it."""
        rows, columns = panel
        thick = max(1, self._margin // 12)
        start = self._width - self._margin - columns
        left, right = start + int(box.left * scale), start + min(columns, ceil((box.left + box.width) * scale))
        top, bottom = int(box.top * scale), min(rows, ceil((box.top + box.height) * scale))
        placed = self._parts[-1]
        x = start + columns + self._margin // 3
        placed[top:bottom, x : x + thick] = _PALE
        strip = self._blank(self._margin)
        y = self._margin // 3
        strip[y : y + thick, left:right] = _PALE
        self._parts.append(strip)

    def legend(self, least: str, most: str) -> None:
        """A bar of the colours as they look over a middle gray, and what its ends mean."""
        height = round(self._size(_TEXT) * _LINE_SPACING)
        strip = Image.new("RGB", (self._width, height), (_BACKGROUND,) * 3)
        pen = ImageDraw.Draw(strip)
        room = self._width // 4
        first, last = self._font(least, _TEXT, room), self._font(most, _TEXT, room)
        gap = self._margin // 2
        x = self._margin
        pen.text((x, 0), least, fill=_WHITE, font=first)
        x += round(first.getlength(least)) + gap
        long = self._unit // 2
        pen.text((x + long + gap, 0), most, fill=_WHITE, font=last)
        bar = np.repeat(np.linspace(0, 1, long, dtype=np.float32)[None], height * 2 // 3, axis=0)
        drawn = np.array(strip)
        bar = bar[:, : max(0, self._width - x)]
        drawn[height // 12 : height // 12 + len(bar), x : x + long] = _blended(
            np.full(bar.shape, _MIDDLE_GRAY, np.uint8), bar
        )
        self._parts.append(drawn)

    def picture(self) -> Picture:
        """All of it."""
        self._space(self._margin // 2)
        return np.concatenate(self._parts)

    def _blank(self, height: int) -> Picture:
        return np.full((height, self._width, 3), _BACKGROUND, np.uint8)

    def _space(self, height: int) -> None:
        self._parts.append(self._blank(height))

    def _size(self, share: float) -> int:
        return max(9, round(self._unit * share))

    def _font(self, text: str, share: float, room: int) -> ImageFont.FreeTypeFont:
        """Pillow's own font, in a size in which the text fits."""
        size = self._size(share)
        font = _loaded(size)
        longest = font.getlength(text)
        return font if longest <= room else _loaded(max(6, int(size * room / longest)))


def _loaded(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font
