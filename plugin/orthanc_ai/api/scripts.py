"""``/ai/scripts``: the scripts of the pages, each under a name that its content gives it."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..codes import Code
from ..pages.html import FOLDER, digest
from .http import Problem, Response

PATH = "/ai/scripts"

SCRIPT_TYPE = "text/javascript; charset=utf-8"

LIBRARY = ("d3.js", "plot.js")
"""What `tools/charts.py` leaves in the folder of the library, in the order in which it is loaded."""

OWN = ("catalog.js", "operator.js", "study.js")
"""Those beside the templates."""

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Script:
    """One file: its name with a digest of the content, and the digest that browsers check."""

    name: str
    content: bytes
    integrity: str

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"{PATH}/{self.name}"


@cache
def own(name: str) -> Script:
    """One of the scripts `OWN`."""
    return _script(name, (FOLDER / name).read_bytes())


@cache
def library(folder: Path) -> tuple[Script, ...]:
    """The library that draws charts, in the order in which a page loads it; nothing if it is not there.

    It is read once: another library is served from the next start on.
    """
    try:
        return tuple(_script(name, (folder / name).read_bytes()) for name in LIBRARY)
    except OSError:
        return ()


def answer(folder: Path, name: str) -> Response:
    """One of the scripts.

    Parameters
    ----------
    folder
        Of the library.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    for one in (*map(own, OWN), *library(folder)):
        if one.name == name:
            return Response(one.content, SCRIPT_TYPE, headers=_FOR_EVER)
    raise Problem(Code.NOT_FOUND, "No page has such a script.")


def _script(name: str, content: bytes) -> Script:
    stem, _, suffix = name.rpartition(".")
    return Script(f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}", content, digest(content))
