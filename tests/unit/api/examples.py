"""A small archive for tests that need no server: what Orthanc's index answers to the few questions asked of it."""

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from orthanc_ai.api.access import Access
from orthanc_ai.api.context import Context
from orthanc_ai.batches.batch import Batch, State
from orthanc_ai.catalog.catalog import Catalog
from orthanc_ai.catalog.mirror import Mirror
from orthanc_ai.codes import Code
from orthanc_ai.corrections.desk import Corrections
from orthanc_ai.counts import Counter
from orthanc_ai.desk import HandJob, QueueStatus
from orthanc_ai.jobs import LastError
from orthanc_ai.models.card import load_card
from orthanc_ai.outcomes import XRAY_METADATA, Outcome, Result
from orthanc_ai.readiness import ModelState
from orthanc_ai.sending.delivery import DeliveryState, Destination
from orthanc_ai.server import Changes, Level, Resource, Server, ServerError
from orthanc_ai.settings import AI
from orthanc_ai.sweeps import WAITING, Reconciliation
from orthanc_ai.triage.triage import Triage

ROOT = Path(__file__).resolve().parents[3]
MODEL = "densenet121-res224-all"
CR = "1.2.840.10008.5.1.4.1.1.1"


class Archive:
    """An index of resources, oldest first, with the answers of `Server` to questions about one level."""

    def __init__(self, rows: Sequence[Resource] = ()) -> None:
        self.rows = list(rows)
        self.reads: list[int] = []
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def _matching(
        self, level: Level, query: Mapping[str, str] | None, metadata: Mapping[str, str] | None
    ) -> list[Resource]:
        def fits(row: Resource) -> bool:
            return _like(row.tags, query or {}) and _like(row.metadata, metadata or {})

        return [row for row in self.rows if row.level == level and fits(row)]

    def find(
        self,
        level: Level,
        query: Mapping[str, str] | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        parent: tuple[Level, str] | None = None,
        since: int = 0,
        limit: int = 0,
        **_: Any,
    ) -> tuple[Resource, ...]:
        self.reads.append(limit)
        found = [
            row for row in self._matching(level, query, metadata) if parent is None or self._is_below(row, parent[1])
        ]
        return tuple(found[since : since + limit if limit else None])

    def _is_below(self, row: Resource, ancestor: str) -> bool:
        if row.parent == ancestor:
            return True
        return any(self._is_below(one, ancestor) for one in self.rows if one.identifier == row.parent)

    def children(self, level: Level, identifier: str, of: Level, **_: Any) -> Iterator[Resource]:
        yield from self.find(of, parent=(level, identifier))

    def lookup(self, uid: str) -> tuple[tuple[Level, str], ...]:
        return tuple((row.level, row.identifier) for row in self.rows if row.tags.get("SOPInstanceUID") == uid)

    def count(
        self, level: Level, query: Mapping[str, str] | None = None, *, metadata: Mapping[str, str] | None = None
    ) -> int:
        return len(self._matching(level, query, metadata))

    def identifiers(self, level: Level, **options: Any) -> list[str]:
        return [one.identifier for one in self.find(level, **options)]

    def read(self, level: Level, identifiers: Sequence[str]) -> tuple[Resource, ...]:
        return tuple(one for one in self.rows if one.level == level and one.identifier in identifiers)

    def totals(self) -> tuple[int, int, int, int]:
        patients, studies, series, instances = (
            sum(one.level == level for one in self.rows) for level in ("patient", "study", "series", "instance")
        )
        return patients, studies, series, instances

    def changes(self, since: int, *_: Any) -> Changes:
        return Changes((), since, True)

    def value(self, *_: Any) -> str | None:
        return None

    def resource(self, level: Level, identifier: str, tags: Sequence[str] = ()) -> Resource | None:
        found = [row for row in self.rows if row.identifier == identifier and row.level == level]
        return found[0] if found else None

    def metadata(self, level: Level, identifier: str, name: str) -> str | None:
        found = self.resource(level, identifier)
        return found.metadata.get(name) if found else None

    def bearers(self, sop_instance_uid: str) -> tuple[Resource, ...]:
        return tuple(row for row in self.rows if row.tags.get("SOPInstanceUID") == sop_instance_uid)

    def get(self, path: str, **_: Any) -> Any:
        return {"/system": {"Version": "1.12.7"}, "/modalities": ["pacs"]}.get(path)

    def configuration(self) -> dict[str, Any]:
        return {}

    def error(self, message: str) -> None:
        self.errors.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class BrokenArchive(Archive):
    """An index that refuses every question, as a busy database does, naming a patient."""

    def __init__(self, error: type[Exception] = ServerError) -> None:
        super().__init__()
        self.error_raised = error

    def resource(self, level: Level, identifier: str, tags: Sequence[str] = ()) -> Resource | None:
        raise self.error_raised("cannot read DOE^JANE")


class Queue:
    """Work that stands still, and notes what it is told."""

    def __init__(self, *jobs: HandJob) -> None:
        self.requests: list[tuple[str, ...]] = []
        self.jobs = jobs
        self.latest: Reconciliation | None = None

    def request(self, level: Level, identifier: str) -> int:
        self.requests.append((level, identifier))
        return 1

    def in_hand(self) -> tuple[HandJob, ...]:
        return self.jobs

    def pause(self) -> None:
        self.requests.append(("pause",))

    def resume(self) -> None:
        self.requests.append(("resume",))

    def retry(self, analysis: str, identifier: str) -> None:
        self.requests.append(("retry", analysis, identifier))

    def retry_failed(self) -> int:
        self.requests.append(("retry failed",))
        return 7

    def reconcile(self, since: date | None) -> None:
        self.requests.append(("reconcile", str(since)))
        self.latest = self.latest if self.latest and self.latest.running else WAITING

    def reconciliation(self) -> Reconciliation | None:
        return self.latest

    def status(self) -> QueueStatus:
        return QueueStatus(
            waiting=3,
            running=1,
            idle=False,
            paused=False,
            studies_to_come=0,
            place=17,
            oldest_s=12.0,
            ended={Code.REPORTED: 5},
            counted={"MR": 2},
            last_error=LastError(Code.DEADLINE_EXCEEDED, "2026-01-02T03:04:05+00:00"),
        )


class Sender:
    """Notes what it is told to send; one report is due at one destination, another one was sent there."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, ...]] = []

    def retry(self, report: str, destination: Destination) -> DeliveryState | None:
        if (report, str(destination)) == (identifier(7), "dicom-web:V N/A"):
            return DeliveryState.SENT
        if (report, str(destination)) != (identifier(6), "dicom-web:V N/A"):
            return None
        self.requests.append((report, str(destination)))
        return DeliveryState.DUE

    def retry_failed(self) -> int:
        self.requests.append(("retry failed",))
        return 2


class Models:
    """The model of record, whose weights are not there."""

    card = load_card(ROOT / "models", MODEL)

    def state(self) -> ModelState:
        return ModelState(self.card.name, self.card.title, False, Code.MODEL_MISSING, "not fetched", False, "")

    def device(self) -> str | None:
        return None


class Shelf:
    """Batches of one kind that never run: what is begun is noted, one that is done lies there."""

    def __init__(self, kind: str, requests: list[tuple[str, ...]]) -> None:
        self.requests = requests
        self.done = Batch("0123456789abcdef", kind, {}, "2026-01-02T03:04:05.000+00:00", State.DONE)

    def begin(self, request: Mapping[str, Any]) -> Batch:
        self.requests.append((self.done.kind, json.dumps(request)))
        return replace(self.done, request=request, state=State.WAITING)

    def get(self, identifier: str) -> Batch | None:
        return self.done if identifier == self.done.identifier else None

    def all(self) -> list[Batch]:
        return [self.done]

    def settled(self, identifier: str) -> dict[str, Any] | None:
        return {} if self.get(identifier) else None

    def output(self, identifier: str) -> Path | None:
        return ROOT / "nowhere" if self.get(identifier) else None

    def remove(self, identifier: str) -> bool:
        if self.get(identifier):
            self.requests.append((self.done.kind, "remove"))
        return self.get(identifier) is not None


class Shelves(dict[str, Any]):
    """A shelf for each kind of batches that somebody asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, ...]] = []

    def __missing__(self, kind: str) -> Shelf:
        return Shelf(kind, self.requests)


NASTY = (
    "",
    ".",
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..\\..\\etc",
    "/",
    "//",
    "a/b",
    "a?b",
    "a#b",
    "*",
    "?",
    "%",
    "%00",
    "\0",
    "1.2.3\0",
    "\n",
    "\u202e",
    "e\u0301",
    "1" * 64,
    "1." * 5000,
    "x" * 15000,
    "' OR 1=1 --",
    "{id}",
    "0000ABCD-0000ABCD-0000ABCD-0000ABCD-0000ABCD",
    "0000abcd-0000abcd-0000abcd-0000abcd-0000abcd\n",
    "NaN",
    "-1",
    "1e999",
    "0x10",
    "true",
    "null",
    "٣",
)
"""Texts that have led other programs astray: as identifiers, in paths, as parameters."""

OPEN = Access(authentication=False)
"""As on a machine of one's own: Orthanc asks nobody who he is."""


def context(
    archive: Archive | None = None, access: Access = OPEN, queue: Queue | None = None, **settings: Any
) -> Context:
    """What handlers are given, over an archive without a server."""
    ai = AI(models_directory=ROOT / "models", **settings)
    server = cast(Server, archive or Archive())
    mirror = Mirror(server, ai.catalog.maximum_entries)
    if not isinstance(archive, BrokenArchive):
        mirror.load()
    catalog = Catalog(server, mirror)
    return Context(
        server,
        ai,
        queue or Queue(),
        Sender(),
        Models(),
        access,
        Counter(server),
        catalog,
        Shelves(),
        corrections=Corrections(server),
        triage=Triage(server, ai),
    )


def identifier(number: int) -> str:
    """An identifier as Orthanc makes them."""
    return "-".join([f"{number:08x}"] * 5)


def image(number: int, outcome: Outcome | None = None, **tags: str) -> Resource:
    """An X-ray instance in the index."""
    return Resource(
        level="instance",
        identifier=identifier(number),
        tags={
            "SOPInstanceUID": f"1.2.3.{number}",
            "SeriesInstanceUID": f"1.2.4.{number}",
            "StudyInstanceUID": f"1.2.5.{number}",
            "PatientID": f"P{number}",
            "StudyDate": "20260102",
            "Modality": "DX",
            **tags,
        },
        metadata={"SopClassUid": CR} | ({XRAY_METADATA: outcome.to_text()} if outcome else {}),
    )


def reported(scores: Mapping[str, float], *, demonstration: bool = False, **parts: Any) -> Outcome:
    """The outcome of an image that was read."""
    return Outcome(
        **{
            "code": Code.REPORTED,
            "recipe": "r",
            "model": MODEL,
            "result": Result("1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2", "1.2.5.1"),
            "data": {
                "demonstration": demonstration,
                "findings": [
                    {
                        "label": label,
                        "score": score,
                        "threshold": 0.5,
                        "presence": None if demonstration else score >= 0.5,
                    }
                    for label, score in scores.items()
                ],
            },
            **parts,
        }
    )


def _like(found: Mapping[str, Any], patterns: Mapping[str, str]) -> bool:
    """Orthanc knows `*` and `?` only; brackets are themselves."""
    return all(
        fnmatch.fnmatchcase(str(found.get(name, "")), text.replace("[", "[[]")) for name, text in patterns.items()
    )
