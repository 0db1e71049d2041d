"""What may be asked for, and which questions that becomes."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.collecting.request import MAXIMUM_DAYS, CollectionRequest

TODAY = date(2026, 3, 2)


def request(**fields: Any) -> CollectionRequest:
    made = CollectionRequest.model_validate({"peer": "modality:pacs", **fields})
    made.check()
    return made


def questions(**fields: Any) -> list[dict[str, str]]:
    return list(request(**fields).questions(TODAY))


def test_a_range_of_dates_is_asked_for_day_by_day() -> None:
    assert [one["StudyDate"] for one in questions(studyDate="20260227-20260301")] == [
        "20260227",
        "20260228",
        "20260301",
    ]


def test_an_open_range_ends_today() -> None:
    assert [one["StudyDate"] for one in questions(studyDate="20260301-")] == ["20260301", "20260302"]


def test_a_range_that_begins_tomorrow_asks_nothing_yet() -> None:
    assert questions(studyDate="20260303-") == []
    assert questions(studyDate="99991231") == [{"StudyDate": "99991231"}]


def test_each_patient_is_asked_for_once_with_the_range_as_it_stands() -> None:
    found = questions(patientIDs=["A", "B", "A"], studyDate="-20251231")
    assert found == [{"StudyDate": "-20251231", "PatientID": "A"}, {"StudyDate": "-20251231", "PatientID": "B"}]


def test_one_modality_is_a_key_and_several_are_not() -> None:
    assert questions(studyDate="20260101", modalities=["ct"]) == [{"StudyDate": "20260101", "ModalitiesInStudy": "CT"}]
    assert questions(studyDate="20260101", modalities=["CT", "DX"]) == [{"StudyDate": "20260101"}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"studyDate": "-20260101"},
        {"studyDate": "00010101-"},
        {"studyDate": "20260230"},
        {"studyDate": "20260102-20260101"},
        {"studyDate": "2026-01-01"},
        {"studyDate": "18000101-20260101"},
        {"patientIDs": ["*"]},
        {"patientIDs": ["12?"]},
        {"patientIDs": ["1\\2"]},
        {"patientIDs": [" "]},
        {"patientIDs": ["1 "]},
        {"patientIDs": [""]},
        {"patientIDs": ["x" * 65]},
        {"patientIDs": [7]},
        {"patientIDs": ["1"] * 20_001},
        {"patientIDs": ["1"], "peer": "pacs"},
        {"patientIDs": ["1"], "peer": "ftp:pacs"},
        {"patientIDs": ["1"], "modalities": ["C*"]},
        {"patientIDs": ["1"], "words": ["^_"]},
        {"patientIDs": ["1"], "hours": "20-6"},
        {"patientIDs": ["1"], "hours": "20:00-06:00 "},
        {"patientIDs": ["1"], "hours": "24:00-06:00"},
        {"patientIDs": ["1"], "studiesPerHour": 0},
        {"patientIDs": ["1"], "maximumStudies": 10**6},
        {"patientIDs": ["1"], "wish": 1},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of pydantic, or of what it cannot say
        request(**fields)


DATES = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@settings(deadline=None)
@given(DATES, st.integers(0, 40))
def test_every_day_of_a_range_is_asked_for_once_and_admitted(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    made = request(studyDate=f"{first:%Y%m%d}-{last:%Y%m%d}")
    asked = [one["StudyDate"] for one in made.questions(TODAY)]
    assert asked == [f"{first + timedelta(days=day):%Y%m%d}" for day in range(days + 1)]
    assert all(made.admits_date(day) for day in asked)
    assert not made.admits_date(f"{first - timedelta(days=1):%Y%m%d}")
    assert not made.admits_date(f"{last + timedelta(days=1):%Y%m%d}")


TEXTS = st.text(max_size=20) | st.from_regex(r"[0-9*?\\: -]{0,20}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("peer", "studyDate", "patientIDs", "modalities", "bodyParts", "words", "notWords", "hours", "maximumStudies")


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"peer": st.sampled_from(["modality:pacs", "dicom-web:vna"])},
        optional={
            "studyDate": DATES.map(lambda day: f"{day:%Y%m%d}") | TEXTS,
            "patientIDs": st.lists(TEXTS, max_size=4) | VALUES,
            "hours": st.times().map(lambda time: f"{time:%H:%M}-06:00") | TEXTS,
            **dict.fromkeys(("modalities", "bodyParts", "words", "notWords", "maximumStudies"), VALUES),
        },
    )
)
def test_whatever_comes_in_is_refused_or_asks_for_little(fields: dict[str, Any]) -> None:
    try:
        made = request(**fields)
    except ValueError:
        return
    # What was taken is written down and taken again after a restart.
    assert CollectionRequest.model_validate(made.model_dump(mode="json", by_alias=True)) == made
    count = 0
    for keys in made.questions(TODAY):
        count += 1
        assert not set("*?\\") & set("".join(keys.values()))
        if "PatientID" not in keys:
            date.fromisoformat(keys["StudyDate"])
    assert count <= max(MAXIMUM_DAYS * 2, len(made.patient_ids))
