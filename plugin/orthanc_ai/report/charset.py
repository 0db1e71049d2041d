"""Texts of a source header, decoded strictly: either every character is known, or the text is left alone.

pydicom replaces what it cannot decode by U+FFFD. In a report that would be a new, wrong name of the patient, under
which an archive would not find the study's other objects.
"""

import re
import warnings
from collections.abc import Sequence

from pydicom.charset import convert_encodings, decode_bytes, default_encoding, encode_string, python_encoding
from pydicom.dataset import Dataset
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR, TEXT_VR_DELIMS

_ESCAPE = b"\x1b"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# What pydicom corrects. Any other term it would look up among Python's codecs, where "utf_16" and "rot13" live too.
_TERM = re.compile(r"ISO.(IR.|2022.IR.)\d+")


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
            known = [term if term in python_encoding or _TERM.fullmatch(term) else "" for term in terms]
            self._encodings: list[str] = convert_encodings(known)

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
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                text = decode_bytes(value, self._encodings, TEXT_VR_DELIMS)
        except (UnicodeError, LookupError):
            raise UndecodableError from None
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

    def as_stored(self, text: str) -> bytes | str:
        """Undo what pydicom did to a text of the default repertoire: it has read every byte as Latin-1."""
        if self._encodings[0] == default_encoding and not text.isascii():
            try:
                return text.encode(default_encoding)
            except UnicodeEncodeError:
                pass  # never was a stored text: a dataset made in memory, or one with code extensions
        return text

    def encode(self, text: str) -> bytes:
        """Encode a text as pydicom would write it; characters that the sets do not have become question marks."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return encode_string(text, self._encodings)


def ascii_text(text: str) -> str:
    """A text for a document whose character sets are not understood: what is not ASCII becomes a question mark."""
    return text.encode("ascii", "replace").decode("ascii")


def make_ascii(dataset: Dataset) -> None:
    """Turn every text of a dataset made by this project into ASCII, see `ascii_text`."""
    for data in dataset.iterall():
        if data.VR in CUSTOMIZABLE_CHARSET_VR and isinstance(data.value, str):
            data.value = ascii_text(data.value)
