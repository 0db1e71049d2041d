"""Where readers' statements are taken in: written down first, made into SR afterwards."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..codes import Code
from ..keeper import IDENTITY_TAGS
from ..outcomes import CORRECTIONS_METADATA
from ..server import Resource, Server
from .correction import Correction, State
from .journal import MOST, JournalError, from_text, to_text


class CorrectionRefusedError(Exception):
    """A statement was not taken.

    Attributes
    ----------
    code, detail
        Why.
    """

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(detail or str(code))
        self.code = code
        self.detail = detail


class Corrections:
    """The journals of all images. Whoever changes one holds the lock: two readers at once lose nothing.

    Attributes
    ----------
    on_stated
        Called with the Orthanc identifier of an image that has a statement without SR.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self.on_stated: Callable[[str], None] = lambda _: None

    def of(self, image: Resource) -> list[tuple[Correction, str]]:
        """Statements on an image, newest first, each with the Orthanc identifier of its SR.

        Whoever deletes an SR takes the statement back. The identifier is empty as long as there is no SR yet.

        Raises
        ------
        JournalError
            If somebody has spoiled the journal.
        """
        found = there(self._server, image, from_text(image.metadata.get(CORRECTIONS_METADATA)))
        return list(reversed(found))

    def state(self, image: Resource, make: Callable[[Sequence[Correction]], Correction]) -> Correction:
        """Write a statement down, unless it is there.

        Parameters
        ----------
        make
            Makes the statement, given those that there are, oldest first.

        Raises
        ------
        CorrectionRefusedError
            ``NOT_FOUND``, ``CORRECTIONS_UNREADABLE``, ``TOO_MANY_CORRECTIONS``, or what `make` says.
        """
        with self._lock:
            text = self._server.metadata("instance", image.identifier, CORRECTIONS_METADATA)
            try:
                kept = [one for one, _ in there(self._server, image, from_text(text))]
            except JournalError:
                raise CorrectionRefusedError(Code.CORRECTIONS_UNREADABLE) from None
            correction = make(kept)
            same = _same(kept, correction)
            if same and same.state is not State.FAILED:
                correction = same
            elif same:
                # Whoever says it again wants it to be tried again.
                correction = replace(same, state=State.PENDING, code=None)
                kept[kept.index(same)] = correction
            elif len(kept) >= MOST:
                raise CorrectionRefusedError(Code.TOO_MANY_CORRECTIONS, f"There are {len(kept)} already.")
            else:
                kept.append(correction)
            if correction is not same:
                self._write(image.identifier, kept)
        if correction.state is State.PENDING:
            self.on_stated(image.identifier)
        return correction

    def pending(self, image: str) -> tuple[Correction, ...]:
        """Statements without SR on an image by its Orthanc identifier, oldest first; none if it is gone or spoiled."""
        try:
            found = from_text(self._server.metadata("instance", image, CORRECTIONS_METADATA))
        except JournalError:
            return ()
        return tuple(one for one in found if one.state is State.PENDING)

    def settle(self, image: str, correction: Correction, state: State, code: Code | None = None) -> None:
        """Write down what became of a statement's SR."""
        uid = correction.result.sop_instance_uid
        self._change(
            image, lambda one: replace(one, state=state, code=code) if one.result.sop_instance_uid == uid else one
        )

    def drop(self, image: str, correction: Correction) -> None:
        """Forget a statement."""
        uid = correction.result.sop_instance_uid
        self._change(image, lambda one: None if one.result.sop_instance_uid == uid else one)

    def forget_demonstration(self, image: str) -> bool:
        """Forget what was said of a demonstration model's findings; whether the journal could be read."""
        return self._change(image, lambda one: None if one.demonstration else one)

    def _change(self, image: str, change: Callable[[Correction], Correction | None]) -> bool:
        """Change the statements of an image by its Orthanc identifier; those of which nothing is left, go.

        Returns
        -------
        Whether the journal could be read; one that somebody has spoiled stays as it is.
        """
        with self._lock:
            try:
                found = from_text(self._server.metadata("instance", image, CORRECTIONS_METADATA))
            except JournalError:
                return False
            kept = [one for one in map(change, found) if one]
            if kept:
                self._server.set_metadata("instance", image, CORRECTIONS_METADATA, to_text(kept))
            elif found:
                self._server.remove_metadata("instance", image, CORRECTIONS_METADATA)
        return True

    def _write(self, image: str, corrections: Sequence[Correction]) -> None:
        if not self._server.set_metadata("instance", image, CORRECTIONS_METADATA, to_text(corrections)):
            raise CorrectionRefusedError(Code.NOT_FOUND)


def there(server: Server, image: Resource, found: Sequence[Correction]) -> list[tuple[Correction, str]]:
    """Statements less those whose SR somebody has deleted; each with the Orthanc identifier of its SR, if there is one."""
    kept = []
    for one in found:
        identifier = stored(server, image, one.result.sop_instance_uid) or ""
        if identifier or one.state is not State.STORED:
            kept.append((one, identifier))
    return kept


def stored(server: Server, image: Resource, sop_instance_uid: str) -> str | None:
    """Orthanc identifier of an object about an image, of its patient and study; ``None`` if it is not there."""
    for one in server.bearers(sop_instance_uid):
        if all(_tag(one, tag) == _tag(image, tag) for tag in IDENTITY_TAGS):
            return one.identifier
    return None


def _tag(resource: Resource, tag: str) -> str:
    return str(resource.tags.get(tag, "")).strip()


def _same(kept: Sequence[Correction], new: Correction) -> Correction | None:
    """The statement that is made once more: the request bears its key, or it is the reader's latest.

    Raises
    ------
    CorrectionRefusedError
        If the key was given to another statement.
    """
    of_reader = [one for one in kept if (one.reader, one.login) == (new.reader, new.login)]
    for one in of_reader:
        if new.key and one.key == new.key:
            if not one.says_the_same(new):
                raise CorrectionRefusedError(Code.BAD_REQUEST, "key: was given to another statement before")
            return one
    latest = of_reader[-1] if of_reader else None
    return latest if latest and latest.says_the_same(new) else None
