"""Cardiac CT, the half that runs in a worker: from the headers of a study to a verdict on each series and a report."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pydicom

from .. import __version__
from ..analyses import Answer, Task
from ..codes import Code
from ..outcomes import Outcome, Result
from ..report.findings import Predecessor
from ..report.series import SeriesReference, StudyReport
from ..report.uids import report_identity
from ..settings import AI
from .header import Header
from .judge import judge_study
from .select import Rules
from .verdict import StudyVerdict
from .words import Words

ANALYSIS = "cardiac-ct"


class StudyReader:
    """Judges the series of CT studies."""

    def __init__(self, settings: AI) -> None:
        self._settings = settings.cardiac_ct
        self._rules = Rules(words=Words.with_cardiac(settings.cardiac_ct.words))

    def read(self, task: Task) -> Answer:
        """Judge one study."""
        raise SystemExit(task, Any, Outcome, Result, Predecessor, SeriesReference, StudyReport, StudyVerdict)


_ = (UTC, datetime, BytesIO, pydicom, __version__, Code, report_identity, Header, judge_study)
