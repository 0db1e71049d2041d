"""Pages of other sites."""

import pytest

from orthanc_ai.api.http import Request, Response
from orthanc_ai.api.origins import share

HERE = "https://notebooks.example"


def shared(origin: str | None, method: str = "GET", allowed: tuple[str, ...] = (HERE,)) -> dict[str, str]:
    request = Request(method, "/ai", headers={} if origin is None else {"origin": origin})
    return dict(share(Response(b"{}", headers={"Link": "<x>"}), request, allowed).headers)


def test_an_origin_that_is_named_may_read() -> None:
    headers = shared(HERE)
    assert headers["Access-Control-Allow-Origin"] == HERE
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert (headers["Vary"], headers["Link"]) == ("Origin", "<x>")


@pytest.mark.parametrize(
    "origin", [None, "", "null", "*", "https://notebooks.example.evil", "http://notebooks.example"]
)
def test_no_other_origin_may(origin: str | None) -> None:
    assert shared(origin) == {"Link": "<x>", "Vary": "Origin"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_but_reading_is_shared(method: str) -> None:
    assert shared(HERE, method) == {"Link": "<x>"}


def test_without_settings_nothing_is_said_of_origins() -> None:
    assert shared(HERE, allowed=()) == {"Link": "<x>"}
