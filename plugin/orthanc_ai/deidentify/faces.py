"""Whether a face can be made from an image, by what is said of it: for the server too, which opens no file."""

import re
from collections.abc import Iterable

# Words, or their beginnings, for what has a face: as in PS3.16 CID 4 and in the languages that descriptions are written in.
_HEAD_STEMS = (
    *(
        "HEAD",
        "SKULL",
        "BRAIN",
        "CEREBR",
        "CRANI",
        "FACE",
        "FACIAL",
        "MAXILL",
        "MANDIB",
        "ORBIT",
        "SINUS",
        "WHOLEBODY",
        "WHOLE",
    ),
    *("KOPF", "SCHAED", "SCHÄD", "TETE", "TÊTE", "CABEZA", "TESTA", "NEURO"),
)
_HEAD_WORDS = frozenset({"EAR", "EARS", "IAC", "IACS", "NOSE", "JAW", "DENTAL", "CCT", "NNH", "TMJ", "WB", "PNS"})
_WORD = re.compile(r"[^\W\d_]+")
_PHOTOGRAPHS = frozenset({"XC", "GM"})
_VOLUMES = frozenset({"CT", "MR", "PT"})


def may_show_face(modality: str, texts: Iterable[str]) -> bool:
    """Whether an image is a photograph, or belongs to a volume of the head or of what is not said.

    Parameters
    ----------
    modality
        In capitals.
    texts
        Body Part Examined and the descriptions of study and series, as far as they are there.
    """
    if modality not in _VOLUMES:
        return modality in _PHOTOGRAPHS
    words = {word for text in texts for word in _WORD.findall(text.upper())}
    return not words or bool(words & _HEAD_WORDS) or any(word.startswith(_HEAD_STEMS) for word in words)
