"""What the report on a study says about each of its series."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..report.series_report import Instance, SeriesLine
from . import wording
from .best import best_of_study
from .header import Header
from .stored import read_verdict
from .verdict import SeriesVerdict, StudyVerdict


def report_lines(verdict: StudyVerdict, headers: Iterable[Header]) -> list[SeriesLine]:
    """The verdicts on the series of a study as the report has them.

    Parameters
    ----------
    headers
        Those of all instances of the study.
    """
    instances: dict[str, list[Instance]] = defaultdict(list)
    for header in headers:
        instances[header.series_instance_uid].append(Instance(header.sop_class_uid, header.sop_instance_uid))
    best = best_of_study({series.series_instance_uid: series.to_json() for series in verdict.series})
    return [
        series_line(series, instances[series.series_instance_uid], best=series.series_instance_uid in best)
        for series in verdict.series
    ]


def series_line(series: SeriesVerdict, instances: Sequence[Instance], *, best: bool = False) -> SeriesLine:
    """The verdict on a series, in the words of what is stored as its outcome.

    Parameters
    ----------
    instances
        All of the series.
    best
        It is the best series of the study for its role.
    """
    verdict = read_verdict(series.to_json())
    return SeriesLine(
        series_instance_uid=series.series_instance_uid,
        series_number=series.number,
        description=series.description,
        modality="CT",
        accepted=series.accepted,
        role=wording.role_words(verdict, best=best),
        best=best,
        reason=wording.sentences([verdict.decisive] if verdict.decisive else []),
        phases=wording.phase_words(verdict),
        geometry=wording.geometry_words(verdict),
        contrast=wording.contrast_words(verdict),
        evidence=wording.evidence_words(verdict.score, verdict.evidence),
        remarks=wording.sentences(wording.other_codes(verdict)),
        instances=tuple(instances),
    )
