"""The rows of an image, the half that runs in a worker."""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import FileDataset
from pydicom.dataset import Dataset

from ..attributes import MalformedError, attribute
from ..codes import Code
from ..deidentify.burned_in import burned_in
from ..dicom_file import MAXIMUM_READS_OF_FRAMES, FileError, open_file
from ..handover import Shared
from ..images.errors import ImageError
from ..images.frame import Frames
from ..images.statistics import statistics
from ..images.window import Window
from .columns import KEYS, STATISTICS
from .keys import keys_of, row_without_file
from .orders import ImageOrder
from .pooled import pooled
from .values import Header, Scalar, text_of
from .wanted import Wanted

MAXIMUM_HEADER = 4 * 2**20
"""Bytes of a file that are read for its header; if it is longer, the whole file is."""

MAXIMUM_FRAMES = 20_000
"""Frames of an object that get rows: whole-slide images have some thousand to a level."""

Row = list[Any]
"""The cells by `columns.Layout`: before, tags, after."""


type Shown = Callable[[FileDataset], tuple[Dataset, str | None]]
"""Gives the header whose texts may be shown, and the pseudonym of the patient if there is one; leaves the file as it is.
Raises `MalformedError` if that cannot be told."""


@dataclass(frozen=True, slots=True)
class _Image:
    """An image whose header could be read."""

    header: Header
    keys: Mapping[str, str]
    frames: int
    burned_in: Code | None
    pixels: Frames | ImageError | None


def rows_of(order: ImageOrder, wanted: Wanted, shown: Shown) -> Iterator[Row]:
    """The rows of one image.

    Parameters
    ----------
    wanted
        What the order's request says.
    shown
        Gives the header whose texts may be shown.

    Yields
    ------
    A row for the object, or for each of its frames. A file that cannot be read is a row with its code.
    """
    first = (order.identifier,) if wanted.layout.identified else ()
    # A warning quotes the value that it is about, and would stand in Orthanc's log.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = _open(order, wanted, shown)
        except _UnreadableError as error:
            yield row_without_file(order, wanted, error.code)
            return
        for frame in range(image.frames) if wanted.frames else (None,):
            yield [*first, *_row(image, wanted, frame)]


class _UnreadableError(Exception):
    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


def _open(order: ImageOrder, wanted: Wanted, shown: Shown) -> _Image:
    if order.file is None:
        raise _UnreadableError(Code.FILE_UNREADABLE)
    try:
        dataset = _read(order.file, whole=wanted.pixels)
        frames = attribute(dataset, "NumberOfFrames")
        count = max(1, int(frames)) if frames not in (None, "") else 1
        header, patient = shown(dataset)
    except OSError:
        raise _UnreadableError(Code.FILE_UNREADABLE) from None
    except FileError as error:
        raise _UnreadableError(error.code) from None
    except (MalformedError, ValueError, TypeError):
        raise _UnreadableError(Code.HEADER_UNREADABLE) from None
    if count > MAXIMUM_FRAMES and (wanted.frames or wanted.pixels):
        raise _UnreadableError(Code.TOO_MANY_FRAMES)
    # What a file does not have, as one that is cut off, the index may know.
    known = keys_of(order)
    keys = {key: _key(header, key) or known[key] for key in KEYS} | ({} if patient is None else {"PatientID": patient})
    return _Image(Header(header), keys, count, burned_in(dataset), _pixels(dataset) if wanted.pixels else None)


def _pixels(dataset: Dataset) -> Frames | ImageError:
    try:
        return Frames(dataset)
    except ImageError as error:
        return error


def _read(place: Shared, *, whole: bool) -> FileDataset:
    with place.open() as file:
        if whole:
            return open_file(file.read(), reads=MAXIMUM_READS_OF_FRAMES)
        beginning = file.read(MAXIMUM_HEADER)
        try:
            return open_file(beginning, pixels=False, reads=MAXIMUM_READS_OF_FRAMES)
        except FileError:
            rest = file.read()
            if not rest:
                raise
            return open_file(beginning + rest, pixels=False, reads=MAXIMUM_READS_OF_FRAMES)


def _key(dataset: Dataset, keyword: str) -> str:
    try:
        return text_of(attribute(dataset, keyword))
    except MalformedError:
        return ""


def _row(image: _Image, wanted: Wanted, frame: int | None) -> Iterator[Any]:
    layout = wanted.layout
    unfit: dict[str, str] = {}
    cells: Row = []
    for tag in layout.tags:
        value, misfit = image.header.cell(tag, layout, frame)
        if misfit is not None:
            unfit[tag.path] = misfit if layout.identified else ""
        cells.append(value)
    code: Code | None = Code.VALUE_UNFIT if unfit else None
    numbers: list[Scalar] = []
    if image.pixels is not None:
        numbers = [None] * (len(layout.after) - 1)
        try:
            numbers = _statistics(image.pixels, wanted, frame)
        except ImageError as error:
            code = error.code
    yield from (image.keys[key] or None for key in KEYS)
    yield None if frame is None else frame + 1
    yield image.burned_in
    yield code
    yield from cells
    yield from numbers
    yield json.dumps(unfit, ensure_ascii=False) if unfit else None


def _statistics(frames: Frames | ImageError, wanted: Wanted, frame: int | None) -> list[Scalar]:
    if isinstance(frames, ImageError):
        raise frames
    windows = {name: Window(*values) for name, values in wanted.windows.items()}
    chosen = frames if frame is None else [frames[frame]]
    found = pooled(statistics(one, windows) for one in chosen)
    names = STATISTICS if wanted.layout.statistics else ()
    return [
        *(found[name.removeprefix("pixel_")] for name in names),
        *(found["windows"].get(name) for name in windows),
    ]
