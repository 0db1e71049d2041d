"""What is said of an image in the manifest: nothing by which it could be traced back, unless that was wanted."""

from collections.abc import Mapping
from typing import Any

from ..codes import Code
from ..deidentify.options import Options
from ..deidentify.pseudonyms import Pseudonyms
from .planned import Planned
from .readers import entry

_UIDS = (
    ("studyInstanceUID", "StudyInstanceUID"),
    ("seriesInstanceUID", "SeriesInstanceUID"),
    ("sopInstanceUID", "SOPInstanceUID"),
)
_ALWAYS = (("modality", "Modality"), ("bodyPart", "BodyPartExamined"), ("instanceNumber", "InstanceNumber"))
_ORIGINALS = (
    ("patientID", "PatientID"),
    ("studyDate", "StudyDate"),
    ("studyDescription", "StudyDescription"),
    ("seriesDescription", "SeriesDescription"),
)


def entry_of(planned: Planned, image: Mapping[str, Any], options: Options, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """What is said of an image.

    Parameters
    ----------
    image
        What the worker says of it; see `image.write_instance`.
    """
    chosen = planned.chosen
    said: dict[str, Any] = {"file": image["file"], "patient": planned.patient} | _uids(planned, options, pseudonyms)
    said |= {name: chosen.tag(keyword) or None for name, keyword in _ALWAYS}
    if not options.enabled:
        said |= {name: chosen.tag(keyword) or None for name, keyword in _ORIGINALS}
    elif "fullDates" in options.retain:
        said["studyDate"] = chosen.tag("StudyDate") or None
    said |= {name: value for name, value in image.items() if name != "file"}
    if chosen.findings:
        said |= {"model": chosen.model, "findings": dict(chosen.findings)}
    if chosen.role:
        said["role"] = chosen.role
    if planned.labels:
        said["labels"] = dict(planned.labels)
    if planned.readers:
        said["readers"] = entry(planned.readers, planned.patient, options, pseudonyms)
    return said


def left_out_of(planned: Planned, gone: Mapping[str, Any], options: Options, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """What is said of an image that is not in the dataset.

    Parameters
    ----------
    gone
        Its ``frame``, and the ``code`` that says why.
    """
    code = Code(gone["code"])
    said = {"image": planned.name, "frame": gone["frame"], "patient": planned.patient}
    return said | _uids(planned, options, pseudonyms) | {"code": str(code), "sentence": code.sentence}


def _uids(planned: Planned, options: Options, pseudonyms: Pseudonyms) -> dict[str, str]:
    keep = not options.enabled or "uids" in options.retain
    uids = {name: planned.chosen.tag(keyword) for name, keyword in _UIDS}
    return {name: uid if keep or not uid else pseudonyms.uid(uid) for name, uid in uids.items()}
