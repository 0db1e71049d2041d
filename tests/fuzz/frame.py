"""Grayscale images of any kind: frames, gray levels by every scaling, statistics."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from orthanc_ai.dicom_file import FileError
from orthanc_ai.images.errors import ImageError
from tests.unit.images.test_damaged import WHOLE, everything


def seeds(_data: Path) -> Iterator[bytes]:
    yield from WHOLE.values()


def one_input(content: bytes) -> None:
    """Read a file; only errors with a code are right."""
    with suppress(FileError, ImageError):
        everything(content)
