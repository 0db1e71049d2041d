"""The pause: an operator's word that nothing is to be analysed for now. It outlives a restart."""

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
        self.active = False

    def load(self) -> None:
        """Remember what was said before the restart."""
        self.active = self._server.property(PROPERTY) == _PAUSED

    def set(self, active: bool) -> None:
        """Pause, or go on. It is written down before it holds."""
        self._server.set_property(PROPERTY, _PAUSED if active else "")
        self.active = active
