"""Orthanc's plugin SDK over HTTP: `Server` as a test outside the server uses it, to ask the index itself."""

from typing import Any, cast

from orthanc_ai.sdk import Sdk
from orthanc_ai.server import Server

from .orthanc import Orthanc

_UNKNOWN_RESOURCE = 17


class _OverHttp:
    class OrthancException(Exception):  # noqa: N818 - its name in the SDK
        pass

    def __init__(self, orthanc: Orthanc) -> None:
        self._orthanc = orthanc

    def _ask(self, method: str, uri: str, **options: Any) -> bytes:
        answer = self._orthanc.request(method, uri, **options)
        if answer.status_code == 404:
            raise self.OrthancException(_UNKNOWN_RESOURCE)
        answer.raise_for_status()
        return answer.content

    def RestApiGet(self, uri: str) -> bytes:  # noqa: N802
        return self._ask("GET", uri)

    def RestApiPost(self, uri: str, body: bytes) -> bytes:  # noqa: N802
        return self._ask("POST", uri, data=body)


def index_of(orthanc: Orthanc) -> Server:
    """The index of a running server."""
    return Server(cast(Sdk, _OverHttp(orthanc)))
