"""Archives of any size that look as this server leaves them: films, their reports, and what became of each.

Everything goes in by Orthanc's own requests, so that the index is Orthanc's work. The server that is filled has none of
the plugins and does not wait for the disk after each file. One storage folder serves archives of several sizes, since
they differ in their index only: the larger one is the smaller one, grown.
"""

import hashlib
import http.client
import io
import shutil
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, Comprehensive3DSRStorage

from orthanc_ai.codes import Code
from orthanc_ai.models.card import Output, load_card
from orthanc_ai.outcomes import REPORT_METADATA, XRAY_METADATA, Outcome, Result
from orthanc_ai.sending.delivery import Mark
from phantom.dicom import chest_dx
from phantom.progress import progress
from tests.live.orthanc import ROOT, Orthanc

SIDE = 64
"""Rows and columns of the films: it is about the index, which has no pixels."""

BATCH = 100
"""Films in one request, in a ZIP file together with their reports: `POST /instances` takes those as well."""

CONNECTIONS = 4

MODEL = "phantom"

FIRST_DAY = datetime(2016, 1, 1, tzinfo=UTC)
DAYS = 3650
"""Study dates are spread over so long."""

FILLING: dict[str, Any] = {"PythonScript": None, "Plugins": None, "SyncStorageArea": False}
"""How the server that is filled differs from the product's."""

# Placeholders in the encoded files: of the length of what takes their place, so that no length field changes.
_STUDY, _SERIES, _INSTANCE = (UID(f"2.25.1{k:034d}") for k in (1, 2, 3))
_REPORT_SERIES, _REPORT = (UID(f"2.25.1{k:034d}") for k in (4, 5))
_PATIENT = "ARCHIVE-00000000"
_DATE = "19000101"


@dataclass(frozen=True, slots=True)
class Film:
    """An analysed film of the archive: its identifiers, and those of its report.

    Attributes
    ----------
    number
        From 0 on; all the rest follows from it.
    """

    number: int

    @property
    def patient(self) -> str:
        """Patient ID: each film is of a patient of its own."""
        return f"ARCHIVE-{self.number:08d}"

    @property
    def study_date(self) -> str:
        """Study Date, DICOM DA."""
        return f"{FIRST_DAY + timedelta(days=self.number * 7919 % DAYS):%Y%m%d}"

    def uid(self, what: str) -> str:
        """A UID of 40 characters under 2.25 (PS3.5 B.2)."""
        digest = hashlib.sha256(f"archive {self.number} {what}".encode()).digest()
        return f"2.25.1{int.from_bytes(digest[:14]):034d}"

    @property
    def identifier(self) -> str:
        """Orthanc's identifier of the image."""
        return orthanc_id(self.patient, self.uid("study"), self.uid("series"), self.uid("film"))

    @property
    def report_identifier(self) -> str:
        """Orthanc's identifier of the report."""
        return orthanc_id(self.patient, self.uid("study"), self.uid("report series"), self.uid("report"))

    def outcome(self, outputs: Sequence[Output]) -> Outcome:
        """What became of it: a report with scores that are drawn evenly."""
        scores = [round(float(one), 6) for one in np.random.default_rng(self.number).random(len(outputs))]
        findings = [
            {"label": one.label, "score": score, "threshold": one.threshold, "presence": None}
            for one, score in zip(outputs, scores, strict=True)
        ]
        return Outcome(
            Code.REPORTED,
            hashlib.sha256(b"archive").hexdigest(),
            result=Result(
                Comprehensive3DSRStorage,
                self.uid("report"),
                self.uid("report series"),
                self.uid("study"),
                demonstration=True,
            ),
            model=MODEL,
            data={"demonstration": True, "findings": findings},
        )


def orthanc_id(*identifiers: str) -> str:
    """Orthanc's identifier: SHA-1 of the DICOM identifiers from the patient down (Orthanc Book, "Orthanc identifiers")."""
    return hashlib.sha1("|".join(identifiers).encode(), usedforsecurity=False).digest().hex("-", 4)


class Files:
    """Films and reports as DICOM files: encoded once, the identifiers changed."""

    def __init__(self) -> None:
        film = chest_dx(0, SIDE, SIDE)
        film.PatientID, film.StudyDate = _PATIENT, _DATE
        film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID = _STUDY, _SERIES, _INSTANCE
        film.file_meta.MediaStorageSOPInstanceUID = _INSTANCE
        self._film = _encoded(film)
        self._report = _encoded(_report_of(film))

    def archive(self, films: Sequence[Film]) -> bytes:
        """Films and their reports in a ZIP file."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for film in films:
                file.writestr(f"{film.number}.dcm", self._for(self._film, film))
                file.writestr(f"{film.number}.sr.dcm", self._for(self._report, film))
        return buffer.getvalue()

    @staticmethod
    def _for(template: bytes, film: Film) -> bytes:
        for placeholder, value in (
            (_PATIENT, film.patient),
            (_DATE, film.study_date),
            (_STUDY, film.uid("study")),
            (_SERIES, film.uid("series")),
            (_INSTANCE, film.uid("film")),
            (_REPORT_SERIES, film.uid("report series")),
            (_REPORT, film.uid("report")),
        ):
            template = template.replace(placeholder.encode(), value.encode())
        return template


def _report_of(film: Dataset) -> Dataset:
    """A report that Orthanc's index takes for one of ours: its header, and a single content item."""
    report = Dataset()
    for keyword in ("SpecificCharacterSet", "StudyTime", "AccessionNumber", "StudyID", "StudyDescription"):
        report[keyword] = film[keyword]
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientAge"):
        report[keyword] = film[keyword]
    report.StudyDate, report.StudyInstanceUID = _DATE, _STUDY
    report.SeriesInstanceUID, report.SOPInstanceUID = _REPORT_SERIES, _REPORT
    report.SOPClassUID, report.Modality = Comprehensive3DSRStorage, "SR"
    report.SeriesDate = report.ContentDate = "20200101"
    report.SeriesTime = report.ContentTime = "120000"
    report.SeriesDescription = "Findings"
    report.Manufacturer, report.ManufacturerModelName = film.Manufacturer, film.ManufacturerModelName
    report.SeriesNumber, report.InstanceNumber = 4711, 1
    report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    title, text = Dataset(), Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = "18748-4", "LN", "Diagnostic Imaging Report"
    report.ConceptNameCodeSequence = Items([title])
    text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", "A stand-in for a report"
    report.ContentSequence = Items([text])
    report.file_meta = type(film.file_meta)()
    report.file_meta.update(film.file_meta)
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID
    report.file_meta.MediaStorageSOPInstanceUID = _REPORT
    return report


def _encoded(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


class Archive:
    """One archive that grows, and its index at each of its sizes.

    Parameters
    ----------
    folder
        For its storage and its indexes; an archive that is there already is taken up.
    """

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()  # Orthanc takes paths from its configuration's folder on
        self.storage = folder / "storage"
        self._filled = folder / "filled"
        self._indexes = folder / "indexes"
        self._indexes.mkdir(parents=True, exist_ok=True)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes that there is an index of, the smallest first."""
        return tuple(sorted(int(index.name) for index in self._indexes.iterdir() if index.name.isdigit()))

    def grow(self, size: int) -> None:
        """Store films until there are so many, each with its report and its outcome, and keep the index.

        Raises
        ------
        ValueError
            If it is larger already.
        RuntimeError
            If Orthanc does not take everything.
        """
        begin = max(self.sizes, default=0)
        if size <= begin:
            raise ValueError(f"an archive of {begin} films does not shrink to {size}")
        options = FILLING | {"StorageDirectory": str(self.storage), "IndexDirectory": str(self._filled / "index")}
        orthanc = Orthanc(self._filled, options=options)
        try:
            orthanc.launch()
            orthanc.wait_for_http("/system")
            films = [Film(number) for number in range(begin, size)]
            batches = [films[k : k + BATCH] for k in range(0, len(films), BATCH)]
            fill = partial(_fill, orthanc, Files(), load_card(ROOT / "models", MODEL).outputs)
            with ThreadPoolExecutor(CONNECTIONS) as clients:
                for _ in progress(clients.map(fill, batches), len(batches), f"filling up to {size}"):
                    pass
            stored = orthanc.get("/statistics")["CountInstances"]
            if stored != 2 * size:
                raise RuntimeError(f"{stored} instances are stored, not {2 * size}")
            if orthanc.stop():
                raise RuntimeError(f"Orthanc did not stop cleanly:\n{orthanc.log_text()[-2000:]}")
        finally:
            orthanc.kill()
        # Under its name only once it is whole.
        copy = shutil.copytree(self._filled / "index", self._indexes / "copy", dirs_exist_ok=True)
        copy.rename(self._indexes / str(size))

    def copy_index(self, size: int, target: Path) -> None:
        """Copy the index of a size, for a server to go on with."""
        shutil.copytree(self._indexes / str(size), target)

    def index_mib(self, size: int) -> float:
        """What the index of a size takes on the disk, MiB."""
        return sum(file.stat().st_size for file in (self._indexes / str(size)).iterdir()) / 1024**2


def _fill(orthanc: Orthanc, files: Files, outputs: Sequence[Output], films: Sequence[Film]) -> None:
    """Store some films over a connection of their own."""
    body, mark = files.archive(films), Mark.fresh(()).to_text().encode()
    connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=600)
    _request(connection, "POST", "/instances", body)
    for film in films:
        outcome = film.outcome(outputs).to_text().encode()
        _request(connection, "PUT", f"/instances/{film.identifier}/metadata/{XRAY_METADATA}", outcome)
        _request(connection, "PUT", f"/instances/{film.report_identifier}/metadata/{REPORT_METADATA}", mark)
    connection.close()


def _request(connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> None:
    connection.request(method, path, body, {"Expect": ""})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')[:200]}")
