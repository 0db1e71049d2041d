"""Phantom films as DICOM: valid, readable, and the same every time."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from phantom.chest import Radiograph, draw_chest, render
from phantom.dicom import Encoding, chest_dx, phantom_uid, store_values, to_dicom


@pytest.fixture(scope="module")
def radiograph() -> Radiograph:
    return render(draw_chest(42, ["Nodule"]), 151, 123)


def written(dataset: pydicom.Dataset) -> pydicom.Dataset:
    """What a reader gets from the file."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    file.seek(0)
    return pydicom.dcmread(file)


ENCODINGS = [
    Encoding(),
    *(Encoding(bits_stored=bits) for bits in (8, 10, 14, 16)),
    Encoding(modality="CR"),
    Encoding(signed=True, modality="CR"),
    Encoding(bits_stored=8, signed=True, modality="CR"),
    Encoding(monochrome1=True),
    Encoding(bits_stored=16, signed=True, monochrome1=True, modality="CR"),
    *(
        Encoding(transfer_syntax=UID(syntax))
        for syntax in (
            ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000Lossless, JPEGLSLossless,
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_every_encoding_is_valid_and_gives_its_values_back(
    encoding: Encoding, radiograph: Radiograph, tmp_path: Path
) -> None:
    file = tmp_path / "film.dcm"
    to_dicom(radiograph, encoding).save_as(file, enforce_file_format=True)
    read = pydicom.dcmread(file)
    assert read.file_meta.TransferSyntaxUID == encoding.transfer_syntax
    assert np.array_equal(read.pixel_array, store_values(radiograph.pixels, encoding))
    if encoding.transfer_syntax == DeflatedExplicitVRLittleEndian:
        return  # Debian's dciodvfy cannot inflate
    found = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False).stderr
    assert ("DXImageForPresentation" if encoding.modality == "DX" else "CRImage") in found.splitlines()[0]
    assert [line for line in found.splitlines() if line.startswith("Error")] == []


def test_stored_values_span_their_bits() -> None:
    for bits in (8, 12, 16):
        values = store_values(np.array([[0, 4095]], np.uint16), Encoding(bits_stored=bits))
        assert values.tolist() == [[0, (1 << bits) - 1]]
    assert store_values(np.array([[0, 4095]], np.uint16), Encoding(monochrome1=True)).tolist() == [[4095, 0]]
    assert store_values(np.array([[0, 4095]], np.uint16), Encoding(signed=True, modality="CR")).tolist() == [
        [-2048, 2047]
    ]


@pytest.mark.parametrize(("change", "message"), [({"bits_stored": 7}, "8 to 16"), ({"signed": True}, "unsigned")])
def test_what_dicom_forbids_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Encoding(**change)  # type: ignore[arg-type]


def test_rescale_makes_signed_values_positive(radiograph: Radiograph) -> None:
    read = written(to_dicom(radiograph, Encoding(signed=True, modality="CR")))
    assert np.array_equal(read.pixel_array + int(read.RescaleIntercept), radiograph.pixels)


def test_window_spans_all_values(radiograph: Radiograph) -> None:
    read = written(to_dicom(radiograph))
    assert (read.WindowCenter, read.WindowWidth) == (2048, 4096)


def test_same_arguments_same_file() -> None:
    assert chest_dx(9, 64, 64) == chest_dx(9, 64, 64)


def test_identifiers_tell_seeds_and_contents_apart() -> None:
    plain = chest_dx(9, 64, 64, [])
    assert plain.StudyInstanceUID != chest_dx(10, 64, 64, []).StudyInstanceUID
    others = (
        chest_dx(9, 64, 64, ["Mass"]),
        chest_dx(9, 65, 64, []),
        chest_dx(9, 64, 64, [], Encoding(bits_stored=10)),
        chest_dx(9, 64, 64, [], InstitutionName="Elsewhere"),
    )
    assert len({plain.SOPInstanceUID, *(other.SOPInstanceUID for other in others)}) == 5
    for uid in (plain.SOPInstanceUID, plain.StudyInstanceUID, plain.SeriesInstanceUID):
        assert uid.startswith("2.25.")
        assert UID(uid).is_valid


def test_uid_parts_cannot_run_into_each_other() -> None:
    assert phantom_uid("a", "bc") != phantom_uid("ab", "c")


def test_nobody_can_take_it_for_a_patient(radiograph: Radiograph) -> None:
    read = written(to_dicom(radiograph))
    assert read.PatientName == "Phantom^Chest"
    assert read.PatientID.startswith("PHANTOM")
    assert "not a patient" in read.StudyDescription
    assert read.ManufacturerModelName == "Digital chest phantom"


def test_header_can_be_changed_and_taken_away(radiograph: Radiograph) -> None:
    read = written(to_dicom(radiograph, PatientSex="O", BodyPartExamined="ABDOMEN", ViewPosition=None))
    assert (read.PatientSex, read.BodyPartExamined) == ("O", "ABDOMEN")
    assert "ViewPosition" not in read


def test_spacing_is_that_of_a_43_cm_film(radiograph: Radiograph) -> None:
    read = written(to_dicom(radiograph))
    assert float(read.ImagerPixelSpacing[0]) * 151 == pytest.approx(430, rel=1e-4)
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
