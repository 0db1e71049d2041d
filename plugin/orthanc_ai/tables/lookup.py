"""The server's way to DICOM's data dictionary: it asks a Python of the workers once, and keeps what it has heard."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from .columns import Kind, Tag, kind_of
from .paths import Path as TagPath
from .paths import tag_of

PACKAGES = Path(__file__).parents[2]
"""Where the package `orthanc_ai` lies."""

ANSWER_S = 60.0
"""Loading pydicom takes 0.3 s, on a busy machine from a slow disk some seconds."""

_SEQUENCE = "SQ"


class UnknownTagError(Exception):
    """The data dictionary does not have a keyword."""


class NoColumnError(Exception):
    """An attribute is a sequence or binary data, or the way to it leads through what is no sequence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the data dictionary says of an attribute.

    Attributes
    ----------
    tag
        Its number.
    vr, vm
        As pydicom writes them: ``US or SS``, ``1-n``; empty for what the dictionary does not have.
    """

    tag: int
    vr: str = ""
    vm: str = ""


class Dictionary:
    """The data dictionary; read when it is first needed, by one thread for all.

    Parameters
    ----------
    python
        Interpreter of the worker processes.
    """

    def __init__(self, python: Path) -> None:
        self._python = python
        self._lock = threading.Lock()
        self._by_keyword: dict[str, Entry] = {}
        self._by_tag: dict[int, Entry] = {}

    def tag(self, text: str) -> Tag:
        """The column of a path such as ``RequestAttributesSequence[0].ScheduledProcedureStepID``.

        Raises
        ------
        ValueError
            If it is no path.
        UnknownTagError, NoColumnError
            If there is no such attribute, or it makes no column. The message names it.
        OSError, subprocess.SubprocessError
            If the dictionary cannot be read.
        """
        path = TagPath.parse(text)
        *sequences, last = (self._entry(name) for name in path.names)
        for name, entry in zip(path.names, sequences, strict=False):
            if entry.vr not in (_SEQUENCE, ""):
                raise NoColumnError(f"{name} is no sequence")
        kind = kind_of(last.vr) if last.vr else Kind.TEXT
        if kind is None:
            what = "is a sequence: name an attribute of an item" if last.vr == _SEQUENCE else f"is binary ({last.vr})"
            raise NoColumnError(f"{path.name} {what}")
        return Tag(text, (*(entry.tag for entry in sequences), last.tag), kind, last.vm != "1", last.vr)

    def _entry(self, name: str) -> Entry:
        with self._lock:
            if not self._by_keyword:
                self._read()
        number = tag_of(name)
        if number is not None:
            return self._by_tag.get(number, Entry(number))
        if name not in self._by_keyword:
            raise UnknownTagError(name)
        return self._by_keyword[name]

    def _read(self) -> None:
        places = os.pathsep.join([str(PACKAGES), *filter(None, sys.path)])
        answer = subprocess.run(
            [self._python, "-m", "orthanc_ai.tables.dictionary"],
            env={**os.environ, "PYTHONPATH": places},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=ANSWER_S,
            check=True,
        )
        found = {keyword: Entry(*entry) for keyword, entry in json.loads(answer.stdout).items()}
        self._by_tag = {entry.tag: entry for entry in found.values()}
        self._by_keyword = found
