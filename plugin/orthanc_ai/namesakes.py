"""Studies that might contradict one about whose it is: those with its Patient ID, and those with its Study Instance UID."""

import re
from collections.abc import Sequence

from .cardiac.patients import Identity
from .server import Content, Resource, Server

STUDIES_COMPARED = 1000
"""How many studies with one Patient ID are compared: more than any patient has; a placeholder for everybody has more."""

_CONTENT: Sequence[Content] = ("MainDicomTags", "Metadata")
_WILDCARD = re.compile(r"[*?\\]")


def namesakes(server: Server, study: Resource) -> list[Resource]:
    """These studies, with their main tags and metadata.

    Parameters
    ----------
    study
        With its main tags; it is none of them.
    """
    own = Identity.from_tags(study.tags)
    if own.key is None:
        # Orthanc's patient without an ID is everybody's.
        return []
    found = list(server.find("study", parent=("patient", study.parent), limit=STUDIES_COMPARED, content=_CONTENT))
    # What holds a wildcard is no UID, however malformed; Orthanc refuses to look for it.
    if own.study_instance_uid and not _WILDCARD.search(own.study_instance_uid):
        found += server.find("study", {"StudyInstanceUID": own.study_instance_uid}, content=_CONTENT)
    return list({one.identifier: one for one in found if one.identifier != study.identifier}.values())
