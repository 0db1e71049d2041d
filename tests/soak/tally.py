"""The tally: what a quiet archive must hold after everything that was acknowledged, and what it does hold.

It knows no server, so that its own answers can be checked.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

REPORTED = "REPORTED"
FAILED = "FAILED"

OPEN = frozenset({"HELD", "RETRYING"})
"""Outcomes that must be gone once the server is quiet."""

WORKER_FAULTS = ("WORKER_DIED", "DEADLINE_EXCEEDED")
"""What a job may fail of when its worker is killed or frozen each time it is tried."""


@dataclass(frozen=True, slots=True)
class Work:
    """A film or a CT study in the archive, and what became of it.

    Attributes
    ----------
    uid
        SOP Instance UID of a film, Study Instance UID of a CT study.
    instances
        SOP Instance UIDs: the film's own, or those of all CT images of the study.
    code, detail, attempts
        Of its outcome; the code is empty if there is none.
    report
        SOP Instance UID of the report that the outcome names; empty if none.
    """

    uid: str
    instances: frozenset[str]
    code: str = ""
    report: str = ""
    detail: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """An SR in the archive.

    Attributes
    ----------
    references
        SOP Instance UIDs of its evidence.
    predecessors
        SOP Instance UIDs of the reports that it replaces.
    marked
        Whether the server knows it for its own.
    """

    uid: str
    references: frozenset[str]
    predecessors: frozenset[str] = frozenset()
    marked: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    """What is wrong, each as a line that says where to look, and how much there is."""

    acknowledged: int
    stored: int
    reports: int
    outcomes: Mapping[str, int]
    grown: int
    """Reports that a later one replaces, since its study has grown."""
    lost: Sequence[str] = field(default=())
    twice: Sequence[str] = field(default=())
    stray: Sequence[str] = field(default=())
    unmarked: Sequence[str] = field(default=())
    failed: Sequence[str] = field(default=())
    """Given up after the worker was killed each time: allowed, and said."""
    failed_otherwise: Sequence[str] = field(default=())

    @property
    def sound(self) -> bool:
        """Whether nothing was lost and nothing done twice."""
        return not (self.lost or self.twice or self.stray or self.unmarked or self.failed_otherwise)


def tally(
    acknowledged: Mapping[str, frozenset[str]],
    archive: Sequence[Work],
    reports: Sequence[Report],
    *,
    max_attempts: int,
) -> Tally:
    """Compare what was acknowledged with what is there.

    Parameters
    ----------
    acknowledged
        SOP Instance UIDs by what they belong to, as in `Work.uid`.
    archive
        Everything stored that is to be analysed. What was stored but not acknowledged must have its outcome too.
    reports
        All SR.
    max_attempts
        How often a job may be tried.
    """
    works = {work.uid: work for work in archive}
    by_uid = {report.uid: report for report in reports}
    lost = [
        f"{uid}: acknowledged and not in the archive"
        for uid, instances in acknowledged.items()
        if uid not in works or not instances <= works[uid].instances
    ]
    failed: list[str] = []
    failed_otherwise: list[str] = []
    for work in archive:
        if not work.code:
            lost.append(f"{work.uid}: no outcome")
        elif work.code in OPEN:
            lost.append(f"{work.uid}: still {work.code}: {work.detail}")
        elif work.code == FAILED:
            explained = work.detail.startswith(WORKER_FAULTS) and work.attempts >= max_attempts
            (failed if explained else failed_otherwise).append(f"{work.uid}: {work.detail} ({work.attempts} attempts)")
        elif work.code == REPORTED:
            if work.report not in by_uid:
                lost.append(f"{work.uid}: its report is not there")
            elif by_uid[work.report].references != work.instances:
                lost.append(f"{work.uid}: its report is about other instances")
    twice, stray, grown = _judge_reports(archive, reports)
    return Tally(
        acknowledged=sum(map(len, acknowledged.values())),
        stored=sum(len(work.instances) for work in archive),
        reports=len(reports),
        outcomes=dict(Counter(work.code or "none" for work in archive)),
        grown=grown,
        lost=lost,
        twice=twice,
        stray=stray,
        unmarked=[report.uid for report in reports if not report.marked],
        failed=failed,
        failed_otherwise=failed_otherwise,
    )


def _judge_reports(archive: Sequence[Work], reports: Sequence[Report]) -> tuple[list[str], list[str], int]:
    """Reports made twice, reports of nothing, and the number of those that another one replaces."""
    owner = {instance: work for work in archive for instance in work.instances}
    replaced = {uid for report in reports for uid in report.predecessors}
    current = {work.report for work in archive}
    by_references: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    twice, stray, grown = [], [], 0
    for report in reports:
        by_references[report.references].append(report.uid)
        owners = {owner[instance].uid if instance in owner else "" for instance in report.references}
        if len(owners) != 1 or owners == {""}:
            stray.append(f"{report.uid}: it belongs to nothing in the archive")
        elif report.uid in replaced:
            grown += 1
        elif report.uid not in current:
            twice.append(f"{owners.pop()}: report {report.uid} is neither its outcome's nor replaced by that one")
    twice += [
        f"reports {', '.join(uids)} are about the same instances" for uids in by_references.values() if len(uids) > 1
    ]
    return twice, stray, grown
