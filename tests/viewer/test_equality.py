"""Our gray levels are the viewer's, pixel by pixel, wherever its renderers do what DICOM says."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import DATA
from tests.live.orthanc import Orthanc

from .browser import Ohif
from .equality import Row, compare_patterns, compare_real, name
from .expectation import HANDED_OVER
from .patterns import FUNCTIONS, patterns
from .real_images import SETS, images_of
from .renderer import Page, Renderer

OF_A_SET = 2
"""Real images of each set; the command that fills docs/display.md takes all."""

# Nothing is to be read here, so that the processors are left to the browser.
SETTINGS = {"XRay": {"Enabled": False}, "CardiacCT": {"Enabled": False}}


@dataclass(frozen=True)
class Drawn:
    """What the renderers have drawn."""

    patterns: list[Row]
    real: list[Row]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    """Every pattern and some real images, drawn by both renderers in one browser."""
    made = patterns(every=False)
    real = {each: list(images_of(DATA / each, OF_A_SET)) for each in SETS if (DATA / each).is_dir()}
    orthanc = Orthanc(tmp_path_factory.mktemp("equality"), ai=SETTINGS).start()
    try:
        images = [*(one.dataset for one in made), *itertools.chain.from_iterable(real.values())]
        assert len(orthanc.upload(images)) == len(images)
        with Ohif(orthanc.url) as ohif:
            page = Page(ohif, sorted({str(image.StudyInstanceUID) for image in images}), list(map(name, images)))
            rows = Drawn([], [])
            for renderer in Renderer:
                rows.patterns.extend(compare_patterns(page, renderer, made))
                rows.real.extend(compare_real(page, renderer, real))
            yield rows
    finally:
        orthanc.stop()


@pytest.mark.parametrize("function", [*FUNCTIONS, HANDED_OVER])
@pytest.mark.parametrize("renderer", Renderer)
def test_patterns(drawn: Drawn, renderer: Renderer, function: str) -> None:
    rows = [row for row in drawn.patterns if row.renderer is renderer and row.function == function]
    assert len(rows) >= 12
    assert [fault for row in rows for fault in row.faults()] == []


@pytest.mark.parametrize("renderer", Renderer)
def test_real_images(drawn: Drawn, renderer: Renderer, data: Path) -> None:
    rows = [row for row in drawn.real if row.renderer is renderer]
    assert {row.kind for row in rows} == set(SETS)
    assert [fault for row in rows for fault in row.faults(departing=False)] == []


def test_most_is_equal(drawn: Drawn) -> None:
    """What departs is the exception: the expectations above do not excuse everything."""
    equal = {(row.renderer, row.function) for row in drawn.patterns if not row.expectation.why}
    cpu = {(Renderer.CPU, function) for function in ("linear", "no window", HANDED_OVER)}
    gpu = {(Renderer.GPU, function) for function in ("linear", "linear exact", "sigmoid", "no window")}
    assert equal == cpu | gpu
