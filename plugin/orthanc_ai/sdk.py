"""The part of Orthanc's plugin SDK, the module `orthanc`, that is used here, with the types that it really has.

The generated `orthanc.pyi` is not shipped with every build and is wrong in places.
"""

import ctypes
from collections.abc import Callable
from typing import Protocol

OnStored = Callable[[object, str], None]
OnChange = Callable[[int, int, str], None]
OnRest = Callable[..., None]

# Well-formed UTF-8 (RFC 3629 section 4), byte by byte as Orthanc's regular expressions see it. Nothing is tried twice.
UTF8 = (
    r"(?:[\x00-\x7f]++|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*+"
)
"""Regular expression of what may stand in a path that we answer: to another one Orthanc's Python plugin (5.0) could give
no Python text, and would answer 500. What does not match is answered 404 by Orthanc."""


class RestOutput(Protocol):
    """The answer to one HTTP request."""

    def AnswerBuffer(self, body: bytes, mime: str) -> None: ...
    def SendHttpStatus(self, status: int, body: bytes) -> None: ...
    def SendMethodNotAllowed(self, allowed: str) -> None: ...
    def SetHttpHeader(self, name: str, value: str) -> None: ...
    def StartStreamAnswer(self, mime: str) -> None: ...
    def SendStreamChunk(self, chunk: bytes) -> None: ...


class ChangeTypes(Protocol):
    """`orthanc.ChangeType`, as far as it concerns us."""

    DELETED: int
    STABLE_STUDY: int
    ORTHANC_STARTED: int
    ORTHANC_STOPPED: int


class MetricsTypes(Protocol):
    """`orthanc.MetricsType`, as far as it concerns us."""

    DEFAULT: int


class Sdk(Protocol):
    """The module `orthanc`."""

    OrthancException: type[Exception]
    ChangeType: ChangeTypes
    MetricsType: MetricsTypes

    def RestApiGet(self, uri: str) -> bytes: ...
    def RestApiPost(self, uri: str, body: bytes) -> bytes: ...
    def RestApiPut(self, uri: str, body: bytes) -> bytes: ...
    def RestApiDelete(self, uri: str) -> None: ...
    def RestApiGetAfterPlugins(self, uri: str) -> bytes: ...
    def RestApiPostAfterPlugins(self, uri: str, body: bytes) -> bytes: ...
    def GetDicomForInstance(self, instance: str) -> bytes: ...
    def GetConfiguration(self) -> str: ...
    def GetConfigurationPath(self) -> str: ...
    def CheckVersionAdvanced(self, major: int, minor: int, revision: int) -> int: ...
    def GetGlobalProperty(self, number: int, default: str) -> str: ...
    def SetGlobalProperty(self, number: int, value: str) -> None: ...
    def SetMetricsValue(self, name: str, value: float, kind: int) -> None: ...
    def LogWarning(self, message: str) -> None: ...
    def LogError(self, message: str) -> None: ...
    def RegisterOnStoredInstanceCallback(self, callback: OnStored) -> None: ...
    def RegisterOnChangeCallback(self, callback: OnChange) -> None: ...
    def RegisterRestCallback(self, regex: str, callback: OnRest) -> None: ...
    def ExtendOrthancExplorer(self, javascript: str) -> None: ...


_look_for_error = ctypes.pythonapi.PyErr_Occurred


def raise_pending() -> None:
    """Raise what Orthanc's Python plugin has left behind before it called us.

    Plugin 7.1 goes on when it cannot make a text of the bytes in a name of a query, and leaves Python's error standing.
    Python would come upon it somewhere later: while it takes a lock, say, which then is never released.

    Raises
    ------
    UnicodeDecodeError
        If there was such a name.
    """
    # ctypes raises what stands after a call of Python's own functions.
    _look_for_error()


def immortal[Callback: Callable[..., None]](callback: Callback) -> Callback:
    """Keep an object beyond the end of the interpreter.

    Orthanc's Python plugin (5.0) lets go of REST callbacks after it has ended the interpreter. If that was the last
    reference, freeing the object crashes the server at every stop; with one reference too many nothing is freed.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))
    return callback
