from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_ai.codes import Code
from orthanc_ai.dicom_file import open_file
from orthanc_ai.images.errors import ImageError
from orthanc_ai.images.frame import Frames, read_frame
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling

from .builder import lut, radiograph, written
from .frames import frame, group, multi_frame

PIXELS = (np.arange(64 * 64) // 2).reshape(64, 64).astype(np.uint16)


def code_of(dataset: Dataset, number: int = 0) -> Code:
    with pytest.raises(ImageError) as caught:
        read_frame(dataset, number)
    return caught.value.code


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
def test_stored_values_come_out_of_every_transfer_syntax(syntax: str) -> None:
    image = read_frame(radiograph(PIXELS, bits=12, syntax=syntax))
    assert image.stored.dtype == np.uint16
    assert (image.stored == PIXELS).all()
    assert (image.lowest, image.highest) == (0, 2047)


@pytest.mark.parametrize(
    ("attributes", "kind", "values"),
    [
        ({}, np.int32, [0, 1, 4095]),
        ({"RescaleSlope": 1, "RescaleIntercept": -1024}, np.int32, [-1024, -1023, 3071]),
        ({"RescaleSlope": 0.5, "RescaleIntercept": 0}, np.float32, [0, 0.5, 2047.5]),
        ({"RescaleSlope": 1}, np.int32, [0, 1, 4095]),
        ({"ModalityLUTSequence": [lut([7, 9], 0, 8)]}, np.int32, [7, 9, 9]),
    ],
)
def test_values_are_those_after_the_modality_transformation(
    attributes: dict[str, Any], kind: type, values: list[float]
) -> None:
    image = frame([0, 1, 4095], **attributes)
    assert image.values.dtype == kind
    assert image.values.tolist() == [values]


def test_values_in_the_upper_bits_of_their_cells_and_under_an_overlay() -> None:
    shifted = frame(np.array([[0, 16, 4095 * 16]], np.uint16), HighBit=15)
    assert shifted.stored.tolist() == [[0, 1, 4095]]
    assert (shifted.lowest, shifted.highest) == (0, 4095)
    # An overlay in bit 15 of the cells, without data of its own (retired).
    dataset = radiograph(np.array([[5, 5 | 1 << 15, 4095]], np.uint16), bits=12)
    dataset.add_new(0x60000102, "US", 15)
    assert read_frame(written(dataset)).stored.tolist() == [[5, 5, 4095]]


def test_a_sign_that_was_not_carried_on_is_one() -> None:
    stored = np.array([[0x0FFF, 0x0800, 0x07FF]], np.int16)
    assert frame(stored, 12).stored.tolist() == [[-1, -2048, 2047]]


def test_an_image_whose_cells_are_all_the_same() -> None:
    image = frame([9, 9])
    assert (image.lowest, image.highest, image.counts.tolist()) == (9, 9, [2])


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"PixelData": None}, Code.NO_PIXELS),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"PhotometricInterpretation": None}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"Rows": 60000, "Columns": 60000}, Code.IMAGE_TOO_LARGE),
        ({"Rows": 0}, Code.HEADER_UNREADABLE),
        ({"Rows": None}, Code.HEADER_UNREADABLE),
        ({"Rows": 65}, Code.PIXELS_UNREADABLE),
        ({"BitsAllocated": 32}, Code.PIXELS_UNREADABLE),
        ({"BitsStored": 17}, Code.PIXELS_UNREADABLE),
        ({"PixelRepresentation": 3}, Code.HEADER_UNREADABLE),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, Code.HEADER_UNREADABLE),
        ({"ModalityLUTSequence": [lut([], 0, 8)]}, Code.HEADER_UNREADABLE),
        ({"NumberOfFrames": 2}, Code.PIXELS_UNREADABLE),
        ({"NumberOfFrames": 2**31 - 1}, Code.PIXELS_UNREADABLE),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(attributes: dict[str, Any], code: Code) -> None:
    assert code_of(radiograph(PIXELS, bits=12, **attributes)) == code


def test_a_compressed_file_cannot_claim_more_frames_than_it_has_bytes_for() -> None:
    dataset = radiograph(PIXELS, bits=12, syntax=RLELossless)
    dataset.NumberOfFrames = 10**6
    assert code_of(dataset) == Code.PIXELS_UNREADABLE


THREE = np.stack([PIXELS, PIXELS + 100, PIXELS + 200])
RESCALED = {"PixelValueTransformationSequence": group(RescaleSlope=1, RescaleIntercept=-1000, RescaleType="HU")}
WINDOWS: list[dict[str, list[Dataset]]] = [
    {"FrameVOILUTSequence": group(WindowCenter=center, WindowWidth=500, WindowCenterWidthExplanation="OWN")}
    for center in (0, 500, 1000)
]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_each_frame_has_its_own_pixels_and_window(syntax: str) -> None:
    dataset = multi_frame(THREE, RESCALED | {"PixelMeasuresSequence": group(PixelSpacing=[2, 1])}, WINDOWS, syntax)
    frames = Frames(dataset)
    assert len(frames) == 3
    for number, image in enumerate(frames):
        assert (image.stored == THREE[number]).all()
        assert (image.values == THREE[number].astype(int) - 1000).all()
        assert image.number == number
        assert image.pixel_aspect == 2
        done = levels(image, Scaling())[1]
        assert (done["center"], done["explanation"]) == (number * 500, "OWN")
    # In any order.
    assert levels(Frames(dataset)[2], Scaling())[1]["center"] == 1000


def test_a_frame_may_have_a_voi_lut_of_its_own() -> None:
    own = [{"FrameVOILUTSequence": group(VOILUTSequence=[lut([level, 255], 0, 8)])} for level in (10, 20, 30)]
    frames = Frames(multi_frame(THREE, {}, own))
    assert [int(levels(image, Scaling())[0].min()) for image in frames] == [10, 255, 255]
    assert levels(frames[2], Scaling())[1]["use"] == "lut"


def test_what_a_frame_says_counts_before_what_all_say() -> None:
    own: list[dict[str, list[Dataset]]] = [
        {},
        {"PixelValueTransformationSequence": group(RescaleSlope=2, RescaleIntercept=0)},
        {},
    ]
    frames = Frames(multi_frame(THREE, RESCALED | WINDOWS[0], own))
    assert [int(image.values[0, 2]) for image in frames] == [1 - 1000, 202, 201 - 1000]


def test_a_multi_frame_image_without_functional_groups_has_the_headers_window() -> None:
    dataset = radiograph(PIXELS, bits=12, WindowCenter=40, WindowWidth=400)
    dataset.NumberOfFrames, dataset.PixelData = 3, THREE.tobytes()
    assert [levels(image, Scaling())[1]["center"] for image in Frames(written(dataset))] == [40, 40, 40]


def test_frames_that_are_not_there_or_have_no_functional_groups() -> None:
    assert code_of(radiograph(PIXELS, bits=12), 1) == Code.FRAME_NOT_THERE
    assert code_of(radiograph(PIXELS, bits=12), -1) == Code.FRAME_NOT_THERE
    assert code_of(multi_frame(THREE, RESCALED, WINDOWS[:2]), 2) == Code.HEADER_UNREADABLE


def test_frames_are_read_from_files_as_the_server_opens_them() -> None:
    stream = BytesIO()
    dataset = multi_frame(THREE, RESCALED, WINDOWS, RLELossless)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.save_as(stream, enforce_file_format=True)
    frames = Frames(open_file(stream.getvalue()))
    assert [int(image.values.max()) for image in frames] == [1047, 1147, 1247]


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({"PixelSpacing": [0.5, 0.25]}, 2),
        ({"ImagerPixelSpacing": [0.1, 0.1]}, 1),
        ({"PixelAspectRatio": [3, 2]}, 1.5),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.3, 0.1]}, 3),
        ({}, None),
    ],
)
def test_the_shape_of_pixels(attributes: dict[str, Any], aspect: float | None) -> None:
    found = frame([1, 2], **attributes).pixel_aspect
    assert found == (None if aspect is None else pytest.approx(aspect))
