"""What is sent: chest films and CT studies, each one unlike all others, made from its number alone."""

import copy
import random

from pydicom import Dataset

from phantom.ct import ct_series
from phantom.dicom import chest_dx, phantom_uid

SIZE = 512
"""Rows and columns of a film: enough for the model, which takes 224."""

RENDERED = 4
"""Films rendered beforehand, 0.6 s each; all others differ from one of these in a few pixels."""

FILMS_PER_STUDY = 2

STAT_EVERY = 12
"""Every so manieth study is urgent."""

_MARK = 4
"""Pixels that hold a film's number, 12 bits each."""


class Films:
    """Chest films. The same number gives the same film, so that a film can be sent again at any time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rendered = [chest_dx(seed * RENDERED + one, SIZE, SIZE) for one in range(RENDERED)]

    def __call__(self, number: int) -> Dataset:
        """The film of a number, with pixels and UIDs of its own."""
        film = copy.deepcopy(self._rendered[number % RENDERED])
        study = number // FILMS_PER_STUDY
        film.PatientID = f"SOAK-{self._seed}-{study}"
        film.StudyInstanceUID = phantom_uid("soak", self._seed, "study", study)
        film.SeriesInstanceUID = phantom_uid("soak", self._seed, "series", number)
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = phantom_uid("soak", self._seed, number)
        if study % STAT_EVERY == 0:
            film.RequestedProcedurePriority = "STAT"
        mark = b"".join((number >> 12 * place & 0xFFF).to_bytes(2, "little") for place in range(_MARK))
        film.PixelData = mark + film.PixelData[len(mark) :]
        return film


def ct_parts(seed: int, number: int) -> list[list[Dataset]]:
    """The series of the CT study of a number, in the order of their arrival: one, or two if the study grows."""
    chance = random.Random(f"{seed} {number}")
    examination = f"soak {seed} {number}"
    parts = [ct_series("calcium_score", slices=chance.randint(6, 14), examination=examination)]
    if chance.random() < 0.4:
        parts.append(ct_series("ccta", slices=chance.randint(6, 14), examination=examination))
    for part in parts:
        chance.shuffle(part)
        for image in part:
            image.PatientID = f"SOAK-CT-{seed}-{number}"
    return parts
