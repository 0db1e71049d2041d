"""A verdict in words: the same in the report, in the answers of ``/ai`` and on its page.

In ASCII, since a report must be readable whatever its character set is.
"""

from collections.abc import Iterator, Sequence

from ..codes import Code
from .phases import PhaseSource
from .stored import StoredEvidence, StoredGap, StoredGeometry, StoredPhase, StoredVerdict

LISTED_GAPS = 5
"""Places of missing slices that are named; more are counted."""

LISTED_VALUE = 40
"""Characters of an attribute's value that are quoted as evidence."""

_TILT_WORTH_SAYING_DEG = 0.05


def role_words(verdict: StoredVerdict, *, best: bool = False) -> str:
    """What the series is for; empty if it is not accepted.

    Parameters
    ----------
    best
        It is the best series of its study for this role.
    """
    if verdict.role is None:
        return ""
    return f"{verdict.role.sentence} ({verdict.role})" + (" The best series of the study for it." if best else "")


def phase_words(verdict: StoredVerdict) -> str:
    """The cardiac phases and the attribute that tells them; empty if none is known."""
    group = len(verdict.phase_group)
    of_group = f"one of {group} series that hold one phase each of one scan" if group else ""
    return "; ".join(filter(None, (_own_phases(verdict.phases), of_group)))


def _own_phases(phases: Sequence[StoredPhase]) -> str:
    if not phases:
        return ""
    sources = dict.fromkeys(phase.source for phase in phases)
    told = " and ".join(
        "by the order of Instance Number, low confidence" if source == PhaseSource.INSTANCE_ORDER else f"by {source}"
        for source in sources
    )
    sizes = {phase.images for phase in phases}
    if len(phases) == 1:
        return f"{phases[0].label} ({told})"
    if len(sizes) == 1:
        labels = ", ".join(map(_label, phases))
        return f"{len(phases)} of {sizes.pop()} images each: {labels} ({told})"
    return f"{len(phases)}: {', '.join(f'{_label(phase)} of {phase.images} images' for phase in phases)} ({told})"


def _label(phase: StoredPhase) -> str:
    return phase.label if phase.sound else f"{phase.label} (no sound volume)"


def geometry_words(verdict: StoredVerdict) -> str:
    """The volume: slices, their distance, thickness and extent, pixels, kernel, tilt, what is missing; empty without one."""
    if verdict.geometry is None:
        return ""
    kernel = " ".join(verdict.convolution_kernel.split())
    parts = [*_geometry_parts(verdict.geometry), f"kernel {kernel}" if kernel else ""]
    return "; ".join(filter(None, parts))


def _geometry_parts(geometry: StoredGeometry) -> Iterator[str]:
    slices = [f"{geometry.slices} slice{'' if geometry.slices == 1 else 's'}"]
    if geometry.spacing_mm is not None:
        slices.append(f"every {geometry.spacing_mm:g} mm")
    if geometry.thickness_mm is not None:
        slices.append(f"{geometry.thickness_mm:g} mm thick")
    if geometry.coverage_mm is not None:
        slices.append(f"covering {geometry.coverage_mm:g} mm")
    yield ", ".join(slices)
    if geometry.rows and geometry.columns:
        spacing = " x ".join(f"{value:g}" for value in dict.fromkeys(geometry.pixel_spacing_mm))
        yield f"{geometry.columns} x {geometry.rows} pixels" + (f" of {spacing} mm" if spacing else "")
    if geometry.tilt_deg >= _TILT_WORTH_SAYING_DEG or geometry.gantry_tilt_tag_deg:
        tag = "" if geometry.gantry_tilt_tag_deg is None else f" (header: {geometry.gantry_tilt_tag_deg:g})"
        yield f"stacked at {geometry.tilt_deg:g} degrees to their normal{tag}"
    if geometry.missing:
        yield missing_words(geometry.missing, geometry.gaps)
    if geometry.left_out:
        yield f"{geometry.left_out} image{'' if geometry.left_out == 1 else 's'} left out"


def missing_words(missing: int, gaps: Sequence[StoredGap]) -> str:
    """How many slices are missing, and where."""
    places = [gap_words(gap) for gap in gaps[:LISTED_GAPS]]
    unnamed = missing - sum(gap.slices for gap in gaps[:LISTED_GAPS])
    if unnamed > 0:
        places.append(f"and {unnamed} more elsewhere")
    return f"{missing} slice{'' if missing == 1 else 's'} missing: {', '.join(places)}"


def gap_words(gap: StoredGap) -> str:
    """One place where slices are missing."""
    count = "" if gap.slices == 1 else f"{gap.slices} "
    between = "" if None in (gap.after, gap.before) else f"between images {gap.after} and {gap.before} "
    return f"{count}{between}at {gap.position_mm:g} mm"


def evidence_words(score: int, evidence: Sequence[StoredEvidence]) -> str:
    """Points for a cardiac series, and which attribute gives how many; empty if the series was ruled out before."""
    if not evidence:
        return ""
    parts = ", ".join(f"{one.attribute} {_quoted(one.value)} {one.points:+d}" for one in evidence)
    return f"{score} point{'' if score == 1 else 's'}: {parts}"


def _quoted(value: str) -> str:
    text = " ".join(value.split())
    return f'"{text[:LISTED_VALUE]}..."' if len(text) > LISTED_VALUE else f'"{text}"'


def contrast_words(verdict: StoredVerdict) -> str:
    """What header and pixels say about contrast; empty if neither does."""
    blood = verdict.contrast.blood_hu
    measured = "" if blood is None else f" Blood of {blood:.0f} HU."
    return sentences(_of_contrast(verdict)) + measured


def _of_contrast(verdict: StoredVerdict) -> list[Code]:
    return [code for code in verdict.codes if "CONTRAST" in code]


def other_codes(verdict: StoredVerdict) -> tuple[Code, ...]:
    """What remains of a verdict's codes beside the decisive one and contrast."""
    told = {verdict.decisive, *_of_contrast(verdict)}
    return tuple(code for code in verdict.codes if code not in told)


def sentences(codes: Sequence[Code]) -> str:
    """Codes with their sentences, for reading."""
    return " ".join(f"{code.sentence} ({code})" for code in codes)
