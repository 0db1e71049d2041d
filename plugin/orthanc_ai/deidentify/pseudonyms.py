"""Pseudonyms: the same thing gets the same one throughout a dataset, and another in any other dataset."""

import hashlib
import hmac
import unicodedata

KEY_BYTES = 32
"""Length of a key: as long as what SHA-256 gives (RFC 2104 section 3)."""

DIGITS = 16
"""Hexadecimal digits of a name: among a hundred million images, two have the same with a chance of 0.03 percent."""

LONGEST_SHIFT_DAYS = 3650
"""Ten years: enough to hide when somebody was examined, and few enough that no date falls before the first X-ray."""

# Version 8 and variant 10 of a UUID (RFC 9562 sections 4.1 and 4.2): its other bits are ours.
_VERSION_8 = (0b1000 << 76) | (0b10 << 62)
_VERSION_BITS = (0b1111 << 76) | (0b11 << 62)


class Pseudonyms:
    """Pseudonyms of one dataset: keyed digests (HMAC with SHA-256), so that nobody without the key can find out by trying.

    Parameters
    ----------
    key
        The secret of the dataset, `KEY_BYTES` long.

    Raises
    ------
    ValueError
        If the key is of another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._key = key

    def name(self, kind: str, *parts: str) -> str:
        """A short name, e.g. ``image-9f3ac1d20b7e4455``.

        Parameters
        ----------
        kind
            What is named; it stands before the digits, and the same parts have another name in another kind.
        """
        return f"{kind}-{self._digest(kind, *parts).hex()[:DIGITS]}"

    def patient(self, patient_id: str, issuer: str = "", study_instance_uid: str = "") -> str:
        """Name of a patient, which also replaces Patient ID and Patient's Name.

        Parameters
        ----------
        patient_id, issuer
            As in the header; how they are padded and written in upper or lower case makes no difference.
        study_instance_uid
            What a study without a Patient ID is named by: nobody knows whose it is.
        """
        if told := plain(patient_id):
            return self.name("patient", "id", told, plain(issuer))
        return self.name("patient", "study", plain(study_instance_uid))

    def uid(self, uid: str) -> str:
        """The UID that replaces one, whichever attribute it stands in (PS3.5 section B.2)."""
        number = int.from_bytes(self._digest("uid", uid.strip(" \0"))[:16])
        return f"2.25.{number & ~_VERSION_BITS | _VERSION_8}"

    def text(self, kind: str, value: str, length: int = DIGITS) -> str:
        """Hexadecimal digits that replace an identifier where a kind of its own would be too long."""
        return self._digest(kind, plain(value)).hex()[:length]

    def digest(self, digest: str) -> str:
        """Another digest instead of one that could be compared with that of an image outside of the dataset.

        Returns
        -------
        64 hexadecimal digits; an empty text for an empty one.
        """
        return self._digest("digest", digest).hex() if digest else ""

    def shift_days(self, patient: str) -> int:
        """By how many days all dates of a patient are moved back, 1 to `LONGEST_SHIFT_DAYS`.

        Parameters
        ----------
        patient
            The patient's pseudonym.
        """
        return 1 + int.from_bytes(self._digest("shift", patient)[:8]) % LONGEST_SHIFT_DAYS

    def _digest(self, *parts: str) -> bytes:
        # Each part is preceded by its length, so that no two lists of parts look the same.
        encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
        message = b"".join(len(part).to_bytes(8, "little") + part for part in encoded)
        return hmac.digest(self._key, message, hashlib.sha256)


def plain(identifier: str) -> str:
    """An identifier as it is compared: without white space, control characters, case, and zeros before a number.

    It errs on the side of the same: two writings of one Patient ID are one patient's, as far as anybody can tell.

    >>> plain(" 00123 ") == plain("123")
    True
    """
    text, before = identifier, None
    # What is taken out may bring letters and their accents together.
    while text != before:
        before = text
        text = unicodedata.normalize("NFKC", text).casefold()
        text = "".join(letter for letter in text if not letter.isspace() and unicodedata.category(letter) != "Cc")
    return text.lstrip("0") or "0" if text.isdigit() else text
