"""``/ai/studies/{id}/best``, ``/ai/patients/{patient}/best``: the best series for each role, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..cardiac.best import CRITERIA, Candidate, Place, best_series
from ..cardiac.patients import Identity, PatientKey, by_patient
from ..cardiac.roles import Role
from ..codes import Code
from ..outcomes import CARDIAC_METADATA
from ..server import Content, Resource, Server
from .context import Context
from .filters import DateRange, ShortText
from .identify import identify
from .reading import outcome_of, tag
from .verdicts import quarantine_of
from .views import CodeView, Query, View, viewer_link

LISTED_IN_QUARANTINE = 100
"""How many studies in quarantine an answer names: of everybody without a Patient ID there may be any number."""

_CONTENT: Sequence[Content] = ("MainDicomTags", "Metadata", "Parent")


class CriterionValue(View):
    """What a series has where series are compared."""

    criterion: str
    value: str


class RankedSeries(View):
    """An accepted series and its place among those of its role."""

    id: str
    """Orthanc identifier."""
    series_instance_uid: str
    study_instance_uid: str
    study_date: str
    number: int | None
    description: str
    phase: str | None
    """Of the phases that it holds, the one to be read."""
    phase_group: list[str]
    """Series Instance UIDs of the series that hold one phase each of the same scan, in their order."""
    values: list[CriterionValue]
    """What was compared, in the order of comparison."""
    behind: str | None
    """The first criterion by which it comes after the best; `null` for the best itself, `SeriesInstanceUID` if nothing else
    tells them apart."""
    cardiac: str
    """Path of the verdict's full reasoning."""
    viewer: str


class RoleBest(View):
    """The series of one role."""

    role: Role
    sentence: str
    criteria: list[str]
    """By what they were compared; the first in which two differ decides."""
    best: RankedSeries
    others: list[RankedSeries]
    """The others, better ones first."""


class StudyBest(View):
    """The best series of a study."""

    id: str
    """Orthanc identifier."""
    study_instance_uid: str
    study_date: str
    code: Code
    """What became of the study."""
    sentence: str
    quarantine: CodeView | None
    """Why the study stands for no patient; `null` if it does."""
    roles: list[RoleBest]
    """Roles without an accepted series are left out."""


class PatientQuery(Query):
    """Which studies of the patient."""

    issuer: ShortText | None = None
    """Issuer of Patient ID, exactly."""
    study_date: DateRange | None = None
    """Study Date: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`."""

    def admits_date(self, date: str) -> bool:
        """Whether a study is of the wanted time; one without a date is only if none is wanted."""
        if self.study_date is None:
            return True
        first, dash, last = self.study_date.partition("-")
        if not dash:
            return date == first
        return bool(date) and first <= date and (not last or date <= last)


class PatientGroup(View):
    """One patient."""

    patient_id: str
    issuer: str
    """Issuer of Patient ID; empty if the studies name none."""
    studies: list[str]
    """Study Instance UIDs of the CT studies that were judged."""
    roles: list[RoleBest]


class QuarantinedStudyView(View):
    """A study that stands for no patient."""

    id: str
    study_instance_uid: str
    code: Code
    sentence: str


class PatientBest(View):
    """The best series of the patients that Orthanc takes for one: those with a Patient ID, by its issuer."""

    id: str
    """Orthanc identifier."""
    patients: list[PatientGroup]
    """One for each issuer."""
    quarantined: int
    """How many studies take no part, since whose they are is missing or contradicted."""
    quarantine: list[QuarantinedStudyView]
    """The first 100 of them."""


def of_study(context: Context, identifier: str) -> StudyBest:
    """The best series of a study, for each role.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    study = identify(context.server, "study", identifier)
    outcome = outcome_of(study, CARDIAC_METADATA)
    code = outcome.code if outcome else Code.NOT_ANALYZED_YET
    reason = quarantine_of(outcome)
    series = context.server.children("study", study.identifier, "series", content=_CONTENT)
    return StudyBest(
        id=study.identifier,
        study_instance_uid=tag(study, "StudyInstanceUID"),
        study_date=tag(study, "StudyDate"),
        code=code,
        sentence=code.sentence,
        quarantine=CodeView.of(reason) if reason else None,
        roles=_roles({study.identifier: _Study.of(study)}, series),
    )


def of_patient(context: Context, identifier: str, query: PatientQuery) -> PatientBest:
    """The best series of a patient, for each role and issuer of the Patient ID.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    server = context.server
    patient = identify(server, "patient", identifier)
    studies = list(_judged_and_others(server, patient))
    known, contradicted = by_patient([study.identity for study in studies])
    codes = dict(contradicted)
    groups: dict[PatientKey, dict[str, _Study]] = {key: {} for key in known}
    quarantined: dict[str, tuple[_Study, Code]] = {}
    for study in studies:
        key = study.identity.key
        # Its outcome knows of studies under other Patient IDs too.
        code = codes.get(study.identity) or study.quarantine
        if code:
            quarantined[study.identifier] = study, code
        elif key and study.judged and query.issuer in (None, key.issuer) and query.admits_date(study.date):
            groups[key][study.identifier] = study
    return PatientBest(
        id=patient.identifier,
        patients=[
            PatientGroup(
                patient_id=key.patient_id,
                issuer=key.issuer,
                studies=[study.identity.study_instance_uid for study in group.values()],
                roles=_roles(group, _series_of(server, group)),
            )
            for key, group in groups.items()
            if group
        ],
        quarantined=len(quarantined),
        quarantine=[
            QuarantinedStudyView(
                id=study.identifier,
                study_instance_uid=study.identity.study_instance_uid,
                code=code,
                sentence=code.sentence,
            )
            for study, code in list(quarantined.values())[:LISTED_IN_QUARANTINE]
        ],
    )


@dataclass(frozen=True, slots=True)
class _Study:
    """What is kept of a study, 1 KB: of one Patient ID there may be thousands, if it is a placeholder."""

    identifier: str
    identity: Identity
    date: str
    judged: bool
    quarantine: Code | None

    @classmethod
    def of(cls, study: Resource) -> "_Study":
        outcome = outcome_of(study, CARDIAC_METADATA)
        return cls(
            identifier=study.identifier,
            identity=Identity.from_tags(study.tags),
            date=tag(study, "StudyDate"),
            judged=outcome is not None,
            quarantine=quarantine_of(outcome),
        )


def _judged_and_others(server: Server, patient: Resource) -> Iterator[_Study]:
    """A patient's studies: those that were judged, and the others, since they may contradict them."""
    for study in server.children("patient", patient.identifier, "study", content=_CONTENT):
        yield _Study.of(study)


def _series_of(server: Server, studies: Iterable[str]) -> Iterable[Resource]:
    for study in studies:
        yield from server.children("study", study, "series", content=_CONTENT)


def _roles(studies: Mapping[str, _Study], series: Iterable[Resource]) -> list[RoleBest]:
    """The best of some series, whose studies are given by Orthanc identifier."""
    found: dict[tuple[str, str], tuple[str, _Study]] = {}
    candidates = []
    for one in series:
        outcome = outcome_of(one, CARDIAC_METADATA)
        study = studies.get(one.parent)
        if outcome is None or study is None:
            continue
        uids = study.identity.study_instance_uid, tag(one, "SeriesInstanceUID")
        candidate = Candidate.of(*uids, outcome.data)
        if candidate:
            found[uids] = one.identifier, study
            candidates.append(candidate)

    def ranked(place: Place) -> RankedSeries:
        candidate = place.candidate
        identifier, study = found[candidate.study_instance_uid, candidate.series_instance_uid]
        return RankedSeries(
            id=identifier,
            series_instance_uid=candidate.series_instance_uid,
            study_instance_uid=candidate.study_instance_uid,
            study_date=study.date,
            number=candidate.verdict.number,
            description=candidate.verdict.description,
            phase=candidate.phase or None,
            phase_group=list(candidate.verdict.phase_group),
            values=[CriterionValue(criterion=name, value=value) for name, value in place.values.items()],
            behind=place.behind,
            cardiac=f"/ai/series/{identifier}/cardiac",
            viewer=viewer_link(candidate.study_instance_uid),
        )

    return [
        RoleBest(
            role=role,
            sentence=role.sentence,
            criteria=[criterion.name for criterion in CRITERIA[role]],
            best=ranked(places[0]),
            others=[ranked(place) for place in places[1:]],
        )
        for role, places in best_series(candidates).items()
    ]
