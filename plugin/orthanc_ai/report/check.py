"""The check of stored reports, the half that runs in a worker: each must bear its identifiers by right."""

from ..analyses import Answer, Task
from ..codes import Code
from ..outcomes import Outcome
from .same import difference


class ReportChecker:
    """Compares a stored report with the one that we would store."""

    def read(self, task: Task) -> Answer:
        """Compare the files ``stored`` and ``ours`` of the payload."""
        reason = difference(task.payload["stored"], task.payload["ours"])
        if reason is None:
            return Answer(Outcome(Code.REPORTED, task.recipe))
        return Answer(Outcome(Code.RESULT_UID_TAKEN, task.recipe, detail=reason))
