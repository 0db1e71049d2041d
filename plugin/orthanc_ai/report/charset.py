"""Texts of a source header, decoded strictly: either every character is known, or the text is left alone.

pydicom replaces what it cannot decode by U+FFFD. In a report that would be a new, wrong name of the patient, under
which an archive would not find the study's other objects.
"""

import warnings
from collections.abc import Sequence

from pydicom.charset import convert_encodings, decode_bytes, default_encoding, encode_string
from pydicom.valuerep import TEXT_VR_DELIMS

_ESCAPE = b"\x1b"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class UndecodableError(ValueError):
    """A text has bytes that the declared character sets do not have."""


class CharacterSets:
    """The character sets that a dataset declares.

    Parameters
    ----------
    terms
        Values of Specific Character Set (0008,0005), PS3.3 section C.12.1.1.2. Empty if it is missing. Common
        misspellings (``ISO-IR 100``) are understood as pydicom understands them; unknown terms count as the default
        repertoire, which is ASCII.
    """

    def __init__(self, terms: Sequence[str]) -> None:
        with warnings.catch_warnings():
            # Unknown terms and extensions of sets that cannot be extended: both show in what cannot be decoded.
            warnings.simplefilter("ignore")
            self._encodings: list[str] = convert_encodings(list(terms))

    def decode(self, value: bytes) -> str:
        """Decode a value of VR SH, LO or PN.

        Raises
        ------
        UndecodableError
            If it is not wholly in the declared character sets.
        """
        if _ESCAPE not in value:
            return self._decode_plain(value)
        if self._encodings[0] == default_encoding and not value.split(_ESCAPE, 1)[0].isascii():
            raise UndecodableError
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = decode_bytes(value, self._encodings, TEXT_VR_DELIMS)
        # What pydicom could not decode is a replacement character, an unknown escape sequence is still there.
        if _REPLACEMENT in text or "\x1b" in text:
            raise UndecodableError
        return text

    def _decode_plain(self, value: bytes) -> str:
        # pydicom reads the default repertoire as Latin-1, which DICOM does not say.
        encoding = "ascii" if self._encodings[0] == default_encoding else self._encodings[0]
        try:
            return value.decode(encoding)
        except (UnicodeError, LookupError):
            raise UndecodableError from None

    def encode(self, text: str) -> bytes:
        """Encode a text as pydicom would write it; characters that the sets do not have become question marks."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return encode_string(text, self._encodings)


def ascii_text(text: str) -> str:
    """A text for a document whose character sets are not understood: what is not ASCII becomes a question mark."""
    return text.encode("ascii", "replace").decode("ascii")
