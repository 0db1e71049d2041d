"""What a quiet server holds: films and CT studies with their outcomes, and every report."""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pydicom

from orthanc_ai.outcomes import CARDIAC_METADATA, REPORT_METADATA, REQUEST_METADATA, XRAY_METADATA, Outcome
from tests.live.orthanc import Orthanc

from .tally import Report, Work

_PAGE = 500

_WANTED = ["SOPInstanceUID", "CurrentRequestedProcedureEvidenceSequence", "PredecessorDocumentsSequence"]


def read_archive(orthanc: Orthanc) -> tuple[list[Work], list[Report]]:
    """Everything stored that is to be analysed, and all SR, read from their files."""
    films, slices, reports = [], defaultdict(set), []
    for instance in _all(orthanc, "Instance"):
        tags, metadata = instance["RequestedTags"] | instance["MainDicomTags"], instance["Metadata"]
        if tags["Modality"] == "SR":
            reports.append(_report(orthanc, instance["ID"], marked=REPORT_METADATA in metadata))
        elif tags["Modality"] == "CT":
            slices[tags["StudyInstanceUID"]].add(tags["SOPInstanceUID"])
        else:
            uid = tags["SOPInstanceUID"]
            films.append(_work(uid, {uid}, metadata.get(XRAY_METADATA)))
    studies = {
        study["MainDicomTags"]["StudyInstanceUID"]: study["Metadata"].get(CARDIAC_METADATA)
        for study in _all(orthanc, "Study")
    }
    return [*films, *(_work(uid, instances, studies[uid]) for uid, instances in slices.items())], reports


def open_requests(orthanc: Orthanc) -> int:
    """Resources that somebody has asked to be analysed, and that are not yet."""
    return sum(
        int(
            orthanc.post(
                "/tools/count-resources", {"Level": level, "Query": {}, "MetadataQuery": {REQUEST_METADATA: "*"}}
            )["Count"]
        )
        for level in ("Instance", "Series", "Study", "Patient")
    )


def count_reports(orthanc: Orthanc) -> int:
    """How many SR there are; each has a series of its own."""
    return int(orthanc.post("/tools/count-resources", {"Level": "Series", "Query": {"Modality": "SR"}})["Count"])


def _all(orthanc: Orthanc, level: str) -> Iterator[dict[str, Any]]:
    key = {"Instance": "SOPInstanceUID", "Study": "StudyInstanceUID"}[level]
    query = {
        "Level": level,
        "Query": {},
        "ResponseContent": ["MainDicomTags", "Metadata", "RequestedTags"],
        "RequestedTags": ["Modality", "StudyInstanceUID"] if level == "Instance" else [],
        "OrderBy": [{"Type": "DicomTag", "Key": key, "Direction": "ASC"}],
        "Limit": _PAGE,
    }
    since = 0
    while page := orthanc.post("/tools/find", {**query, "Since": since}):
        yield from page
        since += len(page)


def _work(uid: str, instances: set[str], text: str | None) -> Work:
    if text is None:
        return Work(uid, frozenset(instances))
    outcome = Outcome.from_text(text)
    return Work(
        uid,
        frozenset(instances),
        code=str(outcome.code),
        report=outcome.result.sop_instance_uid if outcome.result else "",
        detail=outcome.detail,
        attempts=outcome.attempts,
    )


def _report(orthanc: Orthanc, instance: str, *, marked: bool) -> Report:
    file = BytesIO(orthanc.request("GET", f"/instances/{instance}/file").content)
    dataset = pydicom.dcmread(file, specific_tags=_WANTED)
    return Report(
        str(dataset.SOPInstanceUID),
        frozenset(_references(dataset, _WANTED[1])),
        frozenset(_references(dataset, _WANTED[2])),
        marked,
    )


def _references(dataset: pydicom.Dataset, keyword: str) -> Iterator[str]:
    """SOP Instance UIDs in a sequence of studies, series and instances (PS3.3 table C.17-3)."""
    for study in dataset.get(keyword) or ():
        for series in study.ReferencedSeriesSequence:
            for reference in series.ReferencedSOPSequence:
                yield str(reference.ReferencedSOPInstanceUID)
