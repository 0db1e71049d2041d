"""Files of unknown origin: gray levels and statistics, or a code; nothing else, whatever is in them."""

import random
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import FileDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from orthanc_ai.codes import Code
from orthanc_ai.dicom_file import FileError, open_file
from orthanc_ai.images.errors import ImageError
from orthanc_ai.images.frame import Frames
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling
from orthanc_ai.images.size import Size
from orthanc_ai.images.statistics import statistics

from .builder import lut, radiograph
from .frames import group, multi_frame

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of damaged values

SIDE = 40
PIXELS = (np.arange(SIDE * SIDE) * 2).reshape(SIDE, SIDE).astype(np.uint16)


def content(dataset: FileDataset) -> bytes:
    dataset.file_meta.MediaStorageSOPClassUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def enhanced(syntax: str) -> bytes:
    rescale = {"PixelValueTransformationSequence": group(RescaleSlope=1, RescaleIntercept=-1000)}
    window = {"FrameVOILUTSequence": group(WindowCenter=0, WindowWidth=500)}
    return content(multi_frame(np.stack([PIXELS, PIXELS]), rescale, [window, window], syntax))


WHOLE = {
    "single": content(
        radiograph(
            PIXELS, bits=12, WindowCenter=[40, 400], WindowWidth=[400, 1800], VOILUTFunction="SIGMOID",
            WindowCenterWidthExplanation=["A", "B"], RescaleSlope=1, RescaleIntercept=-1000, PixelPaddingValue=0,
            PixelSpacing=[1, 2], VOILUTSequence=[lut([0, 100, 4095], 900, 12)],
        )
    ),
    "modality-lut": content(radiograph(PIXELS, bits=12, ModalityLUTSequence=[lut([9, 5, 7], 3, 8)])),
    "multi-frame": enhanced(ExplicitVRLittleEndian),
    "compressed": enhanced(RLELossless),
}  # fmt: skip
SCALINGS = [
    Scaling.of(json)
    for json in (
        {"kind": "header"},
        {"kind": "header", "use": "window", "number": 2},
        {"kind": "viewer", "padding": "black"},
        {"kind": "named", "name": "lung"},
        {"kind": "frequency"},
        {"kind": "range", "percentiles": [1, 99]},
    )
]


def everything(file: bytes) -> int:
    """Do all there is with a file; how many pictures it gave."""
    made = 0
    frames = Frames(open_file(file))
    for number in range(min(len(frames), 3)):
        frame = frames[number]
        found = statistics(frame, ["lung"])
        assert found["pixels"] + found["padding"] == frame.stored.size
        for scaling in SCALINGS:
            picture, applied = levels(frame, scaling, 8, Size(16, 24, square=True))
            assert picture.shape == (16, 24)
            assert levels(frame, scaling, 16)[0].shape == frame.stored.shape
            assert applied["bits"] == 8
            made += 1
    return made


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_give_all_pictures(kind: str) -> None:
    assert everything(WHOLE[kind]) == len(SCALINGS) * (2 if kind in ("multi-frame", "compressed") else 1)


@settings(max_examples=250, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6), st.sampled_from(sorted(WHOLE)))
def test_damaged_files_give_pictures_or_a_code(chance: random.Random, changes: int, kind: str) -> None:
    file = bytearray(WHOLE[kind])
    header = file.index(b"\xe0\x7f\x10\x00")
    for _ in range(changes):
        place = chance.randrange(128, header + 20 if chance.random() < 0.9 else len(file))
        file[place] = chance.choice((0, 0x20, 0x2D, 0x31, 0x5C, 0xFF))
    end = chance.randrange(len(file)) if chance.random() < 0.1 else len(file)
    try:
        everything(bytes(file[:end]))
    except (ImageError, FileError) as error:
        assert isinstance(error.code, Code)  # noqa: PT017 - it may raise, or not
