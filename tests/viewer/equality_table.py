"""Draws every test pattern and every real image, and writes into docs/display.md how they compare.

Usage: ``python3 -m tests.viewer.equality_table`` (`make display-table`; some minutes).
"""

import itertools
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.conftest import DATA
from tests.live.orthanc import Orthanc

from . import expectation, real_images
from .browser import Ohif
from .equality import Row, compare_patterns, compare_real, name
from .expectation import HANDED_OVER
from .patterns import FUNCTIONS, patterns
from .renderer import Page, Renderer

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "display.md"
BEGIN, END = "<!-- The tables: written by make display-table. -->", "<!-- The end of the tables. -->"
SETTINGS = {"XRay": {"Enabled": False}, "CardiacCT": {"Enabled": False}}
"""Nothing is to be read in this server, so that the processors are left to the browser."""


def draw(folder: Path) -> tuple[list[Row], list[Row]]:
    """Rows of the patterns and of the real images, drawn by both renderers in one browser."""
    made = patterns()
    real = {each: list(real_images.images_of(DATA / each)) for each in real_images.SETS}
    orthanc = Orthanc(folder, ai=SETTINGS).start()
    try:
        images = [*(one.dataset for one in made), *itertools.chain.from_iterable(real.values())]
        assert len(orthanc.upload(images)) == len(images)
        of_patterns: list[Row] = []
        of_real: list[Row] = []
        with Ohif(orthanc.url) as ohif:
            page = Page(ohif, sorted({str(image.StudyInstanceUID) for image in images}), list(map(name, images)))
            for renderer in Renderer:
                print(f"{renderer}: {len(made)} patterns, {len(images) - len(made)} real images", flush=True)
                of_patterns += compare_patterns(page, renderer, made)
                of_real += compare_real(page, renderer, real)
    finally:
        orthanc.stop()
    return of_patterns, of_real


def tables(of_patterns: Sequence[Row], of_real: Sequence[Row]) -> str:
    """What docs/display.md says of them."""
    parts = ["Test patterns, by renderer and function, all kinds of pixels together:", "", *_by_function(of_patterns)]
    for renderer in Renderer:
        parts += ["", f"{renderer} renderer, by kind of pixels: pixels that differ, and by how many gray levels at most:", ""]
        parts += _by_kind([row for row in of_patterns if row.renderer is renderer])
    parts += ["", "Where it departs from DICOM, and why:", ""]
    parts += [f"- **{_letter(key)}** {text}" for key, text in expectation.DEPARTURES.items()]
    parts += ["", "Real images:", "", *_real(of_real)]
    return "\n".join(parts)


def _by_function(rows: Sequence[Row]) -> Iterable[str]:
    yield "| renderer | function | | images | pixels compared | pixels differing | gray levels, at most |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for renderer, function in itertools.product(Renderer, (*FUNCTIONS, HANDED_OVER)):
        chosen = [row for row in rows if row.renderer is renderer and row.function == function]
        for departs, said in ((False, "as DICOM"), (True, "departs")):
            some = [row for row in chosen if bool(row.expectation.why) is departs]
            if some:
                yield _line(f"{renderer} | {function} | {said}", some)


def _by_kind(rows: Sequence[Row]) -> Iterable[str]:
    functions = (*FUNCTIONS, HANDED_OVER)
    yield f"| pixels | {' | '.join(functions)} |"
    yield "|---|" + "---:|" * len(functions)
    for kind in dict.fromkeys(row.kind for row in rows):
        cells = []
        for function in functions:
            found = [row for row in rows if (row.kind, row.function) == (kind, function)]
            cells.append(_cell(found[0]) if found else "")
        yield f"| {kind} | {' | '.join(cells)} |"


def _real(rows: Sequence[Row]) -> Iterable[str]:
    yield "| renderer | images | | images | pixels compared | pixels differing | gray levels, at most |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for row in rows:
        why = " ".join(real_images.DEPARTURES[key] for key in row.expectation.why) or "as DICOM"
        yield _line(f"{row.renderer} | {row.kind} | {why}", [row])


def _line(beginning: str, rows: Sequence[Row]) -> str:
    images = sum(len(row.comparisons) for row in rows)
    pixels, differing = sum(row.pixels for row in rows), sum(row.differing for row in rows)
    return f"| {beginning} | {images:,} | {pixels:,} | {differing:,} | {max(row.largest for row in rows)} |"


def _cell(row: Row) -> str:
    found = f"{row.differing:,}" + (f", by {row.largest}" if row.largest else "")
    return found + "".join(f" **{_letter(key)}**" for key in row.expectation.why)


def _letter(key: str) -> str:
    return "abcdefghijkl"[list(expectation.DEPARTURES).index(key)]


def main() -> None:
    """Fill the document.

    Raises
    ------
    SystemExit
        If something is not as it is expected to be; the document then stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        of_patterns, of_real = draw(Path(folder))
    faults = [fault for row in of_patterns for fault in row.faults()]
    faults += [fault for row in of_real for fault in row.faults(departing=False)]
    if faults:
        raise SystemExit("\n".join(faults))
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables(of_patterns, of_real)}\n\n{END}{after}")


if __name__ == "__main__":
    main()
