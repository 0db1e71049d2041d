"""Sources of reports, tame and wild, and the tools that judge what comes out."""

import dataclasses
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
from pydicom.datadict import dictionary_description, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import (
    Comprehensive3DSRStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from orthanc_ai.codes import Code
from orthanc_ai.concepts import Finding
from orthanc_ai.models.card import ModelCard, load_card
from orthanc_ai.report import comparison
from orthanc_ai.report.encoding import element, encode_element
from orthanc_ai.report.header import InstanceReference
from orthanc_ai.report.prior import Prior
from orthanc_ai.report.ratio import Ratio, RatioRefusal
from orthanc_ai.report.uids import ReportIdentity, derive_uid

MODELS = Path(__file__).resolve().parents[3] / "models"
WEIGHTS = "5b" * 32
NOW = datetime(2026, 11, 21, 8, 30, 15)
IDENTITY = ReportIdentity("2.25.101", "2.25.102")


def model_of_record() -> ModelCard:
    return load_card(MODELS, "densenet121-res224-all")


def demonstration() -> ModelCard:
    """The model of record's card, declared a demonstration."""
    return dataclasses.replace(model_of_record(), name="phantom", title="Phantom DenseNet-121", demonstration=True)


def findings(card: ModelCard, scores: Sequence[float] | None = None) -> list[Finding]:
    """Findings of all outputs, by default with scores from low to high."""
    count = len(card.outputs)
    values = scores or [(index + 0.5) / count for index in range(count)]
    return [
        Finding(
            output.label,
            output.finding,
            output.site,
            score,
            output.threshold,
            None if card.demonstration else score >= output.threshold,
        )
        for output, score in zip(card.outputs, values, strict=False)
    ]


def radiograph(**attributes: Any) -> Dataset:
    """Header of a complete digital radiograph, changed as told; ``None`` removes an attribute."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = "1.2.826.0.1.3680043.10.999.3"
    dataset.StudyDate, dataset.StudyTime = "20250601", "101500"
    dataset.AccessionNumber = "ACC0001"
    dataset.Modality = "DX"
    dataset.ReferringPhysicianName = "Referrer^Anna"
    dataset.StudyDescription = "Thorax p.a."
    dataset.PatientName = "Müller^Jörg"
    dataset.PatientID = "CXR-001"
    dataset.IssuerOfPatientID = "Klinikum"
    dataset.PatientBirthDate = "19600101"
    dataset.PatientSex = "M"
    dataset.PatientAge = "065Y"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.10.999.1"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.10.999.2"
    dataset.StudyID = "S1"
    dataset.Rows, dataset.Columns = 2500, 2048
    dataset.PatientOrientation = ["L", "F"]
    dataset.ImagerPixelSpacing = [0.14, 0.143]
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return stored(dataset)


def stored(dataset: Dataset) -> Dataset:
    """A dataset as it comes back from a file, every element still as it was read."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    buffer.seek(0)
    return pydicom.dcmread(buffer)


def beside(name: str, sop_class: str) -> InstanceReference:
    """An object in the study of `radiograph`, in a series of its own."""
    series, instance = (derive_uid(name, what).encode() for what in ("series", "instance"))
    return InstanceReference(sop_class.encode(), instance, series, str(radiograph().StudyInstanceUID).encode())


HEAT_MAP = beside("heat map", SecondaryCaptureImageStorage)
OUTLINES = beside("outlines", SegmentationStorage)
LINES = beside("lines", Comprehensive3DSRStorage)

MEASURED = Ratio(0.51234, 0.0111, 151.23, 295.17, millimeters=True, method="outlines 1")
REFUSED = RatioRefusal(Code.RATIO_LUNGS_NOT_FOUND, "the left lung")


def prior(scores: Mapping[str, float], date: str = "20240301", study: str = "2.25.303") -> Prior:
    """An earlier report in another study."""
    return Prior(Comprehensive3DSRStorage, "2.25.301", "2.25.302", study, "2.25.304", date, scores)


@dataclass(frozen=True)
class More:
    """What a report may have beside findings."""

    ratio: Ratio | RatioRefusal | None = None
    captures: Mapping[str, InstanceReference] = field(default_factory=dict)
    objects: tuple[InstanceReference, ...] = ()
    prior: Prior | None = None

    def references(self) -> list[InstanceReference]:
        earlier = [comparison.prior_reference(self.prior)] if self.prior else []
        return [*self.captures.values(), *self.objects, *earlier]


NOTHING_MORE = More()
# Four findings say as much as eighteen, in less time; their codes are all public.
FEW = dataclasses.replace(
    model_of_record(),
    outputs=tuple(
        each for each in model_of_record().outputs if each.label in ("Nodule", "Mass", "Effusion", "Cardiomegaly")
    ),
)
SCORED = {"Mass": 0.35, "Effusion": 0.35, "Cardiomegaly": 0.875}
MORE = {
    "heat maps": More(captures={"Nodule": HEAT_MAP, "Mass": beside("another", SecondaryCaptureImageStorage)}),
    "ratio": More(MEASURED, objects=(OUTLINES, LINES)),
    "ratio in pixels": More(dataclasses.replace(MEASURED, millimeters=False)),
    "no ratio": More(REFUSED),
    "no ratio, no detail": More(RatioRefusal(REFUSED.code)),
    "prior": More(prior=prior(SCORED)),
    "prior in this study": More(prior=prior(SCORED, study=str(radiograph().StudyInstanceUID))),
    "everything": More(MEASURED, {"Nodule": HEAT_MAP}, (OUTLINES, LINES), prior(SCORED)),
}


def raw(dataset: Dataset, **values: bytes) -> Dataset:
    """The same dataset with other bytes in some elements, as a broken or careless device would write them."""
    elements: dict[int, DataElement | RawDataElement] = {int(tag): dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - iterating would parse
    encoded = {
        tag: encode_element(found)
        if isinstance(found, DataElement)
        else element(tag, str(found.VR), found.value or b"")
        for tag, found in elements.items()
    }
    for keyword, value in values.items():
        tag = Tag(keyword)
        encoded[tag] = element(tag, dictionary_VR(tag), value)
    content = b"".join(encoded[tag] for tag in sorted(encoded))
    return read_dataset(BytesIO(content), is_implicit_VR=False, is_little_endian=True)


# A line of dciodvfy about a value names the attribute by its tag, or by its name at the end.
_ATTRIBUTE = re.compile(r"\(0x([0-9a-f]{4}),0x([0-9a-f]{4})\)|of attribute <(.*)>$|Element=<(\w+)>")
# A value that dciodvfy quotes may have line breaks itself.
_MESSAGE = r"^(?=Error - |Warning - |{iod}$)|(?<=^{iod})\n"
# Said once more at the end, without a new fact.
_CONCLUSION = "Error - Dicom dataset contains invalid data values for Value Representations"


def errors_of_dciodvfy(document: bytes, folder: Path, iod: str = "Comprehensive3DSR") -> set[str]:
    """Names of the attributes about which dicom3tools' validator finds an error; its own words if it names none."""
    file = folder / "report.dcm"
    file.write_bytes(document)
    result = subprocess.run(["dciodvfy", file], capture_output=True, check=False)
    output = (result.stdout + result.stderr).decode("utf-8", "replace")
    lines = [line.strip() for line in re.split(_MESSAGE.format(iod=iod), output, flags=re.MULTILINE)]
    assert iod in lines, lines
    return {_attribute(line) for line in lines if line.startswith("Error") and line != _CONCLUSION}


def _attribute(line: str) -> str:
    match = _ATTRIBUTE.search(line)
    if match is None:
        return line
    group, number, name, keyword = match.groups()
    return name or dictionary_description(keyword or int(group + number, 16))


def text_of_dsrdump(document: bytes, folder: Path, *, tolerant: bool = False) -> str:
    """What DCMTK's reader prints, each text in full."""
    file = folder / "report.dcm"
    file.write_bytes(document)
    options = ["--print-long-values", "--print-all-codes", *(["--invalid-item-value"] if tolerant else [])]
    result = subprocess.run(["dsrdump", *options, file], capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert not re.search(rb"^[EF]:", result.stderr, re.MULTILINE), result.stderr
    return result.stdout.decode("utf-8", "replace")


def viewer_lines(document: bytes) -> list[str]:
    """The lines that OHIF 3.13 prints for a report, see docs/reports.md."""
    return list(_lines(pydicom.dcmread(BytesIO(document)), "1"))


def _lines(container: Dataset, number: str) -> Iterator[str]:
    assert container.ContinuityOfContent == "SEPARATE", "OHIF prints the values in one line, without names"
    yield f"{number}. {container.ConceptNameCodeSequence[0].CodeMeaning}"
    containers = 0
    for item in container.ContentSequence:
        name = item.ConceptNameCodeSequence[0].CodeMeaning
        match item.ValueType:
            case "CONTAINER":
                containers += 1
                yield from _lines(item, f"{number}.{containers}")
            case "TEXT":
                yield f"{name}: {item.TextValue}"
            case "CODE":
                yield f"{name}: {item.ConceptCodeSequence[0].CodeMeaning}"
            case "NUM":
                value = item.MeasuredValueSequence[0]
                yield f"{name}: {value.NumericValue} {value.MeasurementUnitsCodeSequence[0].CodeValue}"
            case "PNAME":
                yield f"{name}: {item.PersonName.family_comma_given()}"
            case "UIDREF":
                yield f"{name}: {item.UID}"
            case other:
                yield f"{name}: [{other} is not supported]"
