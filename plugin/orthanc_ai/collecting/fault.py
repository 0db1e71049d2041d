"""Why a peer did not do what it was asked."""

from ..codes import Code
from ..sending.couriers import DETAIL_LENGTH, End, Fate
from ..server import ServerError


class PeerError(Exception):
    """A peer could not be asked, or did not do what it was asked.

    Attributes
    ----------
    code, detail
        Why, the latter in Orthanc's words.
    """

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(detail or code.sentence)
        self.code = code
        self.detail = detail


_CODES = {End.AWAY: Code.PEER_AWAY, End.REFUSED: Code.PEER_REFUSED, End.BROKEN: Code.PEER_BROKE_OFF}

_SILENCE = ("timeout", "timed out", "no data available")
"""How Orthanc's words (those of DCMTK and curl) tell that nothing came."""


def of_job(fate: Fate) -> PeerError | None:
    """Why a job has failed; ``None`` if it has not."""
    code = _CODES.get(fate.end)
    if code is None:
        return None
    if any(words in fate.detail.lower() for words in _SILENCE):
        code = Code.PEER_SILENT
    return PeerError(code, fate.detail)


def number(error: ServerError) -> int | None:
    """Orthanc's number of an error, which is all that a plugin gets to know of a request's failure."""
    first = str(error).partition(" ")[0]
    return int(first) if first.isdigit() else None


def words(error: ServerError) -> str:
    """Orthanc's words for an error."""
    return str(error).removeprefix(str(number(error) or "")).strip()[:DETAIL_LENGTH]
