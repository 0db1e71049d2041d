"""CT series as Orthanc's index answers for them: study, series and instances with their tags and outcomes."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

from orthanc_ai.cardiac.header import NEEDED_TAGS, NEEDED_TAGS_BY_LEVEL, Header
from orthanc_ai.cardiac.judge import judge_study
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, Outcome, Result
from orthanc_ai.server import Level, Resource

from ..api.examples import Archive, identifier

STUDY = identifier(1)


class StudyArchive(Archive):
    """An index with one study."""

    def children(self, level: Level, identifier: str, of: Level, **_: Any) -> Iterator[Resource]:
        yield from (row for row in self.rows if row.level == of and row.parent == identifier)

    def lookup(self, uid: str) -> tuple[tuple[Level, str], ...]:
        return (("instance", identifier(7)),)


def tags_of(image: Dataset) -> dict[str, Any]:
    """The tags of an image as Orthanc's JSON has them."""
    found: dict[str, Any] = {}
    for keyword in NEEDED_TAGS:
        value = image.get(keyword)
        if isinstance(value, list | MultiValue):
            found[keyword] = "\\".join(map(str, value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            found[keyword] = [tags_of(item) for item in value]
        elif value is not None:
            found[keyword] = str(value)
    return found


def study_archive(*series: Sequence[dict[str, Any]], judged: bool = True, **tags: str) -> StudyArchive:
    """An index that holds one study.

    Parameters
    ----------
    series
        The tags of the instances of each series, by keyword.
    judged
        Whether study and series have their outcomes.
    tags
        Of the study.
    """
    headers = [Header.from_tags(image) for images in series for image in images]
    verdicts = {one.series_instance_uid: one for one in judge_study(headers).series}
    result = Result("1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2", "1.2.3")
    outcome = Outcome(Code.REPORTED, "r", result=result, at="2026-01-02T03:04:05+00:00")
    rows = [
        Resource(
            "study",
            STUDY,
            {"StudyInstanceUID": "1.2.3", "PatientID": "P1", "StudyDate": "20260102", **tags},
            {CARDIAC_METADATA: outcome.to_text()} if judged else {},
        )
    ]
    for number, images in enumerate(series):
        verdict = verdicts[str(images[0]["SeriesInstanceUID"])]
        of_series = Outcome(verdict.decisive or Code.ACCEPTED, "r", data=verdict.to_json())
        own = identifier(100 + number)
        rows.append(
            Resource(
                "series",
                own,
                {key: images[0][key] for key in NEEDED_TAGS_BY_LEVEL["Series"] if key in images[0]},
                {CARDIAC_METADATA: of_series.to_text()} if judged else {},
                parent=STUDY,
                children=tuple(identifier(100_000 * (number + 1) + index) for index in range(len(images))),
            )
        )
        rows += [
            Resource(
                "instance",
                identifier(100_000 * (number + 1) + index),
                {key: image[key] for key in NEEDED_TAGS_BY_LEVEL["Instance"] if key in image and key != "SOPClassUID"},
                {"SopClassUid": str(image["SOPClassUID"])},
                parent=own,
            )
            for index, image in enumerate(images)
        ]
    return StudyArchive(rows)
