"""Whole files: phantoms of every kind, before and after, and whatever real data there are."""

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset

from orthanc_ai.attributes import MalformedError
from orthanc_ai.deidentify.dataset import deidentify
from orthanc_ai.deidentify.options import Options
from orthanc_ai.deidentify.pseudonyms import Pseudonyms
from phantom.ct import ct_series
from phantom.ct.multiframe import enhanced, legacy_converted
from phantom.dicom import chest_dx

PSEUDONYMS = Pseudonyms(b"1" * 32)
ALL_KEPT = Options.of(
    {
        "retain": ["modifiedDates", "patientCharacteristics", "deviceIdentity", "institutionIdentity"],
        "clean": ["descriptors"],
    }
)

PHANTOMS = {
    "film": lambda: chest_dx(42, 64, 48),
    "slice": lambda: ct_series("ccta", matrix=16, slices=3)[0],
    "enhanced": lambda: enhanced(ct_series("ccta", matrix=16, slices=3)),
    "legacy": lambda: legacy_converted(ct_series("ccta", matrix=16, slices=3)),
}


def errors(content: bytes, file: Path) -> set[str]:
    file.write_bytes(content)
    said = subprocess.run(["dciodvfy", file], capture_output=True, check=False).stderr.decode("utf-8", "replace")
    assert said.splitlines()
    return {line for line in said.splitlines() if line.startswith("Error")}


@pytest.mark.parametrize("kind", PHANTOMS)
@pytest.mark.parametrize("options", [Options(), ALL_KEPT], ids=["basic", "options"])
def test_a_file_is_as_valid_as_it_was(kind: str, options: Options, tmp_path: Path) -> None:
    original = PHANTOMS[kind]()
    stream = io.BytesIO()
    original.save_as(stream, enforce_file_format=True)
    read = pydicom.dcmread(io.BytesIO(stream.getvalue()))
    made = deidentify(read, options, PSEUDONYMS).to_bytes()
    assert errors(made, tmp_path / "made.dcm") <= errors(stream.getvalue(), tmp_path / "original.dcm")


def identifying(dataset: Dataset) -> Iterator[bytes]:
    """Values that may not be found in the file any more, wherever they stood."""
    for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "SOPInstanceUID", "StudyDate"):
        value = str(dataset.get(keyword) or "").strip()
        # Short ones stand in every file by chance; some of the files have been de-identified before.
        if len(value) >= 6 and value != "REMOVED":
            yield value.encode("utf-8", "replace")


def test_nothing_of_the_real_files_is_left(data: Path) -> None:
    looked_at = 0
    for file in sorted(data.rglob("*"))[::7]:
        if not file.is_file():
            continue
        try:
            dataset = pydicom.dcmread(file)
            made = deidentify(dataset, Options(), PSEUDONYMS)
            content = made.to_bytes()
        except (pydicom.errors.InvalidDicomError, MalformedError, AttributeError):
            continue  # not DICOM, or one of those that nobody can read
        looked_at += 1
        pixels = content.rfind(b"\xe0\x7f\x10\x00")
        for value in identifying(dataset):
            assert value not in content[:pixels], file
    assert looked_at > 20
