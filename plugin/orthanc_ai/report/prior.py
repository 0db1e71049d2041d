"""What a report says of the patient's earlier one."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prior:
    """The latest earlier report on the patient by the same model, and what its image scored.

    Attributes
    ----------
    sop_class_uid, sop_instance_uid, series_instance_uid, study_instance_uid
        Of the earlier report.
    image
        SOP Instance UID of the image that it is about.
    date
        Study Date of that image, YYYYMMDD.
    scores
        By label, 0 to 1.
    """

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    image: str
    date: str
    scores: Mapping[str, float]
