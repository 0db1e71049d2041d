"""What can go wrong with a volume."""

from ..codes import Code


class VolumeError(Exception):
    """The images make no volume, or cannot be read.

    Attributes
    ----------
    code
        Why, e.g. ``MISSING_SLICES``; the message says more, without naming the patient.
    """

    def __init__(self, code: Code, message: str = "") -> None:
        super().__init__(message or code.sentence)
        self.code = code
