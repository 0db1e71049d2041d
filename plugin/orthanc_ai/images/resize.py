"""Pictures of another size: fitted into it, cropped to it, or stretched."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .content import content_box
from .size import Size

type Picture = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of an image goes to which part of a picture.

    Attributes
    ----------
    size
        Of the picture.
    box
        Top, left, bottom and right end of the part of the image, in its pixels; the first pixel reaches from 0 to 1.
    top, left, rows, columns
        Where it goes to, in pixels of the picture.
    pixel_aspect
        Height of the image's pixels by their width; ``None`` if unknown.
    """

    size: Size
    box: tuple[float, float, float, float]
    top: int
    left: int
    rows: int
    columns: int
    pixel_aspect: float | None

    @property
    def step(self) -> tuple[float, float]:
        """Rows and columns of the image to a pixel of the picture."""
        top, left, bottom, right = self.box
        return (bottom - top) / self.rows, (right - left) / self.columns

    def to_json(self) -> dict[str, Any]:
        """What is to be known to find a place of the image again.

        The middle of the pixel in row r and column c of the picture is that in row ``origin[0] + r * step[0]`` and column
        ``origin[1] + c * step[1]`` of the image, where the middle of its first pixel is at 0.
        """
        step = self.step
        origin = [
            box + (0.5 - start) * one - 0.5
            for box, start, one in zip(self.box, (self.top, self.left), step, strict=False)
        ]
        return self.size.to_json() | {"step": list(step), "origin": origin, "pixelAspect": self.pixel_aspect}


def place(picture: Picture, size: Size, pixel_aspect: float | None = None) -> Placement:
    """Find out where an image goes in a picture of a size.

    Parameters
    ----------
    picture
        The image in gray levels, shape (rows, columns).
    pixel_aspect
        Height of its pixels by their width; ``None`` if unknown. It counts if `size` wants square pixels.
    """
    top, left, bottom, right = map(
        float, content_box(picture) if size.content else (0, 0, picture.shape[0], picture.shape[1])
    )
    if size.how == "stretch":
        return Placement(size, (top, left, bottom, right), 0, 0, size.rows, size.columns, pixel_aspect)
    # In units of a pixel's width, of which a pixel is `tall` high.
    tall = (pixel_aspect or 1.0) if size.square else 1.0
    high, wide = (bottom - top) * tall, right - left
    if size.how == "crop":
        unit = min(high / size.rows, wide / size.columns)
        cut_rows, cut_columns = (high - size.rows * unit) / tall, wide - size.columns * unit
        box = (top + cut_rows / 2, left + cut_columns / 2, bottom - cut_rows / 2, right - cut_columns / 2)
        return Placement(size, box, 0, 0, size.rows, size.columns, pixel_aspect)
    unit = max(high / size.rows, wide / size.columns)
    rows, columns = max(1, round(high / unit)), max(1, round(wide / unit))
    above, before = (size.rows - rows) // 2, (size.columns - columns) // 2
    return Placement(size, (top, left, bottom, right), above, before, rows, columns, pixel_aspect)


def resized(picture: Picture, placement: Placement, around: float = 0.0) -> Picture:
    """An image in a picture, interpolated linearly, with an antialias filter where it becomes smaller.

    That is Pillow's ``BILINEAR`` on 32-bit floating point, which torchvision's ``resize`` with ``antialias=True`` follows. At
    its own size an image stays as it is.

    Parameters
    ----------
    picture
        Shape (rows, columns), float32.
    around
        What lies around the image.

    Returns
    -------
    Shape (size.rows, size.columns), float32; never beyond the extremes of `picture` and `around`.
    """
    top, left, bottom, right = placement.box
    part, shape = picture, (placement.rows, placement.columns)
    if (*placement.box, *shape) != (0, 0, *picture.shape, *picture.shape):
        image = Image.fromarray(picture)
        part = np.asarray(
            image.resize((placement.columns, placement.rows), Image.Resampling.BILINEAR, (left, top, right, bottom))
        )
        # Sums of weights are 1 only up to rounding.
        part = np.clip(part, picture.min(), picture.max())
    if shape == (placement.size.rows, placement.size.columns):
        return part
    whole = np.full((placement.size.rows, placement.size.columns), around, np.float32)
    whole[placement.top : placement.top + shape[0], placement.left : placement.left + shape[1]] = part
    return whole
