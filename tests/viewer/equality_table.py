"""Draws every test pattern and every real image, and writes into docs/display.md how they compare.

Usage: ``python3 -m tests.viewer.equality_table`` (`make display-table`; some minutes).
"""

import itertools
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset

from phantom.ct import ct_series
from phantom.dicom import phantom_uid
from tests.conftest import DATA
from tests.live.orthanc import Orthanc

from . import expectation, real_images
from .browser import Ohif
from .equality import Row, compare_patterns, compare_real, name, ours
from .expectation import HANDED_OVER
from .patterns import FUNCTIONS, patterns
from .renderer import Page, Renderer

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "display.md"
PICTURE = DOCUMENT.parent / "pictures" / "equal-to-the-viewer.png"
TILE, CAPTION, GAP = 256, 22, 8
BEGIN, END = "<!-- The tables: written by make display-table. -->", "<!-- The end of the tables. -->"
type Gray = NDArray[np.uint8]

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
        shown = [slice_through(function, number) for number, function in enumerate(("LINEAR", "SIGMOID"), 1)]
        assert len(orthanc.upload(shown)) == len(shown)
        with Ohif(orthanc.url) as ohif:
            studies = sorted({str(image.StudyInstanceUID) for image in (*images, *shown)})
            page = Page(ohif, studies, [name(image) for image in (*images, *shown)])
            for renderer in Renderer:
                print(f"{renderer}: {len(made)} patterns, {len(images) - len(made)} real images", flush=True)
                of_patterns += compare_patterns(page, renderer, made)
                of_real += compare_real(page, renderer, real)
            drawings = page.draw(list(map(name, shown)), Renderer.CPU)
            side_by_side([(drawing.gray, ours(image)) for drawing, image in zip(drawings, shown, strict=True)])
    finally:
        orthanc.stop()
    return of_patterns, of_real


def slice_through(function: str, number: int) -> Dataset:
    """A phantom CT slice with a window of soft tissue."""
    images = ct_series("ccta", matrix=TILE)
    image = images[len(images) // 2]
    image.WindowCenter, image.WindowWidth, image.VOILUTFunction = "50", "350", function
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = phantom_uid("side by side", function)
    image.InstanceNumber = number
    return image


def side_by_side(pairs: Sequence[tuple[Gray, Gray]]) -> None:
    """Write the picture: for each image the viewer's, ours, and where they differ."""
    high = CAPTION + TILE
    picture = Image.new("L", (3 * TILE + 2 * GAP, len(pairs) * (high + GAP) - GAP), 255)
    draw = ImageDraw.Draw(picture)
    for row, ((theirs, own), said) in enumerate(zip(pairs, ("LINEAR", "SIGMOID"), strict=True)):
        difference = np.abs(theirs.astype(np.int16) - own)
        found = f"{np.count_nonzero(difference):,} pixels differ" + (
            f", by {difference.max()}" if difference.any() else ""
        )
        captions = (f"{said}: viewer (CPU)", f"{said}: ours", f"{found}")
        for column, (tile, caption) in enumerate(zip((theirs, own, 255 - 4 * difference), captions, strict=True)):
            at = column * (TILE + GAP), row * (high + GAP)
            draw.text((at[0] + 2, at[1] + 3), caption, fill=40, font=ImageFont.load_default(13))
            picture.paste(Image.fromarray(np.clip(tile, 0, 255).astype(np.uint8)), (at[0], at[1] + CAPTION))
    picture.quantize(32, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


def tables(of_patterns: Sequence[Row], of_real: Sequence[Row]) -> str:
    """What docs/display.md says of them."""
    parts = ["Test patterns, by renderer and function, all kinds of pixels together:", "", *_by_function(of_patterns)]
    for renderer in Renderer:
        parts += [
            "",
            f"{renderer} renderer, by kind of pixels: pixels that differ, and by how many gray levels at most:",
            "",
        ]
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
            cells.append("; ".join(map(_cell, found)))
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
