"""The pause: an operator's word that nothing is to be analysed for now. It outlives a restart."""

import threading

from .server import Server

PROPERTY = 1025
"""Number of Orthanc's global property that holds it; the inbox has 1024."""

_PAUSED = "paused"


class Pause:
    """Whether the work is paused.

    Nothing is lost or held up by it: what arrives meanwhile is written down as held, and goes on afterwards.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._active: bool | None = None

    @property
    def active(self) -> bool:
        """Whether the work is paused now.

        Raises
        ------
        ServerError
            If what was said before the restart could not be read; the next one who asks tries again.
        """
        if self._active is None:
            with self._lock:
                if self._active is None:
                    self._active = self._server.property(PROPERTY) == _PAUSED
        return self._active

    def set(self, active: bool) -> None:
        """Pause, or go on. It is written down before it holds.

        Raises
        ------
        ServerError
            If it could not be written down; then it does not hold.
        """
        # One at a time: what is written down and what holds must be the word of the same operator.
        with self._lock:
            self._server.set_property(PROPERTY, _PAUSED if active else "")
            self._active = active
