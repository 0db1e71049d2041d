"""A lane is bounded and lets one through to see whether its destination is back."""

import pytest

from orthanc_ai.sending import lane as lanes
from orthanc_ai.sending.delivery import Destination
from orthanc_ai.sending.lane import IN_FLIGHT, Lane

PACS = Destination("modality", "pacs")


def test_what_waits_goes_first_come_first_served_as_far_as_there_is_room() -> None:
    lane = Lane(PACS)
    for report in "abc":
        lane.add(report)
    lane.add("late", when=9.0)
    assert list(lane.ready(0.0)) == ["a", "b"][:IN_FLIGHT]
    lane.sending["a"] = "job"
    del lane.waiting["a"]
    assert list(lane.ready(0.0)) == ["b"]
    assert lane.next_time() == 0.0


def test_a_destination_that_was_away_is_tried_with_one_report() -> None:
    lane = Lane(PACS)
    for report in "abc":
        lane.add(report)
    lane.away(0.0, first=5)
    assert list(lane.ready(4.9)) == []
    assert lane.next_time() == 5.0
    assert list(lane.ready(5.0)) == ["a"]
    lane.answered()
    assert len(list(lane.ready(5.0))) == IN_FLIGHT


def test_what_was_under_way_together_counts_as_one_absence() -> None:
    lane = Lane(PACS)
    lane.away(0.0, first=5)
    lane.away(0.1, first=5)
    assert (lane.failures, lane.away_until) == (1, 5.0)
    lane.away(5.0, first=5)
    assert (lane.failures, lane.away_until) == (2, 25.0)


def test_a_lane_remembers_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "CAPACITY", 4)
    lane = Lane(PACS)
    for number in range(10):
        lane.add(str(number))
    assert len(lane.waiting) == 4
    assert lane.more
    assert not lane.wants_more
    for number in range(3):
        del lane.waiting[str(number)]
    assert lane.wants_more
