"""An archive whose headers are known, stored and read by a real server: films of several patients, and a CT series."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from phantom.ct import ct_series
from phantom.dicom import Encoding, chest_dx
from tests.live.orthanc import Orthanc

SIDE = 128


@dataclass(frozen=True)
class Film:
    """What the header of a film says; empty is not stated."""

    patient: str
    date: str
    sex: str
    age: str
    part: str = "CHEST"
    modality: str = "DX"


FILMS = (
    Film("A", "20230105", "F", "045Y"),
    Film("A", "20230105", "F", "045Y", modality="CR"),
    Film("A", "20230620", "F", "046Y"),
    Film("B", "20230131", "M", "009Y"),
    Film("B", "20240101", "M", "010Y"),
    Film("C", "20240229", "O", "072Y", part="HAND"),
    Film("D", "20240201", "", "", part=""),
    Film("E", "", "F", "030Y"),
    Film("F", "20240215", "M", "071Y"),
    Film("F", "20240215", "M", "071Y", modality="CR"),
)


def films(wanted: Sequence[Film] = FILMS, side: int = SIDE) -> list[Dataset]:
    """The films. Those of one patient and day are one study."""
    made = []
    for number, film in enumerate(wanted):
        study = next(k for k, one in enumerate(wanted) if (one.patient, one.date) == (film.patient, film.date))
        made.append(
            chest_dx(
                number,
                side,
                side,
                encoding=Encoding(modality="CR" if film.modality == "CR" else "DX"),
                PatientID=film.patient,
                PatientName=f"Phantom^{film.patient}",
                StudyInstanceUID=f"2.25.77{study:04d}",
                StudyDate=film.date,
                PatientSex=film.sex,
                PatientAge=film.age,
                PatientBirthDate="",
                BodyPartExamined=film.part,
            )
        )
    return made


def stored(folder: Path, images: Sequence[Dataset]) -> Orthanc:
    """A server that holds the images and has read all that it reads."""
    orthanc = Orthanc(folder).start()
    assert len(orthanc.upload(images)) == len(images)
    orthanc.wait_until(
        lambda: orthanc.get("/ai/outcomes?level=study")["outcomes"] != [], "the CT study was not judged", timeout=90
    )
    orthanc.wait_idle()
    return orthanc


def archive() -> list[Dataset]:
    """Films and a CT series."""
    return [*films(), *ct_series("localizer"), *ct_series("ccta", slices=12)]
