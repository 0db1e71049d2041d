"""The mark of a report is read back as it was written, and found by its state."""

import fnmatch
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.codes import Code
from orthanc_ai.sending.delivery import (
    FAILED_PATTERN,
    OPEN,
    OPEN_PATTERN,
    Delivery,
    DeliveryState,
    Destination,
    Kind,
    Mark,
    MarkError,
    destinations,
    read_mark,
)
from orthanc_ai.settings import SendTo

times = st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat())
names = st.text(min_size=1, max_size=20)
places = st.builds(Destination, st.sampled_from(get_args(Kind)), names)
deliveries = st.builds(
    Delivery,
    destination=places,
    state=st.sampled_from(DeliveryState),
    attempts=st.integers(0, 10**6),
    job=st.text(max_size=40),
    since=times,
    due=st.just("") | times,
    code=st.none() | st.sampled_from(Code),
    detail=st.text(max_size=300),
    also=st.lists(st.text(max_size=44), max_size=2).map(tuple),
)
events = st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.lists(st.floats(0, 1), max_size=3), max_size=3)
marks = st.builds(
    Mark, st.lists(deliveries, max_size=5, unique_by=lambda one: one.destination).map(tuple), event=events
)


def matches(text: str, pattern: str) -> bool:
    """As Orthanc's index does; brackets are themselves."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


@given(marks)
def test_a_mark_is_read_back(mark: Mark) -> None:
    assert Mark.from_text(mark.to_text()) == mark


@given(marks)
def test_patterns_find_what_they_are_for_whatever_a_detail_says(mark: Mark) -> None:
    text = mark.to_text()
    assert matches(text, OPEN_PATTERN) is any(one.state in OPEN for one in mark.deliveries)
    assert matches(text, FAILED_PATTERN) is any(one.state is DeliveryState.FAILED for one in mark.deliveries)


def test_a_detail_cannot_pass_for_a_state() -> None:
    liar = Delivery(Destination("modality", '"state":"failed"'), detail='"state":"failed"')
    assert not matches(Mark((liar,)).to_text(), FAILED_PATTERN)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_what_is_no_mark_is_said_to_be_none(text: str) -> None:
    assert read_mark(text) is None


@pytest.mark.parametrize(
    "spoiled",
    [
        '{"to":[{"destination":"modality:PACS","state":"lost","since":"2026-01-02T03:04:05+00:00"}]}',
        '{"to":[{"destination":"PACS","state":"due","since":"2026-01-02T03:04:05+00:00"}]}',
        '{"to":[{"destination":"modality:PACS","state":"due","since":"yesterday"}]}',
        '{"to":[{"destination":"modality:PACS","state":"due","since":"2026-01-02T03:04:05"}]}',
        '{"to":[{"destination":"modality:PACS","state":"due","since":"2026-01-02T03:04:05+00:00","due":7}]}',
        '{"to":[{"destination":"modality:PACS","state":"due","since":"2026-01-02T03:04:05+00:00","attempts":1e999}]}',
        '{"to":[{"destination":"modality:\\ud800","state":"due","since":"2026-01-02T03:04:05+00:00"}]}',
        '{"to":['
        + ",".join(['{"destination":"modality:PACS","state":"due","since":"2026-01-02T03:04:05+00:00"}'] * 2)
        + "]}",
        "[" * 100_000,
    ],
)
def test_a_spoiled_mark_is_refused(spoiled: str) -> None:
    with pytest.raises(MarkError):
        Mark.from_text(spoiled)


def test_a_changed_delivery_leaves_the_others_alone() -> None:
    first, second = (Destination("modality", name) for name in ("A", "B"))
    mark = Mark.fresh((first, second))
    changed = mark.with_delivery(Delivery(second, DeliveryState.SENT))
    assert changed.to(first) == mark.to(first)
    assert changed.to(second) == Delivery(second, DeliveryState.SENT, since=changed.deliveries[1].since)
    assert changed.to(Destination("dicom-web", "A")) is None


def test_an_event_is_kept_until_every_webhook_knows_it() -> None:
    first, second = (Destination("webhook", name) for name in ("A", "B"))
    mark = Mark((Delivery(first), Delivery(second), Delivery(Destination("modality", "C"))), {"type": "xray.reported"})
    told = mark.with_delivery(Delivery(first, DeliveryState.SENT))
    assert told.with_delivery(Delivery(second, DeliveryState.FAILED)).event == mark.event
    assert told.with_delivery(Delivery(second, DeliveryState.SENT)).event == {}


def test_destinations_are_those_of_the_settings_each_once() -> None:
    webhook = {"Name": "A", "Url": "https://a.example/", "SecretFile": "/run/secret"}
    found = destinations(
        SendTo.model_validate(
            {"Modalities": ["A", {"Name": "B"}, "A"], "DicomWebServers": ["A"], "Webhooks": [webhook]}
        )
    )
    assert [str(one) for one in found] == ["modality:A", "modality:B", "dicom-web:A", "webhook:A"]


@given(places)
def test_a_destination_is_read_back(place: Destination) -> None:
    assert Destination.parse(str(place)) == place
