"""Every file of the real test data that the server takes ends as a radiographer would expect, and the server lives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from orthanc_ai.outcomes import XRAY_METADATA
from tests.expected_outcomes import EXPECTED, REFUSED

from .orthanc import Orthanc

FOLDERS = ("negatives", "robustness")


@pytest.fixture(scope="module")
def stored(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, dict[str, str]]]:
    """A server that was given every file, and the Orthanc identifier of each that it took."""
    orthanc = Orthanc(tmp_path_factory.mktemp("outcomes")).start()
    taken = {}
    for name in EXPECTED:
        if name.startswith(FOLDERS):
            for identifier in orthanc.upload([data / name]):
                taken[name] = identifier
    orthanc.wait_idle(240)
    yield orthanc, taken
    orthanc.stop()


def test_the_table_names_every_file(data: Path) -> None:
    there = {str(path.relative_to(data)) for folder in FOLDERS for path in (data / folder).glob("*") if path.is_file()}
    assert there == {name for name in EXPECTED if name.startswith(FOLDERS)}


def test_orthanc_takes_what_it_can_read(stored: tuple[Orthanc, dict[str, str]]) -> None:
    _, taken = stored
    assert {name for name in EXPECTED if name.startswith(FOLDERS)} - set(taken) == REFUSED


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith(FOLDERS) and name not in REFUSED])
def test_file_ends_as_expected(stored: tuple[Orthanc, dict[str, str]], name: str) -> None:
    orthanc, taken = stored
    outcome = orthanc.outcome("instances", taken[name], XRAY_METADATA)
    expected = EXPECTED[name]
    if expected.outcome is None:
        assert outcome is None, expected.why
        answer = orthanc.request("GET", f"/ai/instances/{taken[name]}/findings")
        assert answer.status_code == 404
        assert answer.json()["code"] == "NOT_AN_XRAY"
    else:
        assert outcome is not None, expected.why
        assert outcome["code"] == expected.outcome, expected.why
        assert outcome.get("notes", []) == [str(note) for note in expected.notes]
        assert orthanc.get(f"/ai/instances/{taken[name]}/findings")["code"] == expected.outcome


def test_what_is_no_xray_is_counted(stored: tuple[Orthanc, dict[str, str]]) -> None:
    orthanc, _ = stored
    counted = orthanc.get("/ai/status")["queue"]["counted"]
    assert {"MR", "NM", "PT", "SM", "SEG", "SR"} <= set(counted)


def test_the_server_lives(stored: tuple[Orthanc, dict[str, str]]) -> None:
    orthanc, _ = stored
    status = orthanc.get("/ai/status")
    assert status["queue"]["failed"] == 0
    assert status["queue"]["lastError"] is None


def test_the_log_names_nobody(stored: tuple[Orthanc, dict[str, str]], data: Path) -> None:
    """No names, IDs or UIDs of patients in what is written."""
    orthanc, taken = stored
    # Behind its first bracket each line says what it has to say; before, digits of the time may look like a patient's.
    lines = "\n".join(line.split("] ", 1)[-1] for line in orthanc.log_text().splitlines())
    assert "NOT_CHEST" in lines
    assert "Traceback" not in lines
    for name, identifier in taken.items():
        header: Any = pydicom.dcmread(data / name, stop_before_pixels=True, force=True)
        for keyword in ("PatientName", "PatientID", "SOPInstanceUID", "StudyInstanceUID"):
            value = str(header.get(keyword) or "")
            assert len(value) < 4 or value not in lines, f"{keyword} in the log"
        assert identifier not in lines
