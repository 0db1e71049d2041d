"""What can go wrong with a model."""

from ..codes import Code


class ModelError(Exception):
    """A model cannot be used.

    Attributes
    ----------
    code
        ``MODEL_MISSING``, ``MODEL_TAMPERED``, ``MODEL_INVALID``, or ``DEVICE_MISSING``: nothing to compute with.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class CardError(ModelError):
    """A model card is wrong; the message names file, field, what was found and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.MODEL_INVALID, message)


class DeviceLostError(Exception):
    """The process that computes scores on the GPU has gone; another one is made, and trying again helps."""
