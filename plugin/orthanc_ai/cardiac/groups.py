"""Series that hold one cardiac phase each of one scan: together they are what others store as one series."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace

from ..codes import Code
from .roles import MULTIPHASE_PHASES, Role
from .verdict import SeriesVerdict

TOLERANCE_MM = 0.05
"""Reconstructions of one scan lie at the same places; other places differ by more than that."""

_THICKNESS = frozenset({Code.THICK_FOR_CCTA, Code.TOO_THICK_FOR_CCTA})
"""Remarks that go with a role by thickness."""


def with_phase_groups(verdicts: Sequence[SeriesVerdict]) -> list[SeriesVerdict]:
    """The verdicts on the series of one study, those that belong together marked as such.

    Series belong together if they have the same frame of reference, grid, kernel and positions, and one phase each of
    which not all are the same. From `roles.MULTIPHASE_PHASES` phases on, their role is that of a series which holds
    them all. Scans for calcium scoring are left alone.
    """
    groups: list[list[SeriesVerdict]] = []
    for verdict in filter(_is_one_phase, verdicts):
        for members in groups:
            if _belong_together(members[0], verdict):
                members.append(verdict)
                break
        else:
            groups.append([verdict])
    changed: dict[str, SeriesVerdict] = {}
    for members in groups:
        phases = {phase.label for member in members for phase, _ in member.phases}
        if len(phases) < 2:
            continue
        members.sort(key=lambda member: (member.phases[0][0].value, member.series_instance_uid))
        group = tuple(member.series_instance_uid for member in members)
        for member in members:
            changed[member.series_instance_uid] = _grouped(member, group, len(phases))
    return [changed.get(verdict.series_instance_uid, verdict) for verdict in verdicts]


def _is_one_phase(verdict: SeriesVerdict) -> bool:
    stacks = verdict.geometry.stacks if verdict.geometry else ()
    return (
        verdict.role not in (None, Role.CAC)
        and len(stacks) == 1
        and stacks[0].phase is not None
        and bool(stacks[0].headers[0].frame_of_reference_uid)
    )


def _belong_together(one: SeriesVerdict, other: SeriesVerdict) -> bool:
    exact, lengths = zip(*map(_place, (one, other)), strict=True)
    return exact[0] == exact[1] and all(
        math.isclose(a, b, rel_tol=0, abs_tol=TOLERANCE_MM) for a, b in zip(*lengths, strict=True)
    )


def _place(verdict: SeriesVerdict) -> tuple[Hashable, tuple[float, ...]]:
    """What series of one scan have in common: what must be the same, and lengths in mm."""
    assert verdict.geometry is not None
    [stack] = verdict.geometry.stacks
    assert stack.phase is not None
    first, last = stack.headers[0], stack.headers[-1]
    assert first.image_position is not None
    assert last.image_position is not None
    exact = (
        first.frame_of_reference_uid,
        stack.phase.source,
        stack.phase.unit,
        verdict.kernel,
        stack.rows,
        stack.columns,
        len(stack.headers),
    )
    span = stack.rows * stack.pixel_spacing_mm[0], stack.columns * stack.pixel_spacing_mm[1]
    return exact, (*first.image_position, *last.image_position, *span, stack.thickness_mm or 0.0)


def _grouped(verdict: SeriesVerdict, group: tuple[str, ...], phases: int) -> SeriesVerdict:
    codes = (*verdict.codes, Code.PHASE_GROUP)
    if phases < MULTIPHASE_PHASES:
        return replace(verdict, phase_group=group, codes=codes)
    return replace(
        verdict,
        phase_group=group,
        role=Role.FUNCTIONAL_MULTIPHASE,
        codes=tuple(code for code in codes if code not in _THICKNESS),
    )
