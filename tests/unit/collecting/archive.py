"""Another archive in memory, and what of it is here: for what no real peer does at will."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from orthanc_ai.outcomes import CARDIAC_METADATA
from orthanc_ai.server import Resource, Server, ServerError

Uids = tuple[str, str, str]
"""Of an instance: study, series, instance."""


@dataclass
class There:
    """A study of the other archive: instances by series."""

    uid: str
    series: dict[str, list[str]]
    tags: dict[str, str] = field(default_factory=dict)
    series_tags: dict[str, dict[str, str]] = field(default_factory=dict)


class House:
    """Both archives: it is Orthanc, and the peer, and the way between them.

    Attributes
    ----------
    sent
        How often the peer has sent each instance.
    jobs
        How often it was asked to send something, by series.
    obeys
        What becomes of a job, by its number and what it is to fetch: the instances that come, and the job's end.
    """

    def __init__(self, *studies: There) -> None:
        self.there = {study.uid: study for study in studies}
        self.here: dict[tuple[str, str], set[str]] = {}
        self.verdicts: dict[str, Mapping[str, str]] = {}
        self.sent: Counter[str] = Counter()
        self.jobs: Counter[str] = Counter()
        self.questions: list[tuple[str, dict[str, str]]] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.answers: Callable[[str, Mapping[str, str]], None] = lambda level, keys: None
        self.obeys: Callable[[int, list[Uids]], tuple[list[Uids], dict[str, Any]]] = lambda number, asked: (
            asked,
            {"State": "Success"},
        )
        self.states_counts = True

    @property
    def server(self) -> Server:
        return cast(Server, self)

    # The peer

    def ask(self, level: str, keys: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        self.questions.append((level, dict(keys)))
        self.answers(level, keys)
        if level == "study":
            return [
                {"StudyInstanceUID": study.uid, **study.tags}
                for study in self.there.values()
                if all(study.tags.get(name, value) == value for name, value in keys.items() if name != "StudyDate")
                and study.tags.get("StudyDate", keys.get("StudyDate", "")) == keys.get("StudyDate", "")
            ]
        study = self.there[keys["StudyInstanceUID"]]
        if level == "series":
            return [
                {"SeriesInstanceUID": uid, "Modality": "CT"}
                | ({"NumberOfSeriesRelatedInstances": str(len(found))} if self.states_counts else {})
                | study.series_tags.get(uid, {})
                for uid, found in study.series.items()
            ]
        return [{"SOPInstanceUID": uid} for uid in study.series[keys["SeriesInstanceUID"]]]

    def fetch(self, study: str, series: str, instances: Sequence[str] = ()) -> str:
        self.jobs[series] += 1
        number = self.jobs.total()
        asked = [(study, series, uid) for uid in instances or self.there[study].series[series]]
        come, end = self.obeys(number, asked)
        for one in come:
            self.receive(one)
        self.states[str(number)] = {"ID": str(number), "Type": "DicomMoveScu", "Content": {"Query": [series]}, **end}
        return str(number)

    def receive(self, uids: Uids) -> None:
        study, series, instance = uids
        self.sent[instance] += 1
        self.here.setdefault((study, series), set()).add(instance)

    # Orthanc

    def get(self, path: str, **_: Any) -> Any:
        if path.startswith("/jobs?"):
            return list(self.states.values())
        if path.startswith("/jobs/"):
            return self.states.get(path.removeprefix("/jobs/"))
        return ["pacs"] if path == "/modalities" else []

    def post(self, path: str, body: Any, **_: Any) -> Any:
        job = path.removeprefix("/jobs/").removesuffix("/cancel")
        if job not in self.states:
            raise ServerError("17 Unknown resource")
        self.states[job]["State"] = "Failure"
        return {}

    def configuration(self) -> dict[str, Any]:
        return {}

    def find(
        self, level: str, query: Mapping[str, str] | None = None, parent: tuple[str, str] | None = None, **_: Any
    ) -> tuple[Resource, ...]:
        wanted = dict(query or {})
        found = []
        for (study, series), instances in self.here.items():
            if wanted.get("StudyInstanceUID", study) != study or wanted.get("SeriesInstanceUID", series) != series:
                continue
            if parent and parent[1] != study:
                continue
            text = self.verdicts.get(study, {}).get(series)
            metadata = {CARDIAC_METADATA: text} if text else {}
            tags = {"SeriesInstanceUID": series, "Modality": "CT"}
            found.append(Resource("series", series, tags, metadata, study, children=tuple(sorted(instances))))
        return tuple(found)

    def children(self, level: str, identifier: str, of: str) -> list[Resource]:
        return [
            Resource("instance", uid, {"SOPInstanceUID": uid}, {})
            for (_, series), found in self.here.items()
            if series == identifier
            for uid in sorted(found)
        ]

    def identifiers(self, level: str, query: Mapping[str, str]) -> list[str]:
        return sorted({study for study, _ in self.here if study == query["StudyInstanceUID"]})

    def metadata(self, level: str, identifier: str, name: str) -> str | None:
        return self.verdicts.get(identifier, {}).get("")

    def warn(self, message: str) -> None:
        self.log.append(message)

    def judge(self, study: str, *codes: str) -> None:
        """The verdict on a study comes in: a code for each series."""
        series = [one for of, one in self.here if of == study]
        instances = sum(len(found) for (of, _), found in self.here.items() if of == study)
        text = {"code": "REPORTED", "recipe": "r", "at": "2026-01-01T00:00:00+00:00", "data": {"instances": instances}}
        self.verdicts[study] = {"": json.dumps(text)} | {
            uid: json.dumps({"code": code, "recipe": "r", "at": "2026-01-01T00:00:00+00:00"})
            for uid, code in zip(series, codes, strict=True)
        }


def ct(number: int, instances: int = 3, series: int = 1, **tags: str) -> There:
    """A CT study."""
    uid = f"1.2.{number}"
    return There(
        uid,
        {f"{uid}.{one}": [f"{uid}.{one}.{instance}" for instance in range(instances)] for one in range(series)},
        {"PatientID": f"P{number}", "StudyDate": "20260101", **tags},
    )


AWAY = {"State": "Failure", "ErrorCode": 9, "ErrorDetails": "DicomAssociation - connecting to AET"}
REFUSED = {"State": "Failure", "ErrorCode": 9, "ErrorDetails": "C-MOVE SCU has failed with DIMSE status 0xA801"}
SILENT = {"State": "Failure", "ErrorCode": 9, "ErrorDetails": "DIMSE No data available (timeout in non-blocking mode)"}
BROKE_OFF = {"State": "Failure", "ErrorCode": 9, "ErrorDetails": "Peer aborted Association"}
