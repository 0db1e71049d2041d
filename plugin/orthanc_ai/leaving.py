"""How the server process ends.

Orthanc's Python plugin 7.1 frees a change twice if it comes in after Orthanc has said that it stops: first when it
finalizes (`FinalizeOnChangeCallback` does not empty the list of what it frees), then when its library is unloaded. A study
that becomes stable in that second is such a change, so a busy server would abort at nearly every stop, with a core dump
that holds patient data. Nothing is lost by then: index and storage are closed.
"""

import ctypes
from pathlib import Path

from .sdk import Sdk

_LIBRARY = "OrthancPython"
_MAPS = Path("/proc/self/maps")


def leave_without_unloading(sdk: Sdk) -> None:
    """Let the process end without the second freeing, where the plugin does it; elsewhere do nothing.

    The plugin's library stays loaded, and when Orthanc's `main` has returned, the process ends with its exit status and
    its output written, but without the destructors of static objects.
    """
    # Reserving queued values came with plugin 7.0.
    if not hasattr(sdk, "ReserveQueueValue"):
        return
    libraries = {line.split(maxsplit=5)[-1] for line in _MAPS.read_text().splitlines() if _LIBRARY in line}
    for library in libraries:
        ctypes.CDLL(library)  # which Python never closes
    c = ctypes.CDLL(None)
    # The C library runs these in the opposite order: fflush(NULL), then _exit(status).
    c.on_exit(c._exit, None)
    c["__cxa_atexit"](c.fflush, None, None)
