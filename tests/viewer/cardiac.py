"""A CT study with everything that a reader of verdicts should see, stored and judged by a real server."""

from collections.abc import Sequence
from pathlib import Path

from pydicom import Dataset

from orthanc_ai.outcomes import CARDIAC_METADATA
from phantom.ct import ct_series
from tests.live.orthanc import Orthanc

EXAMINATION = "Cardiac^02_CoronaryCTARoutine (Adult)"
MATRIX = 64
SLICES = 122
DAMAGED_SLICES = 60


def ct_study() -> list[Dataset]:
    """The images: healthy with and without phases, a slice missing, a phase there twice, a tilted stack."""

    def named(series: Sequence[Dataset], number: int, description: str) -> list[Dataset]:
        for image in series:
            image.SeriesNumber, image.SeriesDescription = number, description
        return list(series)

    phases = ct_series("multiphase", examination=EXAMINATION, matrix=MATRIX)
    doubled = ct_series("multiphase", examination=EXAMINATION, matrix=MATRIX, slices=30)
    again = ct_series("multiphase", examination=EXAMINATION, matrix=MATRIX, slices=30)[60:75]
    for image in again:
        image.SOPInstanceUID += ".1"
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.InstanceNumber += 1000

    def angiogram(damage: str | None, slices: int = DAMAGED_SLICES) -> list[Dataset]:
        return ct_series("ccta", damage=damage, examination=EXAMINATION, matrix=MATRIX, slices=slices)

    return [
        *ct_series("localizer", examination=EXAMINATION),
        *ct_series("calcium_score", examination=EXAMINATION, matrix=MATRIX),
        *angiogram(None, SLICES),
        *phases,
        *named(angiogram("missing_slice"), 8, "CorCTA  0.6  Bv40  a slice missing  75 %"),
        *named([*doubled, *again], 9, "DS_CorCTA  3.0  Bv40  half a phase twice  0 - 80 %"),
        *named(angiogram("gantry_tilt"), 10, "CorCTA  0.6  Bv40  tilted  75 %"),
        *named(angiogram("variable_spacing"), 11, "CorCTA  0.6  Bv40  uneven <b>steps</b>  75 %"),
    ]


def judged_server(folder: Path) -> tuple[Orthanc, str]:
    """A server that has judged the study, and its Study Instance UID."""
    orthanc = Orthanc(folder).start()
    images = ct_study()
    assert len(orthanc.upload(images)) == len(images)
    [study] = orthanc.find("Study", {})
    orthanc.wait_until(
        lambda: orthanc.outcome("studies", study["ID"], CARDIAC_METADATA) is not None, "the study was not judged"
    )
    orthanc.wait_idle()
    return orthanc, str(images[0].StudyInstanceUID)
