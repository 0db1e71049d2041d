"""Cardiac CT, the half that runs in a worker: from the headers of a study to a verdict on each series and a report."""

from ..analyses import Answer, Task
from ..settings import AI


class StudyReader:
    """Judges the series of CT studies."""

    def __init__(self, settings: AI) -> None:
        self._settings = settings.cardiac_ct

    def read(self, task: Task) -> Answer:
        """Judge one study."""
        raise ValueError(task.analysis)
