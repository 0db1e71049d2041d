"""Descriptions without anything that could say who somebody is: words that medicine uses, and no others."""

import re
from functools import cache

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes

from ..attributes import MalformedError, attribute

_WORD_OR_NUMBER = re.compile(r"[^\W\d_]+|\d+")
_PIECE = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?|[^\w\s]|_")
_DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_LONGEST_NUMBER = 3
"""Digits: thicknesses, phases and kilovolts have no more; dates and identifiers do."""

# What technologists write and no code means, in English first.
_HABITS = frozenset(
    [
        "ap",
        "pa",
        "lat",
        "lateral",
        "lao",
        "rao",
        "rl",
        "lr",
        "is",
        "si",
        "ax",
        "axial",
        "sag",
        "sagittal",
        "cor",
        "coronal",
        "obl",
        "oblique",
        "mpr",
        "mip",
        "minip",
        "vrt",
        "ct",
        "cta",
        "ctpa",
        "mr",
        "mri",
        "mra",
        "cr",
        "dx",
        "dr",
        "pet",
        "xr",
        "us",
        "kv",
        "kvp",
        "ma",
        "mas",
        "mm",
        "cm",
        "sec",
        "ms",
        "bpm",
        "hu",
        "chest",
        "thorax",
        "abdomen",
        "abd",
        "pelvis",
        "head",
        "neck",
        "spine",
        "heart",
        "cardiac",
        "coronary",
        "lung",
        "lungs",
        "bone",
        "brain",
        "hip",
        "knee",
        "ankle",
        "wrist",
        "hand",
        "foot",
        "elbow",
        "shoulder",
        "skull",
        "aorta",
        "liver",
        "kidney",
        "calcium",
        "score",
        "scoring",
        "native",
        "plain",
        "contrast",
        "without",
        "with",
        "wo",
        "w",
        "post",
        "pre",
        "delayed",
        "phase",
        "arterial",
        "venous",
        "portal",
        "late",
        "early",
        "bolus",
        "low",
        "dose",
        "routine",
        "standard",
        "soft",
        "hard",
        "sharp",
        "smooth",
        "thin",
        "thick",
        "recon",
        "kernel",
        "series",
        "scan",
        "scout",
        "topogram",
        "localizer",
        "test",
        "tracking",
        "best",
        "diastole",
        "systole",
        "diastolic",
        "systolic",
        "gated",
        "triggered",
        "prospective",
        "retrospective",
        "left",
        "right",
        "both",
        "upper",
        "lower",
        "supine",
        "prone",
        "erect",
        "standing",
        "sitting",
        "inspiration",
        "expiration",
        "bedside",
        "portable",
        "mobile",
        "t1",
        "t2",
        "flair",
        "dwi",
        "adc",
        "swi",
        "stir",
        "gre",
        "tse",
        "fse",
        "spair",
        "dixon",
    ]
)


_PATIENT = (
    "PatientName",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "PatientID",
    "OtherPatientIDs",
    "AccessionNumber",
)
_OTHERS = (
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "OperatorsName",
    "InstitutionName",
    "InstitutionAddress",
)

_SHORTEST_NAME = 4
"""Letters or digits: shorter ones stand in every other text."""


class Wording:
    """The texts of one file: which of them name the patient, and what is left of a description.

    Of descriptions the words of names, identifiers and places go even if medicine uses them: somebody may be called Stern.
    """

    def __init__(self) -> None:
        self._patient: set[str] = set()
        self._names: set[str] = set()

    def learn(self, dataset: Dataset) -> None:
        """Learn which words name somebody or something in a dataset."""
        for keyword in _PATIENT:
            words = {word.casefold() for text in _texts(dataset, keyword) for word in _WORD_OR_NUMBER.findall(text)}
            self._names |= words
            self._patient |= {word for word in words if len(word) >= _SHORTEST_NAME}
        for keyword in _OTHERS:
            self._names |= {
                word.casefold() for text in _texts(dataset, keyword) for word in _WORD_OR_NUMBER.findall(text)
            }

    def names_patient(self, text: str) -> bool:
        """Whether a text has a word of the patient's names or identifiers."""
        return any(word.casefold() in self._patient for word in _WORD_OR_NUMBER.findall(text))

    def names_alone(self, text: str) -> bool:
        """The same of a code string, but for words that medicine uses: a patient may be called Chest."""
        words = {word.casefold() for word in _WORD_OR_NUMBER.findall(text)}
        return any(word not in _vocabulary() for word in words & self._patient)

    def clean(self, text: str) -> str:
        """A text of which only words of medicine, short numbers and signs between them are left.

        >>> Wording().clean("CHEST PA Mr. Smith 12345678")
        'CHEST PA'
        """
        text = _DATE.sub(" ", text)
        kept = [match for match in _PIECE.finditer(text) if self._stays(match.group())]
        made = ""
        for match in kept:
            apart = made and text[match.start() - 1 : match.start()].isspace()
            made += (" " if apart else "") + match.group()
        return re.sub(r"^[^\w]+|[^\w%]+$", "", made)

    def _stays(self, piece: str) -> bool:
        if piece[0].isdigit():
            return len(piece) <= _LONGEST_NUMBER
        if not piece[0].isalpha():
            return piece in "+-/%."
        word = piece.casefold()
        return word not in self._names and word in _vocabulary()


@cache
def _vocabulary() -> frozenset[str]:
    """Words of the meanings of codes in PS3.16, as pydicom has them, and those of everyday use."""
    names = (name for collection in (codes.DCM, codes.SCT) for name in collection.dir())
    return _HABITS | frozenset(word.casefold() for name in names for word in _CAMEL.findall(name) if len(word) > 3)


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    try:
        value = attribute(dataset, keyword)
    except MalformedError:
        return []
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, MultiValue | list) else [str(value)]
