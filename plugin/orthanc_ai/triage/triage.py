"""Labels of studies, in step with what was found in their images.

A label is given before the outcome is written that gives it, so that a crash in between repeats the reading, and with it
the label. What is ours stands in the study's metadata `ai-triage`: labels of others are never touched.
"""

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..codes import Code
from ..faults import place
from ..outcomes import TRIAGE_METADATA, XRAY_METADATA, Outcome, read_outcome
from ..server import Resource, Server, ServerError
from ..settings import AI
from .record import PATTERN, Images, Record, change
from .rules import labels_by

PROPERTY = 1026
"""Number of Orthanc's global property with the digest of the rules by which all studies were looked at; the inbox has 1024,
the pause 1025."""

_ANY_OUTCOME = '{"code":*'

_PAGE = 500
_REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a look through all studies has come.

    Attributes
    ----------
    studies, looked_at
        Studies there are, and that were looked at.
    given, taken
        Labels.
    started, ended
        ISO 8601, UTC; empty if it has not begun or ended.
    """

    studies: int = 0
    looked_at: int = 0
    given: int = 0
    taken: int = 0
    started: str = ""
    ended: str = ""


class Triage:
    """Gives studies their labels.

    Parameters
    ----------
    settings
        `Triage` concerns us.
    rush
        Whether senders come first now, so that looking through the archive waits.
    """

    def __init__(self, server: Server, settings: AI, rush: Callable[[], bool] = lambda: False) -> None:
        self._server = server
        self.rules = tuple(settings.triage)
        self._rush = rush
        # Labels and records are read and written in two steps, by jobs and by this loop.
        self._writing = threading.Lock()
        # By image that gives a label, its study: Orthanc says that an image was deleted, and no more where it was.
        self._givers: dict[bytes, bytes] = {}
        self._doubtful: deque[str] = deque()
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._sweep: Sweep | None = None
        self._left: list[bytes] = []

    # Called from elsewhere

    def labels_of(self, found: Resource, outcome: Outcome) -> frozenset[str]:
        """The labels that an instance with this outcome gives its study."""
        if found.level != "instance":
            return frozenset()
        return labels_by(self.rules, outcome, found.metadata, found.tags)

    def settle(self, found: Resource, outcome: Outcome, write: Callable[[], bool]) -> bool:
        """Write an outcome, and the labels of its study in step with it.

        Returns
        -------
        Whether the resource was still there.

        Raises
        ------
        ServerError
            If Orthanc's index could not be read or written; then the outcome is not written.
        """
        if not self.rules or found.level != "instance":
            return write()
        with self._writing:
            study = self._server.study_of("instance", found.identifier)
            if study is None:
                return write()
            before = self._record(study.identifier)
            self._apply(study, before, before.with_image(found.identifier, self.labels_of(found, outcome)))
            if write():
                return True
            # Deleted meanwhile, and maybe before we could hear of it.
            self._doubtful.append(study.identifier)
        self._bell.set()
        return False

    def deleted(self, identifier: str) -> None:
        """Say that a resource was deleted. Returns at once."""
        study = self._givers.pop(_bytes(identifier), None) if self._givers else None
        if study is not None:
            self._doubtful.append(_text(study))
            self._bell.set()

    def apply(self) -> None:
        """Ask for a look through all studies. One that runs begins anew."""
        self._wanted.set()
        self._bell.set()

    def progress(self) -> Sweep | None:
        """The look through all studies that runs, or the latest one since the start; an empty one if it has not begun."""
        return Sweep() if self._wanted.is_set() and (self._sweep is None or self._sweep.ended) else self._sweep

    def stop(self) -> None:
        """Begin nothing more. A look through all studies begins anew at the next start."""
        self._stopping.set()
        self._bell.set()

    # The loop

    def run(self) -> None:
        """Keep labels in step until told to stop. Runs on a thread of its own, which no error ends."""
        begun = False
        while not self._stopping.is_set():
            self._bell.clear()
            begun = begun or self._tried(self._begin)
            if begun:
                self._tried(self.step)
            at_rest = begun and not self._doubtful and not self._left and not self._wanted.is_set()
            self._bell.wait(None if at_rest else _REST_S)

    def _tried(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except ServerError as error:
            self._server.error(f"AI: triage: {error}; trying again")
        except Exception as error:  # noqa: BLE001 - one bad study must not end the loop
            self._server.error(f"AI: triage: {Code.INTERNAL_ERROR}: {place(error)}; trying again")
        else:
            return True
        return False

    def step(self) -> None:
        """Look at what is in doubt, and go on with the look through all studies."""
        self._resolve_doubts()
        if self._wanted.is_set():
            # In this order: whoever asks meanwhile must not be told that the one before has ended.
            self._sweep = Sweep()
            self._wanted.clear()
            try:
                studies = self._server.identifiers("study") if self.rules else self._recorded()
            except ServerError:
                self._wanted.set()
                raise
            # 20 bytes each instead of the 100 of a text: an archive may hold a million studies.
            self._left = [_bytes(one) for one in studies]
            self._sweep = Sweep(len(studies), started=_now())
        if self._sweep and not self._sweep.ended:
            self._go_on(self._sweep)

    def _resolve_doubts(self) -> None:
        while self._doubtful and not self._stopping.is_set():
            self.look(self._doubtful[0])
            # Taken away only now: an error must not lose it.
            self._doubtful.popleft()

    def _begin(self) -> None:
        """After a start: see whether the rules have changed, and what was deleted while nobody listened."""
        known = self._server.property(PROPERTY)
        if not known and not self.rules:
            return
        if known != self._digest():
            self._wanted.set()
        for study in self._recorded():
            if self._stopping.is_set():
                return
            record = self._record(study)
            self._remember(study, record.images)
            if record.changing or not all(self._server.exists("instance", image) for image in record.images):
                self._doubtful.append(study)

    def _recorded(self) -> list[str]:
        return self._server.identifiers("study", metadata={TRIAGE_METADATA: PATTERN})

    def _go_on(self, sweep: Sweep) -> None:
        while self._left:
            while self._rush() and not self._stopping.is_set():
                self._stopping.wait(_REST_S)
            if self._stopping.is_set() or self._wanted.is_set():
                return
            self._resolve_doubts()
            try:
                given, taken = self.look(_text(self._left[-1]))
            except ServerError:
                raise  # the same study once more
            except Exception as error:  # noqa: BLE001 - one bad study must not end the look at the others
                self._server.error(f"AI: triage: {Code.INTERNAL_ERROR}: {place(error)}; passed over")
                given, taken = 0, 0
            self._left.pop()
            sweep = self._sweep = replace(
                sweep, looked_at=sweep.looked_at + 1, given=sweep.given + given, taken=sweep.taken + taken
            )
        self._server.set_property(PROPERTY, self._digest())
        self._sweep = replace(sweep, ended=_now())
        counts = f"{sweep.given} labels given, {sweep.taken} taken"
        self._server.warn(f"AI: triage: {sweep.studies} studies were looked at: {counts}")

    def look(self, study: str) -> tuple[int, int]:
        """See that a study bears what its images give it; how many labels were given and taken."""
        with self._writing:
            found = self._server.resource("study", study)
            if found is None:
                return 0, 0
            wanted: dict[str, frozenset[str]] = {}
            for image in self._images(study):
                outcome = read_outcome(image.metadata, XRAY_METADATA)
                for label in self.labels_of(image, outcome) if outcome else ():
                    wanted[label] = wanted.get(label, frozenset()) | {image.identifier}
            return self._apply(found, Record.from_text(found.metadata.get(TRIAGE_METADATA)), wanted)

    def _images(self, study: str) -> tuple[Resource, ...]:
        if not self.rules:
            return ()
        return self._server.find(
            "instance",
            parent=("study", study),
            metadata={XRAY_METADATA: _ANY_OUTCOME},
            content=("MainDicomTags", "Metadata"),
        )

    # The record, and the labels in step with it

    def _record(self, study: str) -> Record:
        return Record.from_text(self._server.metadata("study", study, TRIAGE_METADATA))

    def _apply(self, study: Resource, before: Record, wanted: Images) -> tuple[int, int]:
        """Give and take labels, saying so before and after: a crash in between leaves a question, not a lie."""
        made = change(before, wanted, frozenset(study.labels))
        for image in before.images - made.after.images:
            self._givers.pop(_bytes(image), None)
        self._remember(study.identifier, made.after.images)
        if made.after == before:
            return 0, 0
        if made.give or made.take:
            self._write(study.identifier, made.during)
            for label in sorted(made.take):
                self._server.set_label("study", study.identifier, label, present=False)
            for label in sorted(made.give):
                self._server.set_label("study", study.identifier, label, present=True)
        self._write(study.identifier, made.after)
        return len(made.give), len(made.take)

    def _write(self, study: str, record: Record) -> None:
        if record.labels:
            self._server.set_metadata("study", study, TRIAGE_METADATA, record.to_text())
        else:
            self._server.remove_metadata("study", study, TRIAGE_METADATA)

    def _remember(self, study: str, images: frozenset[str]) -> None:
        place_of_study = _bytes(study)
        for image in images:
            self._givers[_bytes(image)] = place_of_study

    def _digest(self) -> str:
        rules = json.dumps([rule.model_dump(mode="json") for rule in self.rules], sort_keys=True)
        return hashlib.sha256(rules.encode()).hexdigest() if self.rules else ""


def _bytes(identifier: str) -> bytes:
    """An Orthanc identifier in 20 bytes; what is none, in its own: metadata can be edited."""
    try:
        return bytes.fromhex(identifier.replace("-", ""))
    except ValueError:
        return identifier.encode(errors="replace")


def _text(digest: bytes) -> str:
    return digest.hex("-", 4)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
