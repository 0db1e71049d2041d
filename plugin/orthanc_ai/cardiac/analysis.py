"""Cardiac CT, the half that runs in a worker: from the headers of a study to a verdict on each series and a report."""

import hashlib
import json
from datetime import UTC, datetime

from ..analyses import CARDIAC, Answer, Task
from ..codes import Code
from ..dicom_file import FileError, open_file
from ..handover import FileGoneError, Shared
from ..outcomes import Outcome, Result
from ..report.document import SOP_CLASS_UID
from ..report.errors import ReportError
from ..report.header import instance_reference
from ..report.series_report import series_report
from ..report.uids import report_identity
from ..settings import AI
from ..stages import Stages
from .files import look_at, needed_files, with_frames
from .header import Header
from .judge import RULES_VERSION, judge_study
from .lines import report_lines
from .select import Rules
from .slices import MAXIMUM_HEADER
from .verdict import SeriesVerdict
from .wording import sentences
from .words import Words


class StudyReader:
    """Judges the series of CT studies."""

    def __init__(self, settings: AI) -> None:
        self._label = settings.cardiac_ct.label
        self._rules = Rules(words=Words.with_cardiac(settings.cardiac_ct.words))

    def read(self, task: Task) -> Answer:
        """Judge one study.

        Its payload has the ``headers`` of its instances, the ``file`` of one of them, and the codes of what is remarkable
        about the study as a whole as ``notes``, if there are any. The first answer asks for files, unless nothing is to be
        seen in any; the second has a look at them.
        """
        stages = Stages()
        with stages("judge"):
            headers = [Header.from_tags(tags) for tags in task.payload["headers"]]
            files = task.files
            if files is None:
                verdict = judge_study(headers, self._rules)
                needs = needed_files(verdict, headers)
            else:
                images = with_frames(headers, files)
                verdict = judge_study(images, self._rules, lambda stack: look_at(stack, files))
                needs = ()
        if needs:
            seconds, cpu_seconds = stages.seconds, stages.cpu_seconds
            unfinished = Outcome(Code.HELD, task.recipe)
            return Answer(unfinished, needs=needs, seconds=seconds, cpu_seconds=cpu_seconds)
        if not verdict.series:
            return Answer(Outcome(Code.NOT_CT, task.recipe, result=task.previous))
        with stages("report"):
            try:
                source = open_file(_header_of(task.payload["file"]), pixels=False)
                study = instance_reference(source).study_instance_uid.decode("iso8859")
            except (FileError, ReportError) as error:
                return Answer(Outcome(error.code, task.recipe, str(error), result=task.previous))
            identity = report_identity(study, _instances_digest(headers), CARDIAC, task.recipe, "series")
            again = task.previous is not None and task.previous.sop_instance_uid == identity.sop_instance_uid
            try:
                dicom = series_report(
                    source,
                    report_lines(verdict, headers),
                    identity,
                    datetime.now(UTC).astimezone(),
                    rules_version=RULES_VERSION,
                    notes=[sentences([Code(note)]) for note in task.payload.get("notes", ())],
                    predecessor=None if again else task.previous,
                )
            except ReportError as error:
                return Answer(Outcome(error.code, task.recipe, str(error), result=task.previous))
        result = Result(SOP_CLASS_UID, identity.sop_instance_uid, identity.series_instance_uid, study)
        listed = [
            {"seriesInstanceUID": series.series_instance_uid, "code": _code(series), "role": series.role}
            for series in verdict.series
        ]
        # The number of instances tells whether the study has grown, without their headers.
        data = {"cardiac": verdict.cardiac, "instances": len(headers), "series": listed}
        return Answer(
            Outcome(Code.REPORTED, task.recipe, result=result, data=data),
            dicom,
            parts=tuple(
                (series.series_instance_uid, Outcome(_code(series), task.recipe, data=series.to_json()))
                for series in verdict.series
            ),
            labels={self._label: verdict.cardiac},
            seconds=stages.seconds,
            cpu_seconds=stages.cpu_seconds,
        )


def _header_of(file: Shared | bytes) -> bytes:
    """The beginning of a file that may hold thousands of frames: with all that comes before the pixels.

    Raises
    ------
    FileGoneError
    """
    if isinstance(file, bytes):
        return file
    try:
        with file.open() as opened:
            return opened.read(MAXIMUM_HEADER)
    except OSError as error:
        raise FileGoneError(error.strerror) from None


def _code(series: SeriesVerdict) -> Code:
    return series.decisive or Code.ACCEPTED


def _instances_digest(headers: list[Header]) -> str:
    """A study that has grown is another one; the order in which its images came does not matter."""
    return hashlib.sha256(json.dumps(sorted({header.sop_instance_uid for header in headers})).encode()).hexdigest()
