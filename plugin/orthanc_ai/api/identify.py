"""Which resource a request means: by its Orthanc identifier or by its DICOM identifier."""

import re

from ..codes import Code
from ..server import Level, Resource, Server
from .http import Problem

ORTHANC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")

_WILDCARD = re.compile(r"[*?\\]")

IDENTIFYING_TAGS = ("StudyInstanceUID", "SeriesInstanceUID", "PatientID", "StudyDate", "Modality")
"""Tags that an answer needs beside the instance's own; Orthanc's index has them all."""

_TAGS: dict[Level, tuple[str, ...]] = {
    "instance": IDENTIFYING_TAGS,
    "series": IDENTIFYING_TAGS,
    "study": ("StudyInstanceUID", "PatientID", "StudyDate"),
    "patient": ("PatientID",),
}

_DICOM_IDENTIFIER: dict[Level, str] = {
    "instance": "SOPInstanceUID",
    "series": "SeriesInstanceUID",
    "study": "StudyInstanceUID",
    "patient": "PatientID",
}

CANDIDATES = 1000
"""How many resources are compared: only an identifier with wildcards in it has more than a few."""


def identify(server: Server, level: Level, identifier: str) -> Resource:
    """Find a resource.

    Parameters
    ----------
    identifier
        Orthanc identifier, or SOP, Series or Study Instance UID, or Patient ID, by the level. What does not look like
        an Orthanc identifier travels in a request's body only, so it cannot reach another path.

    Raises
    ------
    Problem
        ``NOT_FOUND``, or ``AMBIGUOUS_IDENTIFIER`` if several resources bear the DICOM identifier.
    """
    keyword = _DICOM_IDENTIFIER[level]
    if ORTHANC_ID.fullmatch(identifier):
        resource = server.resource(level, identifier, _TAGS[level])
        found = [resource] if resource else []
    elif level != "patient" and _WILDCARD.search(identifier):
        # No UID, however malformed; Orthanc refuses to look for it.
        found = []
    else:
        # To the index, an asterisk in a Patient ID is a wildcard; here it is itself.
        candidates = server.find(level, {keyword: identifier}, tags=_TAGS[level], limit=CANDIDATES)
        found = [resource for resource in candidates if resource.tags.get(keyword) == identifier]
    if not found:
        raise Problem(Code.NOT_FOUND, f"There is no {level} with this Orthanc identifier or {keyword}.")
    if len(found) > 1:
        identifiers = ", ".join(sorted(resource.identifier for resource in found))
        raise Problem(Code.AMBIGUOUS_IDENTIFIER, f"{keyword} is borne by: {identifiers}.")
    return found[0]
