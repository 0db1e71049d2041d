"""Why a job did not end well."""

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
        self.parked = parked
        self.counts = counts
