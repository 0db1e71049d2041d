"""Whatever stands in Orthanc's index, a study is judged."""

import json
import math
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orthanc_ai.analyses import CARDIAC, Task
from orthanc_ai.cardiac.analysis import StudyReader
from orthanc_ai.cardiac.header import NEEDED_TAGS, Header
from orthanc_ai.cardiac.judge import judge_study
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome
from orthanc_ai.settings import AI
from tests.unit.hostile import ct_image, file

SOUND: dict[str, Any] = {
    "Modality": "CT",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "SeriesInstanceUID": "1.2.3",
    "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
    "SeriesDescription": "CorCTA 0.6 75 %",
    "BodyPartExamined": "HEART",
    "Rows": "512",
    "Columns": "512",
    "PixelSpacing": "0.4\\0.4",
    "ImageOrientationPatient": "1\\0\\0\\0\\1\\0",
    "ImagePositionPatient": "0\\0\\0",
    "SliceThickness": "0.6",
    "RescaleSlope": "1",
    "RescaleIntercept": "-1024",
}

numbers = (
    st.integers() | st.floats() | st.sampled_from([10**400, -(10**4000), math.nan, math.inf, 1e308, -1e308, 5e-324])
)
texts = st.text(max_size=20) | st.sampled_from(
    [
        "\\" * 50,
        "1e308\\-1e308\\1e308",
        "nan",
        "inf",
        "9" * 400,
        "9" * 5000,
        "1e5",
        "0\\0\\1e5",
        "-0",
        "\ud800",
        "1\\1\\1\\1\\1\\1",
    ]
)
scalars = st.none() | st.booleans() | numbers | texts | numbers.map(repr)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3))
tags = st.dictionaries(st.sampled_from([*NEEDED_TAGS, "CodeValue", "Other"]), values, max_size=8)
headers = st.lists(tags.map(lambda odd: {**SOUND, **odd}) | tags, min_size=1, max_size=8)
relaxed = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(tags)
def test_any_header_is_read(odd: dict[str, Any]) -> None:
    header = Header.from_tags(odd)
    for name in ("pixel_spacing", "image_position", "image_orientation"):
        assert all(math.isfinite(number) for number in getattr(header, name) or ())
    assert set(header.invalid) <= {*NEEDED_TAGS, "CodeValue", "CodingSchemeDesignator"}


@relaxed
@given(headers)
def test_any_study_is_judged(odd: list[dict[str, Any]]) -> None:
    verdict = judge_study([Header.from_tags(one) for one in odd])
    json.dumps(verdict.to_json(), allow_nan=False)
    assert all(series.accepted or series.decisive for series in verdict.series)


@settings(relaxed, max_examples=100)
@given(headers)
@example([{"Modality": "CT", "SeriesInstanceUID": "\N{LATIN CAPITAL LETTER A WITH MACRON}"}])
def test_any_study_ends_with_an_outcome(odd: list[dict[str, Any]]) -> None:
    reader = StudyReader(AI.model_validate({}))
    task = Task(CARDIAC, {"headers": odd, "file": file(ct_image())}, "recipe")
    answer = reader.read(task)
    if answer.needs:
        answer = reader.read(replace(task, files={}))
    assert answer.outcome.code in (Code.REPORTED, Code.NOT_CT)
    for outcome in (answer.outcome, *(outcome for _, outcome in answer.parts)):
        assert Outcome.from_text(outcome.to_text()) == outcome
