"""What can go wrong with an image."""

from ..codes import Code


class ImageError(Exception):
    """An image cannot be read.

    Attributes
    ----------
    code
        Why, e.g. ``PIXELS_UNREADABLE``; the message says more, without naming the patient.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
