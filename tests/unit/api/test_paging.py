"""Turning pages: nothing missed, nothing twice, in bounded steps."""

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.api import paging
from orthanc_ai.api.http import Problem
from orthanc_ai.api.paging import LARGEST_READ, Cursor, Selection, page
from orthanc_ai.server import Resource, Server

from .examples import Archive, image

EVERYTHING = Selection("instance", {}, {}, ())


def items_of(counts: list[int]) -> Callable[[Resource], list[str]]:
    """Row number `n` contributes `counts[n]` items, as filters leave them."""

    def items(row: Resource) -> list[str]:
        number = int(row.tags["SOPInstanceUID"].rpartition(".")[2])
        return [f"{number}/{item}" for item in range(counts[number] if number < len(counts) else 1)]

    return items


def turn(
    archive: Archive, items: Callable[[Resource], list[str]], limit: int, between: Callable[[], None]
) -> list[str]:
    """All pages, with something happening between them."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        found, cursor = page(cast(Server, archive), EVERYTHING, items, cursor, limit)
        assert len(found) <= limit
        seen += found
        if cursor is None:
            return seen
        between()


counts = st.lists(st.integers(0, 5), max_size=40)


@given(counts, st.integers(1, 7))
def test_pages_make_up_the_whole_newest_first(numbers: list[int], limit: int) -> None:
    archive = Archive([image(number) for number in range(len(numbers))])
    expected = [f"{row}/{item}" for row in reversed(range(len(numbers))) for item in range(numbers[row])]
    assert turn(archive, items_of(numbers), limit, lambda: None) == expected


@given(counts, st.integers(1, 7))
def test_what_arrives_meanwhile_disturbs_nothing(numbers: list[int], limit: int) -> None:
    archive = Archive([image(number) for number in range(len(numbers))])
    expected = turn(archive, items_of(numbers), limit, lambda: None)
    assert turn(archive, items_of(numbers), limit, lambda: archive.rows.append(image(len(archive.rows)))) == expected


@given(counts, st.integers(1, 7), st.data())
def test_what_is_deleted_meanwhile_hides_nothing_else(numbers: list[int], limit: int, data: st.DataObject) -> None:
    archive = Archive([image(number) for number in range(len(numbers))])

    def delete() -> None:
        if archive.rows:
            archive.rows.pop(data.draw(st.integers(0, len(archive.rows) - 1)))

    seen = turn(archive, items_of(numbers), limit, delete)
    remaining = {item for row in archive.rows for item in items_of(numbers)(row)}
    assert remaining <= set(seen)


def test_a_page_without_a_match_ends_after_a_bounded_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAXIMUM_SCAN", 50)
    archive = Archive([image(number) for number in range(120)])
    nothing = items_of([0] * 120)
    assert page(cast(Server, archive), EVERYTHING, nothing, None, 10) == ([], "70")
    assert turn(archive, lambda row: [row.identifier] if row is archive.rows[0] else [], 10, lambda: None) == [
        archive.rows[0].identifier
    ]


def test_a_small_page_reads_little_and_none_reads_much() -> None:
    archive = Archive([image(number) for number in range(3000)])
    page(cast(Server, archive), EVERYTHING, lambda row: [row.identifier], None, 1)
    assert archive.reads == [paging.SMALLEST_READ]
    turn(archive, lambda _: [], 1, lambda: None)
    assert max(archive.reads) == LARGEST_READ


@given(st.integers(0, 10**9), st.integers(0, 999))
def test_a_cursor_is_read_back(remaining: int, taken: int) -> None:
    cursor = Cursor(remaining, taken, "0123abcd" if taken else "")
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "x", "-1", "1.2", "1.2.xyz", "9" * 40, "1;drop", "٣"])
def test_a_wrong_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="cursor"):
        Cursor.parse(text)


def test_a_cursor_from_far_beyond_is_no_endless_work() -> None:
    archive = Archive([image(number) for number in range(3)])
    items, following = page(cast(Server, archive), EVERYTHING, lambda row: [row.identifier], "9" * 12, 10)
    assert items == [row.identifier for row in reversed(archive.rows)]
    assert following is None
    assert len(archive.reads) == 2
