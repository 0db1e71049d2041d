"""``/ai/catalog/scripts``: the scripts of the catalogue's page, each under a name that its content gives it."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..codes import Code
from ..pages.html import FOLDER, digest
from .http import Problem, Response

PATH = "/ai/catalog/scripts"

SCRIPT_TYPE = "text/javascript; charset=utf-8"

LIBRARY = ("d3.js", "plot.js")
"""What `tools/charts.py` leaves in the folder of the library, in the order in which it is loaded."""

OWN = "catalog.js"

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
def scripts(library: Path) -> tuple[Script, ...]:
    """The scripts in the order in which a page loads them; none if the library is not there.

    They are read once: another library is served from the next start on.
    """
    try:
        files = [(library / name).read_bytes() for name in LIBRARY]
    except OSError:
        return ()
    files.append((FOLDER / OWN).read_bytes())
    return tuple(_script(name, content) for name, content in zip((*LIBRARY, OWN), files, strict=True))


def answer(library: Path, name: str) -> Response:
    """One of the scripts.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    for one in scripts(library):
        if one.name == name:
            return Response(one.content, SCRIPT_TYPE, headers=_FOR_EVER)
    raise Problem(Code.NOT_FOUND, "The page has no such script.")


def _script(name: str, content: bytes) -> Script:
    stem, _, suffix = name.rpartition(".")
    return Script(f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}", content, digest(content))
