"""Multi-frame CT: functional groups, the verdict on the frames, and the blood in the first of them."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from pydicom.uid import RLELossless

from orthanc_ai.cardiac.contrast import blood_in
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.multiframe import frames_of
from orthanc_ai.cardiac.slices import read_slices
from orthanc_ai.dicom_file import FileError, open_file
from orthanc_ai.images.errors import ImageError
from phantom.ct import ct_series
from tests.unit.cardiac.enhanced import enhanced, file_of, legacy_converted


def seeds(_data: Path) -> Iterator[bytes]:
    images = ct_series("ccta", matrix=16, slices=3)
    yield file_of(enhanced(images))
    yield file_of(enhanced(images, undefined_length=True))
    yield file_of(legacy_converted(images))
    compressed = enhanced(images)
    compressed.compress(RLELossless, generate_instance_uid=False)
    yield file_of(compressed)


def one_input(content: bytes) -> None:
    """Read a file; only errors with a code are right."""
    with suppress(FileError, ImageError):
        frames = frames_of(open_file(content, pixels=False))
        assert judge_series(frames).codes
        for hu in read_slices(BytesIO(content), frames[:1]):
            blood_in(hu, frames[0])
