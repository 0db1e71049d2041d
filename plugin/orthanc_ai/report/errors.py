"""What can go wrong with a report."""

from ..codes import Code


class ReportError(Exception):
    """A report cannot be made, or a document is not one of our reports.

    Attributes
    ----------
    code
        From the one vocabulary.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
