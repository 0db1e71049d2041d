"""Descriptions without anything that could say who somebody is: words that medicine uses, and no others."""

import re
from functools import cache

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes

from ..attributes import MalformedError, attribute

_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?|[^\w\s]|_")
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


class Wording:
    """Cleans the descriptions of one file.

    The words of its names, identifiers and places go even if medicine uses them: somebody may be called Stern.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()

    def learn(self, dataset: Dataset) -> None:
        """Learn which words name somebody or something in a dataset."""
        for keyword in (
            "PatientName",
            "OtherPatientNames",
            "PatientBirthName",
            "PatientMotherBirthName",
            "PatientID",
            "ReferringPhysicianName",
            "PerformingPhysicianName",
            "NameOfPhysiciansReadingStudy",
            "OperatorsName",
            "InstitutionName",
            "InstitutionAddress",
            "AccessionNumber",
        ):
            try:
                value = attribute(dataset, keyword)
            except MalformedError:
                continue
            for one in value if isinstance(value, MultiValue | list) else [value or ""]:
                self._names |= {word.casefold() for word in _WORD.findall(str(one))}

    def clean(self, text: str) -> str:
        """A text of which only words of medicine, short numbers and signs between them are left.

        >>> Wording().clean("CHEST PA Mr. Smith 12345678")
        'CHEST PA'
        """
        pieces = list(_PIECE.finditer(text))
        kept = [match for match in pieces if self._stays(match.group())]
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
