"""The saved place never passes what is not settled, and reaches the end once everything is."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.ledger import Ledger


def test_place_is_the_last_row_before_the_first_open_one() -> None:
    ledger = Ledger(10)
    for sequence in (12, 15, 19):
        ledger.begin(sequence)
        ledger.read(sequence)
    ledger.settle(15)
    assert (ledger.place, ledger.position) == (11, 19)
    ledger.settle(12)
    assert ledger.place == 18
    ledger.settle(19)
    assert ledger.place == 19


def test_row_with_two_pieces_of_work_is_settled_by_the_second() -> None:
    ledger = Ledger(0)
    ledger.begin(3)
    ledger.begin(3)
    ledger.read(3)
    ledger.settle(3)
    assert ledger.place == 2
    ledger.settle(3)
    assert ledger.place == 3


@given(st.lists(st.integers(1, 1000), unique=True, max_size=40), st.randoms(use_true_random=False))
def test_settled_in_any_order_nothing_is_skipped(rows: list[int], random: "st.Random") -> None:  # type: ignore[name-defined]
    ledger = Ledger(0)
    open_rows = sorted(rows)
    for sequence in open_rows:
        ledger.begin(sequence)
        ledger.read(sequence)
    last = open_rows[-1] if open_rows else 0
    random.shuffle(rows)
    before = ledger.place
    for sequence in rows:
        ledger.settle(sequence)
        open_rows.remove(sequence)
        assert ledger.place >= before, "the place moved back"
        assert not any(sequence <= ledger.place for sequence in open_rows)
        before = ledger.place
    assert ledger.place == last


class Meanwhile(dict[int, int]):
    """Open rows, to which another thread adds one just after somebody has looked whether there are any."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def __len__(self) -> int:
        length = super().__len__()
        if not length:
            self._ledger.begin(5)
            self._ledger.read(5)
        return length

    def __iter__(self) -> Iterator[int]:
        yield from list(super().__iter__())
        if not super().__len__():
            self._ledger.begin(5)
            self._ledger.read(5)


def test_another_thread_that_asks_for_the_place_is_never_told_too_late_a_row() -> None:
    """A saved place that had passed an image which is just being begun would forget it at a power cut."""
    ledger = Ledger(4)
    ledger._open = Meanwhile(ledger)
    assert ledger.place == 4
    assert ledger.position == 5
