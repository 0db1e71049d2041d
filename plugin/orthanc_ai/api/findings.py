"""``/ai/{instances,series,studies,patients}/{id}/findings``: everything that is known of one resource."""

from collections.abc import Iterator
from typing import Any

from ..codes import Code
from ..outcomes import CARDIAC_METADATA, XRAY_METADATA
from ..server import Level, Resource, Server
from ..xray.select import is_xray
from .context import Context
from .http import Problem
from .identify import IDENTIFYING_TAGS, identify
from .reading import ImageFindings, ReportView, notes_of, outcome_of, read_image, tag
from .views import DEMONSTRATION_WARNING, CodeView, View

# With a SOP class that leaves the choice to the modality, which modalities are X-rays (Computed Radiography Image).
_ANY_XRAY_CLASS = "1.2.840.10008.5.1.4.1.1.1"


class CardiacVerdict(View):
    """What became of a CT study, or of one of its series."""

    level: Level
    id: str
    """Orthanc identifier of the study or series."""
    study_instance_uid: str
    series_instance_uid: str | None
    """`null` for the verdict on the study."""
    code: Code
    sentence: str
    detail: str
    notes: list[CodeView]
    at: str
    report: ReportView | None
    verdict: dict[str, Any]
    """The rules' verdict: whether the series is an accepted cardiac series, its role, phases and geometry. Described in
    docs/cardiac-ct.md."""


class ResourceFindings(View):
    """Everything that is known of a series, a study or a patient."""

    level: Level
    id: str
    """Orthanc identifier."""
    demonstration: bool
    """Whether any of the findings is of a demonstration model: not for diagnosis."""
    warning: str | None
    images: list[ImageFindings]
    """The X-ray instances, oldest first."""
    cardiac: list[CardiacVerdict]
    """Verdicts on CT studies and their series."""


def of_instance(context: Context, identifier: str) -> ImageFindings:
    """What became of one X-ray instance.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``, ``NOT_AN_XRAY``.
    """
    resource = identify(context.server, "instance", identifier)
    if not _is_xray(resource):
        raise Problem(Code.NOT_AN_XRAY)
    return _read(context, resource)


def of_resource(context: Context, level: Level, identifier: str) -> ResourceFindings:
    """What became of the X-ray instances and CT series of a series, a study or a patient.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    server = context.server
    resource = identify(server, level, identifier)
    series = [resource] if level == "series" else list(server.children(level, resource.identifier, "series"))
    images = [_read(context, instance) for one in series for instance in xrays(server, one)]
    demonstration = any(image.demonstration for image in images)
    return ResourceFindings(
        level=level,
        id=resource.identifier,
        demonstration=demonstration,
        warning=DEMONSTRATION_WARNING if demonstration else None,
        images=images,
        cardiac=list(_verdicts(server, resource, series)),
    )


def report_id(server: Server, sop_instance_uid: str) -> str | None:
    """Orthanc identifier of a stored report; ``None`` if it was deleted."""
    return next((found for level, found in server.lookup(sop_instance_uid) if level == "instance"), None)


def _is_xray(instance: Resource) -> bool:
    return is_xray(tag(instance, "Modality"), instance.metadata.get("SopClassUid", ""))


def _read(context: Context, instance: Resource) -> ImageFindings:
    outcome = outcome_of(instance, XRAY_METADATA)
    report = report_id(context.server, outcome.result.sop_instance_uid) if outcome and outcome.result else None
    not_yet = "" if context.settings.x_ray.enabled else "AI.XRay.Enabled is false: X-rays are not analysed."
    return read_image(instance, context.cards, report, not_yet)


def xrays(server: Server, series: Resource) -> Iterator[Resource]:
    """The X-ray instances of a series. A CT series of a thousand slices is not even looked into."""
    if not is_xray(tag(series, "Modality"), _ANY_XRAY_CLASS):
        return
    yield from filter(_is_xray, server.children("series", series.identifier, "instance", IDENTIFYING_TAGS))


def _verdicts(server: Server, resource: Resource, series: list[Resource]) -> Iterator[CardiacVerdict]:
    studies: list[Resource] = []
    if resource.level == "study":
        studies = [resource]
    elif resource.level == "patient":
        studies = list(server.children("patient", resource.identifier, "study"))
    uid_of_study = {study.identifier: tag(study, "StudyInstanceUID") for study in studies}
    for one in (*studies, *series):
        outcome = outcome_of(one, CARDIAC_METADATA)
        if outcome is None:
            continue
        is_series = one.level == "series"
        yield CardiacVerdict(
            level=one.level,
            id=one.identifier,
            study_instance_uid=uid_of_study.get(one.parent, "") or tag(one, "StudyInstanceUID"),
            series_instance_uid=tag(one, "SeriesInstanceUID") if is_series else None,
            code=outcome.code,
            sentence=outcome.code.sentence,
            detail=outcome.detail,
            notes=notes_of(outcome.notes),
            at=outcome.at,
            report=ReportView.of(outcome.result, report_id(server, outcome.result.sop_instance_uid))
            if outcome.result
            else None,
            verdict=dict(outcome.data),
        )
