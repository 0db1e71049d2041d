"""Stores the DICOM files of a folder, and of all below it, in the running server.

Usage: ``python3 -m tools.import_folder [--http-port N] FOLDER``, from ``make import DIR=...``. If the server asks who one
is, the environment variable ``ORTHANC_USER`` has ``NAME:PASSWORD``.

No file stops it: what cannot be stored is listed at the end, with the reason. To go on after an interruption, call it again:
what is stored already is not stored twice.
"""

import argparse
import os
import stat
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path

from tools.client import Client, ProblemError, ServerError

PARALLEL = 4
"""Files on their way at once, each of them in memory: Orthanc stores several at once."""

UPLOAD_TIMEOUT_S = 300.0

PATIENCE_S = 600.0
"""How long a server that does not answer is waited for: it may be restarted."""

PAUSE_S = 2.0

MOST_BROKEN_OFF = 3
"""So often a file is sent to a server that breaks off at it and yet is there."""

PROGRESS_S = 0.5

PREAMBLE = 128
"""Bytes before the letters DICM (PS3.10 section 7.1)."""

DIRECTORY = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10"
"""Media Storage SOP Class UID of a DICOMDIR (PS3.10 section 8): a table of contents, no image."""

HEAD = 512
"""Bytes that are looked at to see what a file is."""

LONGEST_FIRST_VALUE = 256
"""Bytes of the first element of a file without preamble: a character set, a group length or a UID."""


class State(StrEnum):
    """What became of a file."""

    STORED = "stored"
    ALREADY = "stored already"
    SKIPPED = "no DICOM images"
    BAD = "bad"


@dataclass
class Tally:
    """What became of the files so far."""

    counts: Counter[State] = field(default_factory=Counter)
    bad: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, state: State, reason: str) -> None:
        """Count one more; of a bad one, keep the reason."""
        self.counts[state] += 1
        if state is State.BAD:
            self.bad.append((name, reason))

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[state]} {state}" for state in State if self.counts[state]) or "nothing yet"


def files(folder: Path) -> Iterator[Path]:
    """All files of a folder and those below it, folder by folder, and the folders that cannot be read.

    Links to folders are among the files: they are not followed.
    """
    unread: list[OSError] = []
    for path, folders, names in folder.walk(on_error=unread.append):
        folders.sort()
        yield from (path / name for name in sorted(names))
    yield from (Path(error.filename) for error in unread)


def is_dicom(head: bytes) -> bool:
    """Whether a file looks like DICOM with something to store.

    Parameters
    ----------
    head
        Its first bytes, `HEAD` of them.
    """
    if head[PREAMBLE : PREAMBLE + 4] == b"DICM":
        return DIRECTORY not in head
    # Old files have neither preamble nor meta information. Group 0008 comes first, with a VR or a length.
    if len(head) < PREAMBLE or head[:2] not in (b"\x08\x00", b"\x02\x00"):
        return False
    return head[4:6] in (b"UL", b"CS", b"UI", b"OB") or int.from_bytes(head[4:8], "little") < LONGEST_FIRST_VALUE


def store(client: Client, path: Path) -> tuple[State, str]:
    """Store one file; what became of it, and why.

    Raises
    ------
    ServerError
        If there is no server.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return State.BAD, "a link to a folder" if path.is_symlink() else "a folder that cannot be read"
        if not stat.S_ISREG(mode):
            # A pipe would be waited for without end.
            return State.SKIPPED, ""
        with path.open("rb") as stream:
            head = stream.read(HEAD)
            if not is_dicom(head):
                return State.SKIPPED, ""
            content = head + stream.read()
    except OSError as error:
        return State.BAD, error.strerror or type(error).__name__
    until, broken_off = time.monotonic() + PATIENCE_S, 0
    while True:
        try:
            answer = client.post("/instances", content, UPLOAD_TIMEOUT_S)
        except ProblemError as problem:
            return State.BAD, _reason(problem)
        except ServerError as error:
            # A server that is there and takes the others does not take this one, e.g. for its size.
            broken_off += _is_there(client)
            if broken_off == MOST_BROKEN_OFF:
                return State.BAD, str(error)
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_S)
        else:
            return _outcome(answer)


def _is_there(client: Client) -> bool:
    try:
        client.get("/system")
    except ProblemError:
        return True
    except ServerError:
        return False
    return True


def _outcome(answer: object) -> tuple[State, str]:
    status = str(answer.get("Status", "")) if isinstance(answer, dict) else ""
    states = {"Success": State.STORED, "AlreadyStored": State.ALREADY}
    # FilteredOut, if a script of the site does not want it.
    return states.get(status, State.BAD), "" if status in states else f"Orthanc: {status or 'no answer'}"


def _reason(problem: ProblemError) -> str:
    return str(problem).partition(": ")[2] or str(problem)


def import_files(client: Client, folder: Path, paths: Iterable[Path]) -> Tally:
    """Store files, some at once, with progress.

    Raises
    ------
    ServerError
        If the server has gone for good.
    """
    tally, said = Tally(), 0.0
    todo = iter(paths)
    with ThreadPoolExecutor(PARALLEL) as pool:
        running: dict[Future[tuple[State, str]], Path] = {}
        while True:
            for path in islice(todo, PARALLEL - len(running)):
                running[pool.submit(store, client, path)] = path
            if not running:
                return tally
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                tally.add(str(running.pop(done).relative_to(folder)), *done.result())
            if time.monotonic() - said > PROGRESS_S:
                said = time.monotonic()
                show(str(tally))


def printable(name: str) -> str:
    """A file name as a terminal takes it: on old discs, names are in any character set."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)


def show(text: str) -> None:
    """Show where we are, in one line where that is a terminal's."""
    print(f"\r{text}  " if sys.stdout.isatty() else f"{text}\n", end="", flush=True)


def main() -> int:
    """Store a folder; return the exit status: 0 unless a file could not be stored."""
    parser = argparse.ArgumentParser(description="Stores the DICOM files of a folder in the running server.")
    parser.add_argument("--http-port", type=int, default=8042)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    name, colon, password = os.environ.get("ORTHANC_USER", "").partition(":")
    client = Client(f"http://127.0.0.1:{options.http_port}", (name, password) if colon else None)
    began = time.monotonic()
    try:
        client.get("/ai/status")
        tally = import_files(client, options.folder, files(options.folder))
    except ProblemError as problem:
        print(f"{problem}\nIf it asks who you are: ORTHANC_USER=NAME:PASSWORD make import DIR=...", file=sys.stderr)
        return 1
    except ServerError as error:
        print(f"\n{error}\nStart the server first, in another shell: make run", file=sys.stderr)
        return 1
    show(f"{tally}; {time.monotonic() - began:.1f} s")
    print()
    for bad, reason in tally.bad:
        print(f"  {printable(bad)}: {reason}")
    return 1 if tally.bad else 0


if __name__ == "__main__":
    sys.exit(main())
