"""What OHIF's active viewport shows: pixels, lines and their texts, and where in the image they are."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .browser import Ohif

_HERE = """
const {viewportGridService, cornerstoneViewportService} = window.services;
const viewport = cornerstoneViewportService.getCornerstoneViewport(viewportGridService.getActiveViewportId());
"""

_IMAGE = _HERE + "return viewport?.getCurrentImageId?.() ?? null;"

_CANVAS = (
    _HERE
    + """
const canvas = viewport.getCanvas();
const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
let all = '';
for (let at = 0; at < data.length; at += 32768) all += String.fromCharCode(...data.subarray(at, at + 32768));
return [canvas.height, canvas.width, btoa(all)];
"""
)

# Through the two ends of the image's diagonal: there is neither rotation nor perspective.
_CORNERS = (
    _HERE
    + """
const {imageToWorldCoords} = window.cornerstone.utilities;
const id = viewport.getCurrentImageId();
const {rows, columns} = window.cornerstone.metaData.get('imagePixelModule', id);
const first = window.cornerstone.cache.getImage(id);
const {origin, direction, spacing} = viewport.getImageData();
const place = index => viewport.worldToCanvas(
  [0, 1, 2].map(axis => origin[axis] + index[0] * spacing[0] * direction[axis]
                                     + index[1] * spacing[1] * direction[3 + axis]));
// The drawn image's own grid: its first pixel has its middle at index 0.
return [place([-0.5, -0.5]), place([columns - 0.5, rows - 0.5]), [columns, rows], window.devicePixelRatio];
"""
)

_LINES = (
    _HERE
    + """
const id = viewport.getCurrentImageId();
return window.cornerstoneTools.annotation.state.getAllAnnotations()
  .filter(one => one.metadata.toolName === arguments[0] && one.metadata.referencedImageId === id)
  .map(one => ({
    label: one.data.label ?? '',
    canvas: one.data.handles.points.map(point => viewport.worldToCanvas(point)),
    length: Object.values(one.data.cachedStats ?? {}).map(stats => stats.length)[0] ?? null,
    unit: Object.values(one.data.cachedStats ?? {}).map(stats => stats.unit)[0] ?? '',
  }));
"""
)

_TEXTS = (
    _HERE
    + "return [...viewport.element.querySelectorAll('svg text')].map(text => "
    + "[...text.querySelectorAll('tspan')].map(line => line.textContent).join(' '));"
)


@dataclass(frozen=True)
class Drawn:
    """A line as the viewport has it.

    Attributes
    ----------
    label
        Its name.
    start, end
        Column and row of the image that it is drawn at, from the upper left corner.
    length, unit
        What OHIF has measured; ``None`` of a line that is only shown.
    """

    label: str
    start: tuple[float, float]
    end: tuple[float, float]
    length: float | None
    unit: str


class Viewport:
    """The active viewport of a browser."""

    def __init__(self, ohif: Ohif) -> None:
        self._driver = ohif.driver

    @property
    def image(self) -> str | None:
        """What cornerstone calls the image that is shown; it has the UIDs in it."""
        found = self._driver.execute_script(_IMAGE)
        return None if found is None else str(found)

    def pixels(self) -> NDArray[np.uint8]:
        """What is drawn, without lines and texts: (rows, columns, 3) of the screen."""
        rows, columns, data = self._driver.execute_script(_CANVAS)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(rows, columns, 4)[..., :3]

    def _frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Where on the screen the image's upper left corner is, how large its pixels are there, and the screen's ratio."""
        first, last, size, ratio = self._driver.execute_script(_CORNERS)
        start = np.array(first, np.float64)
        return start, (np.array(last, np.float64) - start) / np.array(size, np.float64), float(ratio)

    def to_screen(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places in the image, (n, 2) columns and rows from its upper left corner, in pixels of `pixels`."""
        start, scale, ratio = self._frame()
        return (start + places * scale) * ratio

    def lines(self, tool: str) -> list[Drawn]:
        """The lines of a tool on the shown image: ``DICOMSRDisplay`` of a report, ``Length`` of OHIF's own."""
        start, scale, _ = self._frame()

        def place(canvas: Sequence[float]) -> tuple[float, float]:
            column, row = (np.array(canvas, np.float64) - start) / scale
            return float(column), float(row)

        return [
            Drawn(one["label"], place(one["canvas"][0]), place(one["canvas"][1]), one["length"], one["unit"])
            for one in self._driver.execute_script(_LINES, tool)
        ]

    def texts(self) -> list[str]:
        """What stands beside the lines."""
        return [str(text) for text in self._driver.execute_script(_TEXTS)]

    def lengths(self, unit: str) -> list[float]:
        """The numbers with a unit that stand beside the lines."""
        found = (re.search(rf"([\d.]+) {unit}\b", text) for text in self.texts())
        return sorted(float(one[1]) for one in found if one)
