"""The half of corrections that runs in a worker: makes the SR of a statement."""

from datetime import datetime

from ..analyses import Answer, Task
from ..codes import Code
from ..dicom_file import FileError
from ..outcomes import Outcome
from ..report.correction_report import Statement, correction_report
from ..report.errors import ReportError
from ..report.uids import ReportIdentity
from .correction import Correction


class CorrectionWriter:
    """Makes SR of statements."""

    def read(self, task: Task) -> Answer:
        """Make the SR of the statement ``correction`` on the findings report ``report`` (a file) of the payload."""
        correction = Correction.of(task.payload["correction"])
        result = correction.result
        statement = Statement(
            reader=correction.reader,
            login=correction.login,
            present={one.finding: one.present for one in correction.findings},
            comment=correction.comment,
        )
        try:
            dicom = correction_report(
                task.payload["report"],
                statement,
                ReportIdentity(result.sop_instance_uid, result.series_instance_uid),
                datetime.fromisoformat(correction.at).astimezone(),
                correction.previous,
            )
        except (FileError, ReportError) as error:
            return Answer(Outcome(error.code, task.recipe, str(error)))
        return Answer(Outcome(Code.REPORTED, task.recipe, result=result), dicom)
