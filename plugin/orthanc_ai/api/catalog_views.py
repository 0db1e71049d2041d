"""What the catalogue says of patients, studies, series and images."""

import math
from typing import Any

from ..cardiac.roles import Role
from ..catalog.catalog import Counts, Listed
from ..catalog.selection import scores
from ..codes import Code
from ..outcomes import CARDIAC_METADATA, XRAY_METADATA
from ..server import Resource
from .reading import is_demonstration, outcome_of, tag
from .views import View, viewer_link


class CatalogCounts(View):
    """How many there are: images, and what holds such an image."""

    patients: int
    studies: int
    series: int
    images: int


class CatalogCount(View):
    """How many there are."""

    count: int


class CatalogPatient(View):
    """A patient. Names stay out of the catalogue."""

    id: str
    """Orthanc identifier."""
    patient_id: str
    issuer_of_patient_id: str
    birth_date: str
    sex: str
    studies: int
    series: int
    images: int

    @classmethod
    def of(cls, patient: Resource, counts: Counts) -> "CatalogPatient":
        """The patient as an answer has it."""
        return cls(
            id=patient.identifier,
            patient_id=tag(patient, "PatientID"),
            issuer_of_patient_id=tag(patient, "IssuerOfPatientID"),
            birth_date=tag(patient, "PatientBirthDate"),
            sex=tag(patient, "PatientSex"),
            studies=counts.studies,
            series=counts.series,
            images=counts.images,
        )


class CatalogStudy(View):
    """A study."""

    id: str
    """Orthanc identifier."""
    study_instance_uid: str
    patient_id: str
    study_date: str
    study_time: str
    description: str
    """Study Description."""
    accession_number: str
    patient_age: str
    patient_sex: str
    labels: list[str]
    """Orthanc's labels."""
    series: int
    images: int
    viewer: str
    """Path at which OHIF shows the study."""

    @classmethod
    def of(cls, study: Resource, counts: Counts) -> "CatalogStudy":
        """The study as an answer has it."""
        return cls(
            id=study.identifier,
            study_instance_uid=tag(study, "StudyInstanceUID"),
            patient_id=tag(study, "PatientID"),
            study_date=tag(study, "StudyDate"),
            study_time=tag(study, "StudyTime"),
            description=tag(study, "StudyDescription"),
            accession_number=tag(study, "AccessionNumber"),
            patient_age=tag(study, "PatientAge"),
            patient_sex=tag(study, "PatientSex"),
            labels=list(study.labels),
            series=counts.series,
            images=counts.images,
            viewer=viewer_link(tag(study, "StudyInstanceUID")),
        )


class CatalogSeries(View):
    """A series."""

    id: str
    """Orthanc identifier."""
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    study_date: str
    modality: str
    body_part: str
    number: int | None
    """Series Number."""
    description: str
    """Series Description."""
    manufacturer: str
    images: int
    code: Code | None
    """What became of a CT series; `null` for others."""
    role: Role | None
    """What an accepted cardiac series is for."""
    viewer: str
    """Path at which OHIF shows the study."""

    @classmethod
    def of(cls, series: Resource, study: Resource, counts: Counts) -> "CatalogSeries":
        """The series as an answer has it."""
        outcome = outcome_of(series, CARDIAC_METADATA)
        role = outcome.data.get("role") if outcome else None
        return cls(
            id=series.identifier,
            series_instance_uid=tag(series, "SeriesInstanceUID"),
            study_instance_uid=tag(study, "StudyInstanceUID"),
            patient_id=tag(study, "PatientID"),
            study_date=tag(study, "StudyDate"),
            modality=tag(series, "Modality"),
            body_part=tag(series, "BodyPartExamined"),
            number=whole(tag(series, "SeriesNumber")),
            description=tag(series, "SeriesDescription"),
            manufacturer=tag(series, "Manufacturer"),
            images=counts.images,
            code=outcome.code if outcome else None,
            role=next((one for one in Role if one == role), None),
            viewer=viewer_link(tag(study, "StudyInstanceUID")),
        )


class CatalogImage(View):
    """An image."""

    id: str
    """Orthanc identifier."""
    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    study_date: str
    study_description: str
    series_description: str
    modality: str
    body_part: str
    number: int | None
    """Instance Number."""
    rows: int | None
    columns: int | None
    frames: int | None
    """Number of Frames; `null` if it is not stated: one."""
    photometric_interpretation: str
    rescale_slope: float | None
    rescale_intercept: float | None
    received: str
    """When Orthanc stored it, UTC, as `20260131T120000`."""
    code: Code | None
    """What became of an X-ray; `null` for others."""
    model: str | None
    """Of the findings."""
    demonstration: bool
    """The findings are of a demonstration model: not for diagnosis."""
    scores: dict[str, float]
    """Findings of an X-ray: the model's scores, 0 to 1, by its names of them. Not calibrated probabilities."""
    viewer: str
    """Path at which OHIF shows the study."""

    @classmethod
    def of(cls, listed: Listed) -> "CatalogImage":
        """The image as an answer has it."""
        return cls(**_of_image(listed))


class CatalogImageInformation(CatalogImage):
    """An image, with what only its file says."""

    window_center: list[float]
    window_width: list[float]
    window_explanation: list[str]
    """Window Center & Width Explanation."""
    voi_lut_function: str
    """VOI LUT Function; empty means LINEAR."""
    pixel_spacing_mm: list[float]
    """Between rows, between columns."""

    @classmethod
    def with_file(cls, listed: Listed, values: dict[str, str | None]) -> "CatalogImageInformation":
        """The image as an answer has it.

        Parameters
        ----------
        values
            Values from its file by keyword; ``None`` for what it does not have.
        """
        explanation = values["WindowCenterWidthExplanation"]
        return cls(
            **_of_image(listed),
            window_center=numbers(values["WindowCenter"]),
            window_width=numbers(values["WindowWidth"]),
            window_explanation=[one.strip() for one in explanation.split("\\")] if explanation else [],
            voi_lut_function=(values["VOILUTFunction"] or "").strip(),
            pixel_spacing_mm=numbers(tag(listed.image, "PixelSpacing")),
        )


def _of_image(listed: Listed) -> dict[str, Any]:
    image, series, study = listed
    outcome = outcome_of(image, XRAY_METADATA)
    return {
        "id": image.identifier,
        "sop_instance_uid": tag(image, "SOPInstanceUID"),
        "sop_class_uid": image.metadata.get("SopClassUid", ""),
        "series_instance_uid": tag(series, "SeriesInstanceUID"),
        "study_instance_uid": tag(study, "StudyInstanceUID"),
        "patient_id": tag(study, "PatientID"),
        "study_date": tag(study, "StudyDate"),
        "study_description": tag(study, "StudyDescription"),
        "series_description": tag(series, "SeriesDescription"),
        "modality": tag(series, "Modality"),
        "body_part": tag(series, "BodyPartExamined"),
        "number": whole(tag(image, "InstanceNumber")),
        "rows": whole(tag(image, "Rows")),
        "columns": whole(tag(image, "Columns")),
        "frames": whole(tag(image, "NumberOfFrames")),
        "photometric_interpretation": tag(image, "PhotometricInterpretation"),
        "rescale_slope": next(iter(numbers(tag(image, "RescaleSlope"))), None),
        "rescale_intercept": next(iter(numbers(tag(image, "RescaleIntercept"))), None),
        "received": image.metadata.get("ReceptionDate", ""),
        "code": outcome.code if outcome else None,
        "model": (outcome.model or None) if outcome else None,
        "demonstration": is_demonstration(outcome) if outcome else False,
        "scores": {label: one.score for label, one in scores(outcome).items()} if outcome else {},
        "viewer": viewer_link(tag(study, "StudyInstanceUID")),
    }


def whole(text: str) -> int | None:
    """A number as DICOM writes whole ones (VR IS); ``None`` if it is none."""
    text = text.strip()
    digits = text.removeprefix("-").removeprefix("+")
    return int(text) if digits.isascii() and digits.isdigit() and len(text) <= 12 else None


def numbers(text: str | None) -> list[float]:
    """Numbers as DICOM writes them (VR DS); none at all if one of them is no number."""
    try:
        found = [float(one) for one in (text or "").split("\\") if one.strip()]
    except ValueError:
        return []
    return found if all(map(math.isfinite, found)) else []
