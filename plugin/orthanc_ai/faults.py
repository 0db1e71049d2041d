"""Why a job did not end well."""

import traceback
from pathlib import Path

from .codes import Code


class StoppingError(Exception):
    """The server stops; what is in hand comes again after the restart."""


class Fault(Exception):  # noqa: N818 - it is a value that becomes an outcome
    """An attempt that failed.

    Attributes
    ----------
    parked
        Whether trying again is of no use.
    counts
        Whether it counts towards AI.MaxAttempts: a full disk is no fault of the job.
    """

    def __init__(self, code: Code, detail: str, *, parked: bool = False, counts: bool = True) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail
        self.parked = parked
        self.counts = counts


class ObjectsFault(Fault):
    """What was made beside a report is not there: the report itself may do without."""


def place(error: BaseException) -> str:
    """Kind and place of an error. Its message is left out: a codec's or pydicom's may quote the header."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return type(error).__name__ + (f" in {Path(last.filename).name}, line {last.lineno}" if last else "")
