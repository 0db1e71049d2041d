"""Cardiac CT, the half that runs in a worker: from the headers of a study to a verdict on each series and a report."""

import hashlib
import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from ..analyses import CARDIAC, Answer, Task
from ..codes import Code
from ..dicom_file import FileError, open_file
from ..outcomes import Outcome, Result
from ..report.document import SOP_CLASS_UID
from ..report.errors import ReportError
from ..report.header import instance_reference
from ..report.series_report import Instance, SeriesLine, series_report
from ..report.uids import report_identity
from ..settings import AI
from ..stages import Stages
from .files import look_at, needed_files, with_frames
from .header import Header
from .judge import RULES_VERSION, judge_study
from .select import Rules
from .verdict import SeriesVerdict
from .words import Words


class StudyReader:
    """Judges the series of CT studies."""

    def __init__(self, settings: AI) -> None:
        self._label = settings.cardiac_ct.label
        self._rules = Rules(words=Words.with_cardiac(settings.cardiac_ct.words))

    def read(self, task: Task) -> Answer:
        """Judge one study: its payload has the ``headers`` of its instances and the ``file`` of one of them.

        The first answer asks for files, unless nothing is to be seen in any; the second has a look at them.
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
                source = open_file(task.payload["file"], pixels=False)
                study = instance_reference(source).study_instance_uid.decode("iso8859")
            except (FileError, ReportError) as error:
                return Answer(Outcome(error.code, task.recipe, str(error), result=task.previous))
            identity = report_identity(study, _instances_digest(headers), CARDIAC, task.recipe, "series")
            again = task.previous is not None and task.previous.sop_instance_uid == identity.sop_instance_uid
            instances: dict[str, list[Instance]] = defaultdict(list)
            for header in headers:
                instances[header.series_instance_uid].append(Instance(header.sop_class_uid, header.sop_instance_uid))
            try:
                dicom = series_report(
                    source,
                    [_line(series, instances[series.series_instance_uid]) for series in verdict.series],
                    identity,
                    datetime.now(UTC).astimezone(),
                    rules_version=RULES_VERSION,
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


def _code(series: SeriesVerdict) -> Code:
    return series.decisive or Code.ACCEPTED


def _instances_digest(headers: list[Header]) -> str:
    """A study that has grown is another one; the order in which its images came does not matter."""
    return hashlib.sha256(json.dumps(sorted({header.sop_instance_uid for header in headers})).encode()).hexdigest()


def _line(series: SeriesVerdict, instances: list[Instance]) -> SeriesLine:
    volume = series.geometry.best if series.geometry else None
    measures: dict[str, Any] = {}
    if volume is not None:
        measures = {
            "slices": len(volume.headers),
            "spacing_mm": volume.spacing_mm,
            "coverage_mm": volume.coverage_mm,
        }
    return SeriesLine(
        series_instance_uid=series.series_instance_uid,
        series_number=series.number,
        description=series.description,
        modality="CT",
        accepted=series.accepted,
        role=series.role.sentence if series.role else None,
        codes=tuple((str(code), code.sentence) for code in series.codes),
        phases=tuple(phase.label for phase, _ in series.phases),
        instances=tuple(instances),
        **measures,
    )
