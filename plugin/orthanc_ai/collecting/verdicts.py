"""What became of the CT series that were fetched: their verdicts, counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codes import Code
from ..outcomes import CARDIAC_METADATA, Outcome, read_outcome
from ..server import Server
from .plan import Study

MODALITY = "CT"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A study whose verdict is waited for.

    Attributes
    ----------
    orthanc_ids
        Of the study, as it is here.
    """

    study: Study
    orthanc_ids: Sequence[str]


class Verdicts:
    """Counts verdicts as they come in.

    Attributes
    ----------
    codes
        How many series have which decisive code; ``ACCEPTED`` among them.
    pending
        Studies whose verdict is not there yet.
    """

    def __init__(self, server: Server, awaited: Sequence[Awaited]) -> None:
        self._server = server
        self.pending = [one for one in awaited if any(series.modality == MODALITY for series in one.study.series)]
        self.codes: Counter[Code] = Counter()

    def look(self, check: Callable[[], None]) -> bool:
        """Count what has come in; whether anything has.

        Parameters
        ----------
        check
            Called before each study, of which there may be 20,000; what it raises ends the look.
        """
        left = []
        for one in self.pending:
            check()
            if not self._count(one):
                left.append(one)
        came = len(left) < len(self.pending)
        self.pending = left
        return came

    def summary(self) -> Mapping[str, Any]:
        """The numbers in JSON types."""
        return {
            "verdicts": {str(code): count for code, count in sorted(self.codes.items())},
            "studiesNotJudged": len(self.pending),
        }

    def _count(self, awaited: Awaited) -> bool:
        """Count the verdicts on a study, unless they are still to come."""
        wanted = {series.series_instance_uid for series in awaited.study.series if series.modality == MODALITY}
        codes: Counter[Code] = Counter()
        for identifier in awaited.orthanc_ids:
            text = self._server.metadata("study", identifier, CARDIAC_METADATA)
            outcome = read_outcome({CARDIAC_METADATA: text or ""}, CARDIAC_METADATA)
            found = self._server.find("series", {"Modality": MODALITY}, parent=("study", identifier))
            if outcome is None or not _is_on_all(outcome, sum(len(series.children) for series in found)):
                return False
            for series in found:
                if series.tags.get("SeriesInstanceUID") in wanted:
                    verdict = read_outcome(series.metadata, CARDIAC_METADATA)
                    codes[verdict.code if verdict else Code.NOT_ANALYZED_YET] += 1
        self.codes += codes
        return True


def _is_on_all(outcome: Outcome, instances: int) -> bool:
    """Whether a study's outcome is final, and on all that is here of it: a study that grows is judged again."""
    if outcome.code in (Code.RETRYING, Code.HELD):
        return False
    return bool(outcome.data.get("instances", instances) == instances)
