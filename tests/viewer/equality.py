"""Compares our gray levels with the viewer's, pixel by pixel, and says where and why they differ.

``python3 -m tests.viewer.equality`` draws every test pattern and every image of the test data, and writes what it found
into docs/display.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from orthanc_ai.images.frame import read_frame
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling

from .expectation import HANDED_OVER, Expectation, expectation
from .patterns import Pattern
from .real_images import real_expectation
from .renderer import Drawing, Page, Renderer, VoiLut, over_dicomweb


@dataclass(frozen=True)
class Comparison:
    """One image, drawn by one renderer.

    Attributes
    ----------
    pixels, differing, largest : int
        Pixels of the image; those that differ from our gray levels; and by how many levels at most.
    from_seen : int
        By how many levels at most the drawing differs from our gray levels of the header as the renderer sees it.
    error : str
        What the renderer complained of.
    """

    pixels: int
    differing: int
    largest: int
    from_seen: int
    error: str = ""


@dataclass
class Row:
    """Images of one kind that one renderer has drawn."""

    renderer: Renderer
    function: str
    kind: str
    expectation: Expectation
    comparisons: list[Comparison] = field(default_factory=list)

    @property
    def pixels(self) -> int:
        """Pixels that were compared."""
        return sum(one.pixels for one in self.comparisons)

    @property
    def differing(self) -> int:
        """Pixels that differ."""
        return sum(one.differing for one in self.comparisons)

    @property
    def largest(self) -> int:
        """Gray levels that a pixel differs by, at most."""
        return max(one.largest for one in self.comparisons)

    def faults(self, *, departing: bool = True) -> Iterator[str]:
        """What is not as it is expected to be.

        Parameters
        ----------
        departing
            Whether a departure must be seen in each image: in a pattern it is.
        """
        allowed = self.expectation.largest
        for number, one in enumerate(self.comparisons, 1):
            where = f"{self.renderer}, {self.function}, {self.kind}, image {number}"
            if one.error:
                yield f"{where}: {one.error}"
            if allowed is not None and one.from_seen > allowed:
                yield f"{where} differs by {one.from_seen} levels, not {allowed}"
            if departing and self.expectation.why and not one.differing:
                yield f"{where} departs no more"


def as_seen(image: Dataset, unread: Iterable[str]) -> Dataset:
    """An image as it would be if these were not in its header."""
    seen = deepcopy(image)
    for keyword in unread:
        if keyword == "BitsStored":
            seen.BitsStored, seen.HighBit = image.BitsAllocated, image.BitsAllocated - 1
            for element in [element.tag for element in seen.group_dataset(0x6000)]:
                del seen[element]
        else:
            delattr(seen, keyword)
    return seen


def ours(image: Dataset, scaling: str = "header") -> NDArray[np.uint8]:
    """Our gray levels of an image, as an export has them."""
    gray, _ = levels(read_frame(_as_read(image)), Scaling.of({"kind": scaling}), 8)
    return gray.astype(np.uint8)


def compare(image: Dataset, drawing: Drawing, expected: Expectation, scaling: str = "header") -> Comparison:
    """Compare a drawing with our gray levels."""
    difference = _difference(drawing, ours(image, scaling))
    from_seen = difference
    if expected.unread:
        from_seen = _difference(drawing, ours(as_seen(image, expected.unread), scaling))
    return Comparison(
        difference.size,
        int(np.count_nonzero(difference)),
        int(difference.max()),
        int(from_seen.max()),
        drawing.error,
    )


def compare_patterns(page: Page, renderer: Renderer, some: Sequence[Pattern]) -> list[Row]:
    """Draw patterns, and compare; those with a VOI LUT once as OHIF draws them, and once with the LUT handed over."""
    rows: dict[tuple[str, str, Expectation], Row] = {}
    names = [name(pattern.dataset) for pattern in some]
    drawings = page.draw(names, renderer)
    handed = {name(pattern.dataset): voi_lut(pattern.dataset) for pattern in some if pattern.function == "VOI LUT"}
    again = zip(
        (pattern for pattern in some if pattern.function == "VOI LUT"),
        page.draw(list(handed), renderer, handed),
        strict=True,
    )
    tasks = [(pattern, pattern.function, drawing) for pattern, drawing in zip(some, drawings, strict=True)]
    tasks += [(pattern, HANDED_OVER, drawing) for pattern, drawing in again]
    for pattern, function, drawing in tasks:
        kind = pattern.kind.name + (f", {pattern.remark}" if pattern.remark else "")
        expected = expectation(renderer, pattern, function)
        row = rows.setdefault((function, kind, expected), Row(renderer, function, kind, expected))
        row.comparisons.append(compare(pattern.dataset, drawing, expected, pattern.scaling))
    return list(rows.values())


def compare_real(page: Page, renderer: Renderer, sets: Mapping[str, Sequence[Dataset]]) -> list[Row]:
    """Draw real images, and compare: a row for each set and each departure in it."""
    rows: dict[tuple[str, tuple[str, ...]], Row] = {}
    tasks = [(each, image) for each, images in sets.items() for image in images]
    drawings = page.draw([name(image) for _, image in tasks], renderer)
    for (each, image), drawing in zip(tasks, drawings, strict=True):
        expected = real_expectation(renderer, image)
        row = rows.setdefault((each, expected.why), Row(renderer, "of the header", each, expected))
        row.comparisons.append(compare(image, drawing, expected))
    return list(rows.values())


def name(image: Dataset) -> str:
    """What OHIF calls an image."""
    return over_dicomweb(str(image.StudyInstanceUID), str(image.SeriesInstanceUID), str(image.SOPInstanceUID))


def voi_lut(image: Dataset) -> VoiLut:
    """The first VOI LUT of an image, as the renderer takes it."""
    item: Any = image.VOILUTSequence[0]
    _, first, bits = item.LUTDescriptor
    entries = [int(entry) for entry in np.frombuffer(item.LUTData, "<u2")]
    return {"id": str(image.SOPInstanceUID), "firstValueMapped": first, "numBitsPerEntry": bits, "lut": entries}


def _difference(drawing: Drawing, gray: NDArray[np.uint8]) -> NDArray[np.int16]:
    assert drawing.gray.shape == gray.shape
    return np.abs(drawing.gray.astype(np.int16) - gray.astype(np.int16))


def _as_read(image: Dataset) -> Dataset:
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    return dcmread(BytesIO(file.getvalue()))
