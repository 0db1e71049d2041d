"""Names of folders, and the manifest that says what they stand for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.cardiac.patients import PatientKey
from orthanc_ai.volumes.layout import manifest, patient_folder, phase_folder, series_folder, study_folder

SAFE = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_the_header_says_names_are_safe(patient: str, issuer: str, uid: str, label: str) -> None:
    folder = patient_folder(PatientKey(patient, issuer), uid)
    for name in (folder, patient_folder(None, uid), study_folder(uid), series_folder(label, uid)):
        assert SAFE.fullmatch(name)
    assert re.fullmatch(r"phase-[a-z0-9.-]*", phase_folder(label))
    assert len(patient) < 4 or patient.lower() not in folder


def test_names_tell_apart_and_stay() -> None:
    def of(patient: str, issuer: str = "", uid: str = "1.2") -> str:
        return patient_folder(PatientKey(patient, issuer), uid)

    assert of("1") == of("1 ", "", "1.3")
    assert of("1", "A") != of("1", "B")
    assert of("1", "2") != of("12")
    assert patient_folder(None, "1.2") != patient_folder(None, "1.3")
    assert series_folder("5", "1.2") != series_folder("5", "1.3")
    # printf '4711\0' | sha256sum
    assert of("4711") == "patient-697494dd5c4f"


def test_series_sort_by_number() -> None:
    assert sorted(series_folder(number, "1.2") for number in ("10", "9", "100")) == [
        series_folder(number, "1.2") for number in ("9", "10", "100")
    ]
    assert series_folder("", "1.2") == series_folder("-3", "1.2") == series_folder("9" * 40, "1.2")


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("75%", "phase-75pct"),
        ("70%-75%", "phase-70pct-75pct"),
        ("250ms", "phase-250ms"),
        ("t3", "phase-t3"),
        ("#3", "phase-n3"),
        ("12.5%", "phase-12.5pct"),
        (None, "phase-only"),
    ],
)
def test_phases_are_called_by_their_labels(label: str | None, folder: str) -> None:
    assert phase_folder(label) == folder


def test_the_manifest_is_a_tree() -> None:
    def record(patient: str, study: str, series: str, phase: str | None) -> dict[str, object]:
        return {
            "patient": {"folder": patient},
            "study": {"folder": f"{patient}/{study}"},
            "series": {"folder": f"{patient}/{study}/{series}"},
            "phase": {"folder": f"{patient}/{study}/{series}/{phase}"} if phase else None,
            "items": 1,
        }

    made = manifest(
        [
            record("b", "1", "y", "75"),
            record("a", "2", "x", None),
            record("b", "1", "y", "40"),
            record("b", "1", "x", "75"),
        ]
    )
    assert made == {
        "format": 1,
        "patients": [
            {"folder": "a", "studies": [{"folder": "a/2", "series": [{"folder": "a/2/x", "phases": []}]}]},
            {
                "folder": "b",
                "studies": [
                    {
                        "folder": "b/1",
                        "series": [
                            {"folder": "b/1/x", "phases": [{"folder": "b/1/x/75"}]},
                            {"folder": "b/1/y", "phases": [{"folder": "b/1/y/40"}, {"folder": "b/1/y/75"}]},
                        ],
                    }
                ],
            },
        ],
    }
