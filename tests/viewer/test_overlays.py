"""A reader opens heat maps, outlines and lines in OHIF, and they are where and as long as this server says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage  # type: ignore[import-untyped]

from orthanc_ai.cardiothoracic.ratio import Outlines
from orthanc_ai.outcomes import XRAY_METADATA
from orthanc_ai.overlays.segmentation import segmentation
from orthanc_ai.report import provenance, vocabulary
from orthanc_ai.report.measurements_report import Length, measurements_report
from orthanc_ai.report.uids import report_identity
from phantom.chest.findings import draw_chest
from phantom.chest.radiograph import DETECTOR_MM, render
from phantom.dicom import phantom_uid, to_dicom
from tests.live.orthanc import Orthanc

from .browser import Ohif
from .viewport import Viewport

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"

SIZE = (500, 412)
PHANTOM = render(draw_chest(7, ("Cardiomegaly", "Effusion")), *SIZE, DETECTOR_MM)

TOP, BOTTOM, LEFT, RIGHT = 120, 300, 100, 310
"""Edges of the bright box, in pixels from the image's upper left corner."""


@dataclass(frozen=True)
class Film:
    """A radiograph in a study of its own, in what unit its lines are to be read, and how wide a pixel is in it."""

    name: str
    header: dict[str, Any]
    unit: str
    pixel: float

    @property
    def study(self) -> str:
        return phantom_uid("overlays", self.name, "study")

    def image(self) -> Dataset:
        series = phantom_uid("overlays", self.name, "series")
        return to_dicom(PHANTOM, StudyInstanceUID=self.study, SeriesInstanceUID=series, **self.header)


FILMS = (
    # Pixels that are not square, too.
    Film("pixel spacing", {"PixelSpacing": [0.8, 0.9], "ImagerPixelSpacing": None}, "mm", 0.9),
    Film("neither", {"ImagerPixelSpacing": None}, "px", 1),
    Film("imager pixel spacing", {}, "mm", 0.86),
)
LAST = FILMS[-1]
"""Whose study is open after the lines, with the box in it."""


def box() -> tuple[Dataset, list[Dataset]]:
    """A bright box, a segmentation of it, and a line from its upper left corner to its lower right one."""
    mask = np.zeros(SIZE, np.bool_)
    mask[TOP:BOTTOM, LEFT:RIGHT] = True
    image = LAST.image()
    image.SeriesInstanceUID, image.SOPInstanceUID = phantom_uid("box", "series"), phantom_uid("box")
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    # Not to be read: it would get overlays of its own.
    image.SeriesDescription, image.BodyPartExamined = "Box", "HAND"
    del image.AnatomicRegionSequence
    image.PixelData = np.where(mask, 4000, 40).astype("<u2").tobytes()
    maker = provenance.of_rules("box", "A box for a test", "1", "0", (provenance.RESEARCH,))
    ids = [report_identity(image.SOPInstanceUID, "", "box", "", kind) for kind in ("segmentation", "measurements")]
    when = datetime(2026, 11, 21)
    nothing = np.zeros_like(mask)
    line = Length("Diagonal", vocabulary.CHEST, (LEFT, TOP), (RIGHT, BOTTOM))
    files = [
        segmentation(image, Outlines(nothing, nothing, mask, 1), maker, ids[0], when).dicom,
        measurements_report(image, [line], maker, ids[1], when),
    ]
    return image, [pydicom.dcmread(BytesIO(file)) for file in files]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server that has read the films and written all overlays."""
    orthanc = Orthanc(
        tmp_path_factory.mktemp("overlays"),
        ai={"XRay": {"Overlays": "always"}},
    ).start()
    image, about = box()
    orthanc.upload([film.image() for film in FILMS] + [image, *about])
    orthanc.wait_idle()
    yield orthanc
    orthanc.stop()


@pytest.fixture(scope="module")
def browser(server: Orthanc) -> Iterator[Ohif]:
    with Ohif(server.url) as ohif:
        yield ohif


@pytest.fixture(autouse=True)
def no_errors(browser: Ohif) -> Iterator[None]:
    """No test may leave an error in the page's console."""
    yield
    assert browser.errors() == []


def result_of(server: Orthanc, film: Film) -> dict[str, Any]:
    """What the server has found in a film."""
    [instance] = server.find("Instance", {"SOPInstanceUID": film.image().SOPInstanceUID})
    outcome = server.outcome("instances", instance["ID"], XRAY_METADATA)
    assert outcome is not None
    data: dict[str, Any] = outcome["data"]
    return data


def overlay_of(server: Orthanc, film: Film, kind: str) -> Dataset:
    """The first object of a kind on a film."""
    listed = next(one for one in result_of(server, film)["overlays"] if one["kind"] == kind)
    [instance] = server.find("Instance", {"SOPInstanceUID": listed["sopInstanceUID"]})
    return pydicom.dcmread(BytesIO(server.request("GET", f"/instances/{instance['ID']}/file").content))


def shown(browser: Ohif, words: str, image: str) -> Viewport:
    """The viewport, once it shows an image after a series was opened."""
    viewport = Viewport(browser)
    browser.open_series(words)
    browser.wait_for(lambda: image in (viewport.image or "") or None, f"{words}: the image is not shown")
    return viewport


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.name)
def test_both_lines_become_measurements_as_long_as_ours(server: Orthanc, browser: Ohif, film: Film) -> None:
    found = result_of(server, film)["ratio"]
    ours = {"Cardiac width": found["heart"], "Thoracic width": found["thorax"]}
    lengths = {name: film.pixel * (end[0] - start[0]) for name, (start, end) in ours.items()}
    browser.open(f"/ohif/viewer?StudyInstanceUIDs={film.study}")
    if film is FILMS[0]:
        browser.confirm("Confirm and hide")
    viewport = shown(browser, "AI measurements cardio", film.image().SOPInstanceUID)
    browser.confirm("Yes")
    browser.wait_for(lambda: viewport.lengths(film.unit), "no lengths are written beside the lines")
    browser.screenshot(ARTIFACTS / f"ohif-lines-{film.name.replace(' ', '-')}.png")
    # OHIF writes whole numbers.
    assert viewport.lengths(film.unit) == pytest.approx(sorted(lengths.values()), abs=1)
    lines = {line.label: line for line in viewport.lines("Length")}
    assert {name: line.length for name, line in lines.items()} == pytest.approx(lengths, abs=0.1)
    for name, (start, end) in ours.items():
        assert lines[name].start == pytest.approx(start, abs=0.02)
        assert lines[name].end == pytest.approx(end, abs=0.02)


def test_outlines_lie_over_the_image(server: Orthanc, browser: Ohif) -> None:
    stored = overlay_of(server, LAST, "segmentation").pixel_array.astype(bool)
    viewport = shown(browser, "AI segmentation cardio", LAST.image().SOPInstanceUID)
    browser.wait_for(lambda: coloured(viewport.pixels()).any() or None, "no outline is drawn")
    browser.screenshot(ARTIFACTS / "ohif-outlines.png")
    pixels = viewport.pixels()
    strongest = np.where(coloured(pixels), pixels.argmax(axis=2), -1)
    rows, columns = np.indices(SIZE)
    middles = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    x, y = viewport.to_screen(middles).astype(int).T
    seen = strongest[y, x].reshape(SIZE)
    inside = [ndimage.binary_erosion(mask, iterations=3) & (stored.sum(axis=0) == 1) for mask in stored]
    for mask, channel in zip(inside, (2, 1, 0), strict=True):  # blue, green, red
        assert mask.sum() > 1000
        assert (seen[mask] == channel).mean() > 0.99
    assert (seen[~ndimage.binary_dilation(stored.any(axis=0), iterations=3)] == -1).mean() > 0.999


def coloured(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(np.ptp(pixels, axis=2) > 15)


def test_lines_and_outlines_meet_the_edges_that_are_seen(browser: Ohif) -> None:
    image, _ = box()
    viewport = shown(browser, "AI measurements box", image.SOPInstanceUID)
    line = browser.wait_for(lambda: viewport.lines("DICOMSRDisplay"), "the report's line does not appear")[0]
    ends = viewport.to_screen(np.array([line.start, line.end]))
    # A pixel of the image is more than two of the screen: half of one would be seen.
    assert np.ptp(viewport.to_screen(np.array([[0, 0], [1, 1]])), axis=0).min() > 2
    # The line comes before the image on a slow machine.
    browser.wait_for(lambda: bright(viewport.pixels()).any() or None, "the image is not drawn")
    assert extent(bright(viewport.pixels())) == pytest.approx(ends, abs=0.6)
    shown(browser, "AI segmentation box", image.SOPInstanceUID)
    browser.wait_for(lambda: coloured(viewport.pixels()).any() or None, "no outline is drawn")
    assert extent(coloured(viewport.pixels())) == pytest.approx(ends, abs=0.6)


def bright(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(pixels[..., 0] > 128)


def extent(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Upper left and lower right corner of what is set."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], np.float64)


def test_a_heat_map_is_shown_in_colour(server: Orthanc, browser: Ohif) -> None:
    capture = overlay_of(server, LAST, "heat map")
    viewport = shown(browser, "AI heat map", capture.SOPInstanceUID)
    browser.wait_for(lambda: coloured(viewport.pixels()).any() or None, "there is no colour")
    browser.screenshot(ARTIFACTS / "ohif-heat-map.png")
    rows, columns = np.indices(capture.pixel_array.shape[:2])
    x, y = viewport.to_screen(np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)).astype(int).T
    drawn = viewport.pixels()[y, x].reshape(capture.pixel_array.shape).astype(int)
    assert np.median(np.abs(drawn - capture.pixel_array)) <= 2


def test_findings_are_still_read_as_text(browser: Ohif) -> None:
    browser.open_series("AI findings")
    browser.wait_for(lambda: "%" in browser.viewport_text() or None, "the report does not appear")
    text = browser.viewport_text().lower()
    browser.screenshot(ARTIFACTS / "ohif-findings-beside-overlays.png")
    for words in ("not for diagnosis", "cardiomegaly", "threshold value", "cardiothoracic ratio"):
        assert words in text
