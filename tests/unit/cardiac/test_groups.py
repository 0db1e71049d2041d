"""Series of one phase each."""

from dataclasses import replace
from typing import Any

import pytest

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_study
from orthanc_ai.cardiac.roles import Role
from orthanc_ai.codes import Code

from .examples import stack


def phases(*percent: int, **changes: Any) -> list[list[Header]]:
    """A series for each phase, as Siemens and Philips store them if they are told to."""
    return [
        stack(
            200,
            series_instance_uid=f"1.2.{one}",
            series_number=one,
            series_description=f"CorCTA 0.6 {one} %",
            scan_options=f"TP{one}PC0900",
            **changes,
        )
        for one in percent
    ]


def flat(series: list[list[Header]]) -> list[Header]:
    return [header for headers in series for header in headers]


def test_four_phases_are_one_functional_scan() -> None:
    study = judge_study(flat(phases(80, 20, 40, 60)))
    group = ("1.2.20", "1.2.40", "1.2.60", "1.2.80")
    assert study.phase_groups == (group,)
    for series in study.series:
        assert series.role is Role.FUNCTIONAL_MULTIPHASE
        assert series.phase_group == group
        assert Code.PHASE_GROUP in series.codes
        assert series.to_json()["phaseGroup"] == list(group)
    assert study.to_json()["phaseGroups"] == [list(group)]


def test_two_phases_stay_what_they_are() -> None:
    study = judge_study(flat(phases(35, 75)))
    assert [series.role for series in study.series] == [Role.CCTA] * 2
    assert study.phase_groups == (("1.2.35", "1.2.75"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"frame_of_reference_uid": "1.9"},
        {"convolution_kernel": "Br64"},
        {"rows": 256},
        {"pixel_spacing": (0.5, 0.5)},
        {"slice_thickness": 0.5},
        {"image_position": None},
        {"scan_options": "", "series_description": "CorCTA"},
        {"body_part_examined": "HEAD", "series_description": "Head", "protocol_name": "", "scan_options": ""},
    ],
)
def test_another_scan_does_not_belong_to_it(changes: dict[str, Any]) -> None:
    first, other = phases(35, 75)
    study = judge_study([*first, *(replace(header, **changes) for header in other)])
    assert study.phase_groups == ()
    assert not any(series.phase_group for series in study.series)


def test_slices_at_other_places_do_not_belong_to_it() -> None:
    first, other = phases(35, 75)
    moved = [replace(one, image_position=(-100.0, -90.0, (one.image_position or (0, 0, 0))[2] + 20)) for one in other]
    assert judge_study([*first, *moved]).phase_groups == ()
    assert judge_study([*first, *other[:-1]]).phase_groups == ()


def test_the_same_phase_twice_is_no_group() -> None:
    first, second = phases(75, 75)
    again = [replace(header, series_instance_uid="1.2.76") for header in second]
    assert judge_study([*first, *again]).phase_groups == ()


def test_calcium_scoring_is_no_phase_of_it() -> None:
    series = phases(20, 40, 60, 80, slice_thickness=3.0)
    series = [[replace(one, series_description="CaScSeq 3.0") for one in headers] for headers in series]
    assert {one.role for one in judge_study(flat(series)).series} == {Role.CAC}
    assert judge_study(flat(series)).phase_groups == ()
