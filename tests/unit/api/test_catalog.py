"""The catalogue's routes without a server: what they answer while there is nothing to answer with."""

import base64
import re
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.api.catalog_query import CURSOR, cursor_of, read_place
from orthanc_ai.api.http import Problem, Request
from orthanc_ai.api.routes import Routes
from orthanc_ai.catalog.catalog import Catalog, Place
from orthanc_ai.catalog.mirror import Mirror
from orthanc_ai.codes import Code
from orthanc_ai.server import Server

from .examples import Archive, context, identifier

IDENTIFIERS = st.integers(0, 2**32 - 1).map(identifier)


@pytest.mark.parametrize("path", ["counts", "images/count", "patients", "images"])
def test_while_it_loads_it_says_when_to_come_back(path: str) -> None:
    server = cast(Server, Archive())
    loading = replace(context(), catalog=Catalog(server, Mirror(server, 10)))
    with pytest.raises(Problem) as caught:
        Routes(loading).answer(Request("GET", f"/ai/catalog/{path}"))
    assert (caught.value.code, caught.value.status) == (Code.CATALOG_LOADING, 503)
    assert int(caught.value.headers["Retry-After"]) > 0


def test_without_a_catalogue_it_says_so() -> None:
    server = cast(Server, Archive())
    without = replace(context(), catalog=Catalog(server, Mirror(server, 0)))
    with pytest.raises(Problem) as caught:
        Routes(without).answer(Request("GET", "/ai/catalog/counts"))
    assert caught.value.code is Code.CATALOG_TOO_LARGE


@given(st.text(max_size=256) | st.integers(0, 10**6), IDENTIFIERS, st.just("") | IDENTIFIERS, st.integers(0, 10**6))
def test_cursors_lead_back_to_their_place(value: str | int, name: str, image: str, number: int) -> None:
    place = Place(value, name, image, number)
    text = cursor_of(place)
    assert read_place(text) == place
    assert re.fullmatch(CURSOR, text)


@pytest.mark.parametrize(
    "content",
    [
        *("", "null", "{}", "1", "[]", '["a"]', '["a","b","",0]', "[1.5,ID,ID,0]", "[1,ID,ID,-1]", '[1,ID,"x",0]'),
        *("[true,ID,null,0]", "[1e999,ID,ID,0]", '["\\ud800",ID,"",0]', "[" * 400),
    ],
)
def test_what_is_no_cursor_is_refused(content: str) -> None:
    text = base64.urlsafe_b64encode(content.replace("ID", f'"{identifier(1)}"').encode()).decode().rstrip("=")
    with pytest.raises(Problem) as caught:
        read_place(text)
    assert caught.value.code is Code.BAD_REQUEST
