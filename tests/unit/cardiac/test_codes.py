"""Every code of cardiac CT is provoked by something that provokes no other; and nothing else changes a verdict."""

import ast
import inspect
import random
import re
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai import codes
from orthanc_ai.cardiac import contrast, geometry, groups, judge, roles, select, stack
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.verdict import SeriesVerdict
from orthanc_ai.codes import Code

from .examples import EVIDENCE, EXAMPLES, NOTHING_CARDIAC, SOUND, Example, sound

SECTIONS = ("why a series is none of axial CT images", "evidence for and against the heart", "geometry", "remarks")

COUNTED = {Code.NOT_CT}
"""Series that are not CT are only counted in a study's verdict; see the test of it."""


def vocabulary() -> set[Code]:
    """The codes that codes.py lists for the series of cardiac CT."""
    found: set[Code] = set()
    inside = False
    for line in inspect.getsource(codes).splitlines():
        if title := re.match(r"    # (.+)$", line):
            inside = title[1] in {f"Cardiac CT: {section}" for section in SECTIONS}
        elif inside and (name := re.match(r"    ([A-Z_]+) = ", line)):
            found.add(Code[name[1]])
    return found


def used(module: ModuleType) -> set[Code]:
    """The codes that a module names."""
    return {
        Code[node.attr]
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code"
    }


def test_every_code_has_an_example() -> None:
    assert len(vocabulary()) > 50
    assert vocabulary() == {*EXAMPLES, *EVIDENCE, *COUNTED}


@pytest.mark.parametrize("module", [select, geometry, stack, roles, groups, contrast, judge])
def test_the_rules_use_no_other_codes(module: ModuleType) -> None:
    assert used(module) <= vocabulary()


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_provokes_its_code_alone(code: Code) -> None:
    example = EXAMPLES[code]
    verdict = example.judged()
    # what the sound series has is no news; nobody looks at pixels of a series that is not accepted
    usual = set(SOUND.judged().codes) if code is not Code.CONTRAST_BY_PIXELS else set()
    assert set(verdict.codes) - usual == {code, *example.implied}
    if not verdict.accepted:
        assert verdict.codes == (code,)
        assert verdict.decisive is code


def test_nothing_is_remarkable_about_the_sound_series() -> None:
    verdict = SOUND.judged()
    assert verdict.accepted
    assert verdict.codes == (Code.CONTRAST_BY_PIXELS,)


@pytest.mark.parametrize("code", EVIDENCE)
def test_evidence_alone(code: Code) -> None:
    verdict = judge_series(sound(**(dict(NOTHING_CARDIAC) | dict(EVIDENCE[code]))))
    unstated = {Code.BODYPART_MISSING} if "body_part_examined" not in EVIDENCE[code] else set()
    assert {one.code for one in verdict.evidence} == unstated | {code}
    assert verdict.score == sum(one.points for one in verdict.evidence)


def test_not_ct() -> None:
    assert judge_series(sound(modality="MR")).codes == (Code.NOT_CT,)


@pytest.mark.parametrize("part", ["HEART", "CHEST", "ABDOMEN", "", "CORONARY"])
def test_body_part_examined_is_never_decisive_alone(part: str) -> None:
    """It neither rules a cardiac series out, nor makes one."""
    assert judge_series(sound(body_part_examined=part, cardiac_synchronization_technique="PROSPECTIVE")).accepted
    anonymous = sound(**(dict(NOTHING_CARDIAC) | {"body_part_examined": part}))
    assert judge_series(anonymous).decisive is Code.NOT_CARDIAC


# What must not matter


def facts(verdict: SeriesVerdict) -> object:
    best = verdict.geometry.best if verdict.geometry else None
    return (
        verdict.accepted,
        verdict.role,
        verdict.codes,
        verdict.score,
        [one.code for one in verdict.evidence],
        [(phase.label, count) for phase, count in verdict.phases],
        len(verdict.phase_group),
        best and (len(best.headers), best.missing),
    )


def shuffled(headers: list[Header], chance: random.Random) -> list[Header]:
    return chance.sample(headers, len(headers))


def renamed(headers: list[Header], chance: random.Random) -> list[Header]:
    """Every UID but that of the class replaced by another, the same by the same."""
    names: dict[str, str] = {"": ""}

    def name(uid: str) -> str:
        return names.setdefault(uid, f"2.25.{chance.getrandbits(127)}")

    return [
        replace(
            header,
            sop_instance_uid=name(header.sop_instance_uid),
            series_instance_uid=name(header.series_instance_uid),
            study_instance_uid=name(header.study_instance_uid),
            frame_of_reference_uid=name(header.frame_of_reference_uid),
        )
        for header in headers
    ]


def jittered(headers: list[Header], chance: random.Random) -> list[Header]:
    """Lengths as other systems round them: by two thousandths of a millimetre, directions in the fifth decimal."""

    def move(values: tuple[float, ...] | None, most: float) -> tuple[float, ...] | None:
        return None if values is None else tuple(value + chance.uniform(-most, most) for value in values)

    return [
        replace(
            header,
            image_position=move(header.image_position, 0.002),
            image_orientation=move(header.image_orientation, 1e-5),
            pixel_spacing=move(header.pixel_spacing, 1e-5),
        )
        for header in headers
    ]


@pytest.mark.parametrize("change", [shuffled, renamed, jittered])
@settings(max_examples=120, deadline=None)
@given(code=st.sampled_from(sorted(EXAMPLES)), seed=st.integers(0, 2**32))
def test_order_names_and_rounding_do_not_matter(
    change: Callable[[list[Header], random.Random], list[Header]], code: Code, seed: int
) -> None:
    example: Example = EXAMPLES[code]
    assert facts(example.judged(change(example.headers(), random.Random(seed)))) == facts(example.judged())
