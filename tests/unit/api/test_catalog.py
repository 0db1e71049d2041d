"""The catalogue's routes without a server: what they answer while there is nothing to answer with."""

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


@given(st.from_regex(CURSOR, fullmatch=True))
def test_whatever_looks_like_a_cursor_is_one(text: str) -> None:
    assert read_place(text).number >= 0


@pytest.mark.parametrize(
    "text", ["", "0", "i1", "i1.a.b.0", "sxx.{id}..0", "i1.{id}.{id}.-1", "i" + 19 * "9" + ".{id}..0"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        Routes(context()).answer(Request("GET", "/ai/catalog/images", {"cursor": text.format(id=identifier(1))}))
    assert caught.value.code is Code.BAD_REQUEST
