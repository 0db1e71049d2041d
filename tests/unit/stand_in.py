"""An archive in memory in place of Orthanc, and an analysis, workers and a whole plugin that go with it.

For what cannot be provoked in a real Orthanc at will: an index that fails at a certain call, a power cut between two
writes, a hundred thousand images in a moment. What Orthanc really does is the matter of tests/live.
"""

import fnmatch
import hashlib
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from orthanc_ai.analyses import CARDIAC, REPORT_CHECK, XRAY, Answer, NotReadyError, RefusedError, Task, Work
from orthanc_ai.codes import Code
from orthanc_ai.desk import Desk
from orthanc_ai.inbox import Inbox
from orthanc_ai.job import Job, Knocks
from orthanc_ai.jobs import Jobs
from orthanc_ai.outcomes import CARDIAC_METADATA, XRAY_METADATA, Outcome, Result, read_outcome
from orthanc_ai.pause import Pause
from orthanc_ai.retries import Retries
from orthanc_ai.server import Change, Changes, FileRefusedError, Level, Resource, Server, ServerError
from orthanc_ai.settings import Priority
from orthanc_ai.workers import WorkerError, Workers

CR_IMAGE = "1.2.840.10008.5.1.4.1.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.33"

MARK = '{"ours":true}'

LEVELS: tuple[Level, ...] = ("patient", "study", "series", "instance")


class KilledError(BaseException):
    """The server was killed at this very call."""


def orthanc_id(*names: str) -> str:
    """An identifier of the form that Orthanc gives."""
    return hashlib.sha1("|".join(names).encode()).digest().hex("-", 4)


@dataclass
class Item:
    """A resource of the archive."""

    level: Level
    identifier: str
    parent: str
    tags: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    file: bytes = b""
    labels: set[str] = field(default_factory=set)


class Archive:
    """Patients, studies, series and instances, their metadata, and a change log.

    Attributes
    ----------
    trouble
        Called with the name of each call before it is carried out; what it raises, the caller gets.
    written
        How often each report was stored, by SOP Instance UID.
    """

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.rows: list[Change] = []
        self.last = 0
        self.unstable: set[str] = set()
        self.properties: dict[int, str] = {}
        self.log: list[str] = []
        self.calls: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.trouble: Callable[[str], None] = lambda _: None

    @property
    def server(self) -> Server:
        return cast(Server, self)

    # What happens to it

    def put(
        self,
        image: str,
        *,
        modality: str = "CR",
        patient: str = "P",
        study: str = "1",
        series: str = "",
        file: bytes = b"",
        metadata: Mapping[str, str] | None = None,
        sop_class: str = "",
    ) -> str:
        """An instance arrives; its Orthanc identifier."""
        uids = (patient, study, series or f"{study}.{modality}", image)
        keys = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        parent = ""
        for depth, level in enumerate(LEVELS):
            identifier = orthanc_id(*uids[: depth + 1])
            if identifier not in self.items:
                tags = {keys[depth]: uids[depth]} | ({"Modality": modality} if level == "series" else {})
                self.items[identifier] = Item(level, identifier, parent, tags)
                if parent:
                    self.items[parent].children.append(identifier)
                self._row(f"New{level.capitalize()}", identifier)
            parent = identifier
        item = self.items[parent]
        item.file = file or image.encode()
        default = {"CT": CT_IMAGE, "SR": SR}.get(modality, CR_IMAGE)
        item.metadata |= {"SopClassUid": sop_class or default, "ReceptionDate": "20260701T000000", **(metadata or {})}
        self.unstable.add(orthanc_id(*uids[:2]))
        return parent

    def settle(self) -> None:
        """Time passes: all studies become stable."""
        for study in sorted(self.unstable):
            self._row("StableStudy", study)
        self.unstable.clear()

    def clear_log(self) -> None:
        self.rows.clear()

    def forget_events(self) -> None:
        """As a restart: what was not stable yet is so from now on, and nobody is told."""
        self.unstable.clear()

    def _row(self, kind: str, identifier: str) -> None:
        self.last += 1
        self.rows.append(Change(self.last, kind, identifier, "20260701T000000"))

    # What is in it

    def below(self, identifier: str, level: Level) -> list[Item]:
        item = self.items.get(identifier)
        if item is None:
            return []
        if item.level == level:
            return [item]
        return [found for child in item.children for found in self.below(child, level)]

    def outcome(self, identifier: str, name: str = XRAY_METADATA) -> Outcome | None:
        return read_outcome(self.items[identifier].metadata, name)

    def instances(self, modality: str) -> list[Item]:
        return [
            one for one in self.items.values() if one.level == "instance" and self._tag(one, "Modality") == modality
        ]

    def _tag(self, item: Item, tag: str) -> str:
        if tag == "ModalitiesInStudy":
            return "\\".join(sorted({one.tags["Modality"] for one in self.below(item.identifier, "series")}))
        return item.tags.get(tag) or (self._tag(self.items[item.parent], tag) if item.parent else "")

    def _resource(self, item: Item, tags: Sequence[str] = ()) -> Resource:
        # Orthanc keeps a patient's tags with each study.
        of_patient = dict(self.items[item.parent].tags) if item.level == "study" else {}
        return Resource(
            item.level,
            item.identifier,
            of_patient | item.tags | {tag: self._tag(item, tag) for tag in tags},
            dict(item.metadata),
            item.parent,
            labels=tuple(sorted(item.labels)),
            children=tuple(item.children),
            stable=item.identifier not in self.unstable,
        )

    # The calls of `Server`

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        self.trouble(name)

    def changes(self, since: int, limit: int, kinds: Sequence[str]) -> Changes:
        self._call("changes")
        first = bisect(self.rows, since, key=lambda row: row.sequence)
        found = (row for row in islice(self.rows, first, None) if not kinds or row.kind in kinds)
        page: list[Change] = []
        for row in found:
            if len(page) == limit:
                return Changes(tuple(page), page[-1].sequence, False)
            page.append(row)
        return Changes(tuple(page), page[-1].sequence if page else max(since, self.last), True)

    def last_change_before(self, moment: datetime) -> int:
        self._call("last_change_before")
        before = moment.strftime("%Y%m%dT%H%M%S")
        return max((row.sequence for row in self.rows if row.date < before), default=0)

    def resource(self, level: Level, identifier: str, tags: Sequence[str] = ()) -> Resource | None:
        self._call("resource")
        item = self.items.get(identifier)
        return self._resource(item, tags) if item and item.level == level else None

    def exists(self, level: Level, identifier: str) -> bool:
        self._call("exists")
        item = self.items.get(identifier)
        return item is not None and item.level == level

    def series_of(self, instance: str) -> str | None:
        self._call("series_of")
        item = self.items.get(instance)
        return item.parent if item else None

    def bearers(self, sop_instance_uid: str) -> tuple[Resource, ...]:
        tags = ("PatientID", "StudyInstanceUID")
        return self.find("instance", {"SOPInstanceUID": sop_instance_uid}, tags=tags)

    def study_of(self, _level: Level, identifier: str) -> Resource | None:
        self._call("study_of")
        item = self.items.get(identifier)
        while item and item.level != "study":
            item = self.items.get(item.parent)
        return self._resource(item) if item else None

    def lookup(self, uid: str) -> tuple[tuple[Level, str], ...]:
        self._call("lookup")
        keys = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        return tuple(
            (one.level, one.identifier)
            for one in self.items.values()
            if one.tags.get(keys[LEVELS.index(one.level)]) == uid
        )

    def find(
        self,
        level: Level,
        query: Mapping[str, str] | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        parent: tuple[Level, str] | None = None,
        tags: Sequence[str] = (),
        since: int = 0,
        limit: int = 0,
        order: Sequence[tuple[str, str, str]] = (),
        **_: object,
    ) -> tuple[Resource, ...]:
        self._call("find")
        pool = self.below(parent[1], level) if parent else [one for one in self.items.values() if one.level == level]
        found = [
            one
            for one in pool
            if all(_equals(self._tag(one, tag), value) for tag, value in (query or {}).items())
            and all(_matches(one.metadata.get(name), pattern) for name, pattern in (metadata or {}).items())
        ]
        for _kind, tag, way in reversed(order):
            found.sort(key=lambda one, tag=tag: self._tag(one, tag), reverse=way == "DESC")  # type: ignore[misc]
        return tuple(self._resource(one, tags) for one in found[since : since + limit if limit else None])

    def identifiers(self, level: Level, **options: Any) -> list[str]:
        return [one.identifier for one in self.find(level, **options)]

    def count(self, level: Level, query: Mapping[str, str] | None = None, **options: Any) -> int:
        return len(self.find(level, query, **options))

    def children(
        self, level: Level, identifier: str, of: Level, tags: Sequence[str] = (), **_: object
    ) -> Iterator[Resource]:
        yield from self.find(of, parent=(level, identifier), tags=tags)

    def file(self, instance: str) -> bytes | None:
        self._call("file")
        item = self.items.get(instance)
        return item.file or None if item else None

    def store(self, dicom: bytes) -> str:
        self._call("store")
        uid, patient, study = dicom.decode().split("|")[:3]
        self.written[uid] += 1
        return self.put(uid, modality="SR", patient=patient, study=study, file=dicom)

    def metadata(self, _level: Level, identifier: str, name: str) -> str | None:
        self._call("metadata")
        item = self.items.get(identifier)
        return item.metadata.get(name) if item else None

    def set_metadata(self, _level: Level, identifier: str, name: str, text: str) -> bool:
        self._call("set_metadata")
        text.encode()
        if identifier in self.items:
            self.items[identifier].metadata[name] = text
            self._row("UpdatedMetadata", identifier)
        return identifier in self.items

    def remove_metadata(self, _level: Level, identifier: str, name: str) -> None:
        self._call("remove_metadata")
        if identifier in self.items:
            self.items[identifier].metadata.pop(name, None)

    def set_label(self, _level: Level, identifier: str, label: str, present: bool) -> None:
        self._call("set_label")
        if identifier in self.items:
            labels = self.items[identifier].labels
            labels.add(label) if present else labels.discard(label)

    def delete(self, _level: Level, identifier: str) -> None:
        """Delete a resource, what is below it, what is above it and holds nothing else, and its rows of the log."""
        item = self.items.get(identifier)
        if item is None:
            return
        parent = self.items.get(item.parent)
        if parent and parent.children == [identifier]:
            self.delete(parent.level, parent.identifier)
            return
        if parent:
            parent.children.remove(identifier)
        gone = {one.identifier for level in LEVELS[LEVELS.index(item.level) :] for one in self.below(identifier, level)}
        for one in gone:
            del self.items[one]
        self.unstable -= gone
        self.rows = [row for row in self.rows if row.resource not in gone]

    def property(self, number: int) -> str:
        self._call("property")
        return self.properties.get(number, "")

    def set_property(self, number: int, text: str) -> None:
        self._call("set_property")
        self.properties[number] = text

    def warn(self, message: str) -> None:
        self.log.append(message)

    error = warn


def _equals(value: str, wanted: str) -> bool:
    """As in C-FIND: a value, or with a hyphen in front all days up to one."""
    return "" < value <= wanted[1:] if wanted.startswith("-") else value == wanted


def _matches(text: str | None, pattern: str) -> bool:
    return text is not None and fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


class Reading:
    """An analysis whose model can be missing and whose recipe can change: of images, or of studies."""

    def __init__(self, name: str = XRAY) -> None:
        self.name = name
        self.level: Level = "instance" if name == XRAY else "study"
        self.metadata = XRAY_METADATA if name == XRAY else CARDIAC_METADATA
        self.tags: Sequence[str] = ("Modality",) if name == XRAY else ("ModalitiesInStudy",)
        self.ready = True
        self.version = 1
        self.refusal: Code | None = None
        self.surprise: Exception | None = None
        self.incomplete = False
        self.notes: tuple[Code, ...] = ()
        self.others: tuple[str, ...] = ()

    def wants(self, resource: Resource) -> bool:
        if self.name == XRAY:
            return bool(resource.tags["Modality"] == "CR")
        return "CT" in str(resource.tags["ModalitiesInStudy"]).split("\\")

    def work(self, server: Server, resource: Resource) -> Work:
        if not self.ready:
            raise NotReadyError(Code.MODEL_MISSING, "phantom", "not there")
        if self.surprise:
            raise self.surprise
        if self.name == XRAY:
            return Work(f"recipe {self.version}", lambda: self._image(server, resource), self.refusal, "weights")
        images = [
            one.identifier
            for one in server.children("study", resource.identifier, "instance", ("Modality",))
            if one.tags["Modality"] == "CT"
        ]

        def payload() -> dict[str, Any]:
            if self.incomplete:
                raise RefusedError(Code.INDEX_INCOMPLETE, f"{len(images)} images")
            return {"source": resource.identifier, "study": _owner(resource), "instances": len(images)}

        recipe = f"recipe {self.version} of {sorted(images)}"
        return Work(recipe, payload, self.refusal, file=server.file, notes=self.notes, others=self.others)

    def _image(self, server: Server, resource: Resource) -> dict[str, Any] | None:
        file = server.file(resource.identifier)
        return None if file is None else {"source": resource.identifier, "study": _owner(resource), "file": file}


def _owner(resource: Resource) -> tuple[str, str]:
    return str(resource.tags["PatientID"]), str(resource.tags["StudyInstanceUID"])


class Bench:
    """Workers that answer at once.

    Attributes
    ----------
    next
        What the next tasks get in place of an answer: an error, or something made of the task.
    """

    def __init__(self) -> None:
        self.next: list[Exception | Callable[[Task], Answer]] = []
        self.tasks: list[Task] = []

    @property
    def workers(self) -> Workers:
        return cast(Workers, self)

    def run(self, task: Task) -> Answer:
        self.tasks.append(task)
        if self.next:
            wish = self.next.pop(0)
            if isinstance(wish, Exception):
                raise wish
            return wish(task)
        if task.analysis == REPORT_CHECK:
            same = task.payload["stored"] == task.payload["ours"]
            return Answer(Outcome(Code.REPORTED if same else Code.RESULT_UID_TAKEN, ""))
        return report(task)


def report(task: Task) -> Answer:
    """The report of a task; the same task has the same."""
    uid = "2.25." + str(int(hashlib.sha1(f"{task.payload['source']}{task.recipe}".encode()).hexdigest(), 16))
    patient, study = task.payload["study"]
    result = Result(SR, uid, f"{uid}.1", study)
    data = {"instances": task.payload["instances"]} if "instances" in task.payload else {}
    return Answer(Outcome(Code.REPORTED, task.recipe, result=result, data=data), f"{uid}|{patient}|{study}".encode())


DIED = WorkerError(Code.WORKER_DIED, "exit code -9")


def has_next(jobs: Jobs) -> bool:
    """Whether a job is due, or will be: to ask for the next one would wait for ever otherwise."""
    return any(ticket == entry.ticket and not entry.running for _, ticket, entry in (*jobs._ready, *jobs._later))


class House:
    """A plugin on an archive, without threads: the test says what happens next. A new one is a restart."""

    def __init__(
        self,
        archive: Archive,
        *,
        backfill: str = "none",
        capacity: int = 1000,
        max_attempts: int = 3,
        first_pause_s: float = 0.0,
        priority: Priority | None = None,
        xray: Reading | None = None,
        bench: Bench | None = None,
    ) -> None:
        self.archive = archive
        self.xray = xray or Reading()
        self.cardiac = Reading(CARDIAC)
        self.bench = bench or Bench()
        self.doubts: list[Code] = []
        self.marked: list[str] = []
        server, analyses = archive.server, (self.xray, self.cardiac)
        self.pause = Pause(server)
        self.retries = Retries(server, analyses)
        self.knocks = Knocks(model_doubtful=self.doubts.append, marked=self.marked.append)
        self.job = Job(
            server,
            self.bench.workers,
            self.pause,
            self.knocks,
            lambda *_, **__: MARK,
            max_attempts=max_attempts,
            first_pause_s=first_pause_s,
        )
        self.jobs = Jobs(
            server,
            {one.name: one for one in analyses},
            self.job,
            self.knocks,
            parallel=0,
            capacity=capacity,
            first_pause_s=first_pause_s,
        )
        self.inbox = Inbox(
            server,
            self.jobs,
            self.retries,
            analyses,
            backfill=backfill,
            born=datetime(2026, 6, 1, tzinfo=UTC),
            stable_age=0.0,
            priority=priority or Priority(),
        )
        self.knocks.room = self.inbox.ring
        self.knocks.retry = self.inbox.retry_later
        self.desk = Desk(server, self.inbox, self.jobs, self.pause)
        self.knocks.ask = self.desk.retry
        self.begun = False
        self.most = 0

    def step(self) -> bool:
        """One round of the inbox, errors as its loop takes them; whether it has more to do."""
        more = True
        try:
            if not self.begun:
                self.inbox._begin()
                self.begun = True
            more = self.inbox._step()
        except ServerError as error:
            self.archive.error(str(error))
        self.most = max(self.most, sum(self.jobs.count()))
        return more

    def work(self, limit: int = 1_000_000) -> int:
        """Do the jobs that are due, at most so many; how many there were."""
        done = 0
        while done < limit and has_next(self.jobs):
            entry = self.jobs._next()
            assert entry is not None
            self.jobs._work(entry)
            done += 1
        return done

    def run(self, rounds: int = 200) -> None:
        """Until nothing is left to do; time passes meanwhile."""
        quiet = 0
        for _ in range(rounds):
            self.archive.settle()
            more = self.step()
            worked = self.work()
            quiet = 0 if more or worked or self.inbox.waiting() != (0, 0) or not self.inbox.idle else quiet + 1
            if quiet == 3:
                return
        raise AssertionError(f"still busy: {self.desk.status()}, {self.archive.log[-3:]}")


def fail(*names: str, times: int = 1_000_000, error: Exception | None = None) -> Callable[[str], None]:
    """Trouble for the archive: calls with these names (all, if none is named) fail so many times."""
    left = times

    def trouble(name: str) -> None:
        nonlocal left
        if left > 0 and (not names or name in names):
            left -= 1
            raise error or ServerError("database is locked")

    return trouble


REFUSED = FileRefusedError("Orthanc does not take it for DICOM")
