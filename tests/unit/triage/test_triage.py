"""Labels stay in step with outcomes: over kills at every step, re-readings, deletions and changed rules."""

from itertools import cycle
from typing import Any

import pytest

from orthanc_ai.outcomes import TRIAGE_METADATA, XRAY_METADATA, read_outcome
from orthanc_ai.server import ServerError
from orthanc_ai.settings import AI
from orthanc_ai.triage import triage as room
from orthanc_ai.triage.triage import PROPERTY, Triage

from ..sending.reading import outcome
from ..stand_in import Archive, KilledError

URGENT = {"Label": "urgent", "Findings": ["Pneumothorax"]}
NODULE = {"Label": "nodule", "Findings": ["Nodule"], "Threshold": 0.7}


class Desk:
    """An archive, and what gives its studies labels."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.archive = Archive()
        self.start(*(rules or (URGENT, NODULE)))

    def start(self, *rules: dict[str, Any]) -> None:
        """As after a restart, with these rules."""
        self.triage = Triage(self.archive.server, AI.model_validate({"Triage": list(rules)}))
        self.triage._begin()
        self.triage.step()

    def read(self, image: str, **scores: float) -> None:
        """A job ends."""
        server = self.archive.server
        found = server.resource("instance", image)
        assert found is not None
        read = outcome(scores)
        text = read.to_text()
        self.triage.settle(found, read, lambda: server.set_metadata("instance", image, XRAY_METADATA, text))

    def delete(self, image: str) -> None:
        """Orthanc deletes an image, and tells of it."""
        self.archive.delete("instance", image)
        self.triage.deleted(image)
        self.triage.step()

    def labels(self, image: str) -> set[str]:
        """Labels of an image's study."""
        series = self.archive.items[image].parent
        return self.archive.items[self.archive.items[series].parent].labels


def test_one_image_of_a_study_is_enough_in_any_order() -> None:
    desk = Desk()
    first, second = desk.archive.put("a"), desk.archive.put("b")
    other = desk.archive.put("c", study="2")
    desk.read(first, Pneumothorax=0.6)
    desk.read(second, Pneumothorax=0.1, Nodule=0.9)
    desk.read(other, Nodule=0.69)
    assert desk.labels(first) == {"urgent", "nodule"}
    assert desk.labels(other) == set()


def test_a_label_goes_when_no_image_fits_any_more() -> None:
    desk = Desk()
    first, second = desk.archive.put("a"), desk.archive.put("b")
    desk.labels(first).add("of-somebody-else")
    desk.read(first, Pneumothorax=0.6)
    desk.read(second, Pneumothorax=0.7)
    desk.read(first, Pneumothorax=0.2)
    assert desk.labels(first) == {"urgent", "of-somebody-else"}
    desk.delete(second)
    assert desk.labels(first) == {"of-somebody-else"}
    study = desk.archive.items[desk.archive.items[first].parent].parent
    assert TRIAGE_METADATA not in desk.archive.items[study].metadata


def test_a_label_that_somebody_else_has_given_before_stays() -> None:
    desk = Desk()
    image = desk.archive.put("a")
    desk.labels(image).add("urgent")
    desk.read(image, Pneumothorax=0.6)
    desk.read(image, Pneumothorax=0.2)
    assert desk.labels(image) == {"urgent"}


def test_what_waits_or_has_failed_keeps_its_label() -> None:
    desk = Desk()
    image = desk.archive.put("a")
    desk.read(image, Pneumothorax=0.6)
    before = read_outcome(desk.archive.items[image].metadata, XRAY_METADATA)
    assert before
    desk.triage.apply()
    desk.triage.step()
    assert desk.labels(image) == {"urgent"}


def test_a_change_of_rules_reaches_the_studies_that_were_settled_before() -> None:
    desk = Desk(NODULE)
    images = [desk.archive.put(str(number), study=str(number)) for number in range(5)]
    for number, image in enumerate(images):
        desk.read(image, Pneumothorax=number / 4, Nodule=0.9)
    desk.start(URGENT)
    assert [desk.labels(image) for image in images] == [set(), set(), {"urgent"}, {"urgent"}, {"urgent"}]
    progress = desk.triage.progress()
    assert progress
    assert (progress.studies, progress.looked_at, progress.given, progress.taken) == (5, 5, 3, 5)
    assert progress.ended
    calls = desk.archive.calls.copy()
    desk.start(URGENT)
    assert desk.triage.progress() is None
    assert (desk.archive.calls - calls)["find"] <= 1, "with the same rules nothing is looked through"
    desk.triage = Triage(desk.archive.server, AI())
    desk.triage._begin()
    desk.triage.step()
    assert all(desk.labels(image) == set() for image in images)
    assert desk.archive.properties[PROPERTY] == ""


def test_what_was_deleted_while_nobody_listened_is_seen_at_the_start() -> None:
    desk = Desk()
    first, second = desk.archive.put("a"), desk.archive.put("b")
    desk.read(first, Pneumothorax=0.6)
    desk.archive.delete("instance", first)
    desk.start(URGENT, NODULE)
    assert desk.labels(second) == set()


def test_an_image_that_is_deleted_while_it_is_read_leaves_no_label() -> None:
    desk = Desk()
    first, second = desk.archive.put("a"), desk.archive.put("b")
    found = desk.archive.server.resource("instance", first)
    assert found

    def write() -> bool:
        desk.archive.delete("instance", first)
        return False

    assert not desk.triage.settle(found, outcome({"Pneumothorax": 0.9}), write)
    desk.triage.step()
    assert desk.labels(second) == set()


@pytest.mark.parametrize("end", [KilledError(), ServerError("database is locked")])
@pytest.mark.parametrize("scores", [{"Pneumothorax": 0.9}, {"Pneumothorax": 0.1}, {"Nodule": 0.9}])
def test_a_kill_at_any_step_leaves_no_wrong_label(end: BaseException, scores: dict[str, float]) -> None:
    """The job is repeated, since its outcome was not written."""
    for step in range(40):
        desk = Desk()
        image = desk.archive.put("a")
        desk.labels(image).add("of-somebody-else")
        desk.read(image, Pneumothorax=0.8)
        left = [step]

        def trouble(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise end

        desk.archive.trouble = trouble
        try:
            desk.read(image, **scores)
        except type(end):
            desk.archive.trouble = lambda _: None
            desk.start(URGENT, NODULE)
            desk.read(image, **scores)
        desk.archive.trouble = lambda _: None
        expected = {
            label
            for label, finding in (("urgent", "Pneumothorax"), ("nodule", "Nodule"))
            if scores.get(finding, 0) > 0.7
        }
        assert desk.labels(image) == expected | {"of-somebody-else"}
        # What is ours is known to be: it goes with the finding.
        desk.read(image)
        assert desk.labels(image) == {"of-somebody-else"}
        if left[0] >= 0:
            return
    pytest.fail("never came to the end")


def test_while_a_look_through_all_is_asked_for_no_earlier_one_has_ended() -> None:
    desk = Desk()
    desk.archive.put("a")
    desk.triage.apply()
    desk.triage.step()
    states: list[bool] = []

    def watch(_: str) -> None:
        progress = desk.triage.progress()
        assert progress
        states.append(bool(progress.ended))

    desk.archive.trouble = watch
    desk.triage.apply()
    desk.triage.step()
    assert states
    assert not any(states)
    final = desk.triage.progress()
    assert final
    assert final.ended


def test_a_busy_database_only_delays_a_look_through_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_REST_S", 0.0)
    desk = Desk(NODULE)
    images = [desk.archive.put(str(number), study=str(number)) for number in range(3)]
    for image in images:
        desk.read(image, Pneumothorax=0.9)
    desk.triage = Triage(desk.archive.server, AI.model_validate({"Triage": [URGENT]}))
    failing = cycle([True, False, False])

    def trouble(name: str) -> None:
        if name in ("resource", "find") and next(failing):
            raise ServerError("database is locked")

    desk.archive.trouble = trouble
    assert not desk.triage._tried(desk.triage._begin)
    assert desk.triage._tried(desk.triage._begin)
    for _ in range(20):
        desk.triage._tried(desk.triage.step)
    assert all(desk.labels(image) == {"urgent"} for image in images)
    progress = desk.triage.progress()
    assert progress
    assert progress.looked_at == 3
    assert progress.ended
