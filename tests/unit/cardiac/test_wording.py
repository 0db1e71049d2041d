"""A verdict in words, as report and page have it."""

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.analyses import CARDIAC, Task
from orthanc_ai.cardiac import wording
from orthanc_ai.cardiac.analysis import StudyReader
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.lines import series_line
from orthanc_ai.cardiac.stored import StoredVerdict, VerdictError, read_verdict
from orthanc_ai.codes import Code
from orthanc_ai.report.series_report import Instance
from orthanc_ai.settings import AI
from phantom.ct import ct_series

from ..report.sources import viewer_lines
from .examples import stack


def verdict(headers: list[Any]) -> StoredVerdict:
    """The verdict as it comes back from the metadata."""
    return read_verdict(json.loads(json.dumps(judge_series(headers).to_json())))


def test_a_faultless_angiogram() -> None:
    found = verdict(stack(nominal_percentage_of_cardiac_phase=75.0))
    assert wording.role_words(found, best=True) == (
        "Thin slices of one or a few phases, fit for reading the coronary arteries. (CCTA) "
        "The best series of the study for it."
    )
    assert wording.phase_words(found) == "75% (by NominalPercentageOfCardiacPhase)"
    assert wording.geometry_words(found) == (
        "200 slices, every 0.5 mm, 0.6 mm thick, covering 100 mm; 512 x 512 pixels of 0.4 mm; kernel Bv40d"
    )
    words = wording.evidence_words(found.score, found.evidence)
    assert words.startswith(f"{found.score} points: ")
    assert 'NominalPercentageOfCardiacPhase "75" +2' in words
    assert found.decisive is None


def test_missing_slices_are_named_by_their_neighbours() -> None:
    headers = stack()
    found = verdict(headers[:50] + headers[51:120] + headers[123:])
    assert found.geometry is not None
    assert wording.missing_words(found.geometry.missing, found.geometry.gaps) == (
        "4 slices missing: between images 50 and 52 at -25 mm, 3 between images 120 and 124 at 10 mm"
    )
    assert found.decisive is Code.MISSING_SLICES


def test_more_gaps_than_can_be_named_are_counted() -> None:
    found = verdict([header for index, header in enumerate(stack()) if index % 8 != 4])
    assert found.geometry is not None
    words = wording.missing_words(found.geometry.missing, found.geometry.gaps)
    assert words.startswith("25 slices missing: between images 4 and 6 at -48 mm, ")
    assert words.endswith(", and 20 more elsewhere")


def test_tilt_as_measured_and_as_the_header_says() -> None:
    headers = [
        replace(header, image_position=(-100.0, -90.0 + 0.1 * index, -50 + 0.5 * index), gantry_tilt=11.3)
        for index, header in enumerate(stack())
    ]
    assert "stacked at 11.31 degrees to their normal (header: 11.3)" in wording.geometry_words(verdict(headers))


def test_several_phases() -> None:
    phases = [
        stack(130, 0.5, 1 + 130 * number, nominal_percentage_of_cardiac_phase=percent)
        for number, percent in enumerate((40.0, 75.0))
    ]
    even = verdict([*phases[0], *phases[1]])
    assert wording.phase_words(even) == "2 of 130 images each: 40%, 75% (by NominalPercentageOfCardiacPhase)"
    uneven = verdict([*phases[0], *phases[1][:100]])  # 50 mm hold no heart
    assert wording.phase_words(uneven) == (
        "2: 40% of 130 images, 75% (no sound volume) of 100 images (by NominalPercentageOfCardiacPhase)"
    )
    unlabelled = [replace(header, nominal_percentage_of_cardiac_phase=None) for half in phases for header in half]
    assert "by the order of Instance Number, low confidence" in wording.phase_words(verdict(unlabelled))


def test_the_report_says_all_codes_and_only_once() -> None:
    for damage in (None, "missing_slice", "gantry_tilt", "lossy", "mixed_rescale"):
        series = judge_series([Header.from_dataset(image) for image in ct_series("ccta", damage=damage)])
        line = series_line(series, [Instance("1.2.840.10008.5.1.4.1.1.2", "1.2.3")])
        text = f"{line.reason} {line.role} {line.contrast} {line.remarks}"
        assert [text.count(f"({code})") for code in series.codes] == [1] * len(series.codes)
        assert bool(line.reason) is not series.accepted
        assert bool(line.role) is series.accepted


@pytest.mark.parametrize(
    "spoiled",
    [
        {},
        {"accepted": "perhaps"},
        {"accepted": True, "role": "PLUMBING"},
        {"accepted": False, "codes": ["NO_SUCH_CODE"]},
        {"accepted": False, "codes": 5},
        {"accepted": True, "geometry": {"slices": "many"}},
        {"accepted": True, "geometry": {"slices": 3, "spacingMm": float("nan")}},
    ],
)
def test_what_is_no_verdict_is_refused_without_quoting_it(spoiled: dict[str, Any]) -> None:
    with pytest.raises(VerdictError) as error:
        read_verdict(spoiled)
    assert "PLUMBING" not in str(error.value)


def test_members_of_later_rules_do_no_harm() -> None:
    data = judge_series(stack()).to_json()
    assert read_verdict({**data, "later": {"rules": 7}}) == read_verdict(data)


texts = st.text(max_size=200)


@given(st.builds(dict, attribute=texts, value=texts, points=st.integers(-9, 9), code=st.just("SMALL_FOV")))
def test_any_value_is_quoted_in_one_short_line(evidence: dict[str, Any]) -> None:
    found = read_verdict({"accepted": False, "score": 1, "evidence": [evidence]})
    value = wording.evidence_words(1, found.evidence).removeprefix(f"1 point: {evidence['attribute']} ")
    assert "\n" not in value
    assert len(value) <= wording.LISTED_VALUE + len('"..." +9')


def test_the_report_says_what_is_remarkable_about_the_study() -> None:
    image = ct_series("localizer")[0]
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    payload = {
        "headers": [{keyword: image.get(keyword) for keyword in ("SOPClassUID", "SOPInstanceUID", "Modality")}],
        "file": file.getvalue(),
        "notes": [str(Code.HEADER_UNREADABLE)],
    }
    answer = StudyReader(AI.model_validate({})).read(Task(CARDIAC, payload, "recipe"))
    assert answer.dicom is not None
    assert f"Comment: {Code.HEADER_UNREADABLE.sentence} (HEADER_UNREADABLE)" in viewer_lines(answer.dicom)
