from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.phases import PhaseSource, phase_label, phase_of


def test_the_ladder() -> None:
    rungs = {
        "nominal_percentage_of_cardiac_phase": (75.0, "75%", PhaseSource.NOMINAL),
        "scan_options": ("TP70PC1165", "70%", PhaseSource.SCAN_OPTIONS),
        "series_description": ("CorCTA 0.6 65 %", "65%", PhaseSource.SERIES_DESCRIPTION),
        "image_comments": ("86bpm, 250ms", "250ms", PhaseSource.IMAGE_COMMENTS),
        "trigger_time": (710.0, "710ms", PhaseSource.TRIGGER_TIME),
        "temporal_position_identifier": (3, "t3", PhaseSource.TEMPORAL_POSITION),
    }
    values: dict[str, Any] = {field: value for field, (value, _, _) in rungs.items()}
    for field, (_, label, source) in rungs.items():
        phase = phase_of([Header(**values)])
        assert phase is not None
        assert (phase.label, phase.source) == (label, source)
        del values[field]
    assert phase_of([Header()]) is None


@pytest.mark.parametrize(
    ("description", "label"),
    [
        ("70 % 1.0  B30f", "70%"),
        ("DS_CorCTA 0.6 Bv40 3 BestSyst 27 %", "27%"),
        ("CorCTA  0.6  B26f  BestDiast 71 %", "71%"),
        ("CTA 75% ASIR-V 50%", "75%"),
        ("ASiR-V 50% 75%", "75%"),
        ("CTA 0.625 50% ASIR", None),
        ("iDose4 40% 45%", "45%"),
        ("0.6 - 75 %", "75%"),
        ("DS_CorCTA 0.75 Bv40 3 10 - 100 %", None),
        ("30%-80%", None),
        ("40 % to 70 %", None),
        ("200 - 400 ms", None),
        ("Retro 350ms", "350ms"),
        ("62bpm, 0ms", "0ms"),
        ("0.5 ms", None),
        ("CorCTA 0.6", None),
        ("120 %", None),
        ("", None),
    ],
)
def test_written_in_the_description(description: str, label: str | None) -> None:
    header = Header(series_description=description)
    assert phase_label(header, PhaseSource.SERIES_DESCRIPTION) == label


def test_scan_options() -> None:
    assert phase_label(Header(scan_options="HELIX\\TP0PC0900"), PhaseSource.SCAN_OPTIONS) == "0%"
    assert phase_label(Header(scan_options="TP155PC0900"), PhaseSource.SCAN_OPTIONS) is None


def test_trigger_times_of_one_volume_become_a_range() -> None:
    phase = phase_of([Header(trigger_time=time) for time in (561.0, 553.0, 557.0)])
    assert phase is not None
    assert phase.label == "553ms-561ms"


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.none())
def test_never_fails(description: str, options: str, percent: float | None) -> None:
    header = Header(series_description=description, scan_options=options, nominal_percentage_of_cardiac_phase=percent)
    phase = phase_of([header])
    assert phase is None or phase.value >= 0
