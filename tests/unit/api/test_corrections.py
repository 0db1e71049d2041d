"""Agreeing and disagreeing by the routes: who may, what is refused, and that nothing is written twice."""

import csv
import io
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from orthanc_ai.api.access import Access
from orthanc_ai.api.http import Problem, Request
from orthanc_ai.api.routes import Routes
from orthanc_ai.codes import Code
from orthanc_ai.corrections.correction import State
from orthanc_ai.corrections.journal import from_text
from orthanc_ai.outcomes import CORRECTIONS_METADATA, Outcome
from orthanc_ai.server import Level, Resource

from .examples import OPEN, Archive, context, identifier, image, reported

USERS = {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "1", "bob": "2", "carol": "3", "a=b": "4"}}


class Writable(Archive):
    """An archive whose metadata can be written."""

    def set_metadata(self, level: Level, identifier: str, name: str, text: str) -> bool:
        found = self.resource(level, identifier)
        if found is None:
            return False
        assert isinstance(found.metadata, dict)
        found.metadata[name] = text
        return True

    def remove_metadata(self, level: Level, identifier: str, name: str) -> None:
        found = self.resource(level, identifier)
        assert found is not None
        assert isinstance(found.metadata, dict)
        found.metadata.pop(name, None)


class Site:
    """One image with a report on a mass and a nodule, and the routes over it."""

    def __init__(self, access: Access = OPEN, outcome: Outcome | None = None) -> None:
        self.archive = Writable([image(1, outcome or reported({"Mass": 0.9, "Nodule": 0.2})), image(2)])
        self.context = context(self.archive, access)
        self.routes = Routes(self.context)

    def ask(
        self, method: str, path: str, body: Any = None, user: str = "", query: Mapping[str, str] | None = None
    ) -> Any:
        password = USERS["RegisteredUsers"].get(user, "")  # type: ignore[attr-defined]
        headers = {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()} if user else {}
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.routes.answer(Request(method, path, query or {}, headers, content))
        return answer.body.decode() if answer.content_type.startswith("text/csv") else json.loads(answer.body)

    def post(self, body: Any, user: str = "", number: int = 1) -> Any:
        return self.ask("POST", f"/ai/instances/{identifier(number)}/corrections", body, user)

    def there(self) -> Any:
        return self.ask("GET", f"/ai/instances/{identifier(1)}/corrections")["corrections"]

    def refused(self, body: Any, user: str = "", number: int = 1) -> Code:
        before = [dict(row.metadata) for row in self.archive.rows]
        with pytest.raises(Problem) as problem:
            self.post(body, user, number)
        assert [dict(row.metadata) for row in self.archive.rows] == before
        return problem.value.code

    def store(self, uid: str, number: int = 9) -> None:
        """The SR of a correction is in the archive."""
        tags = {**self.archive.rows[0].tags, "SOPInstanceUID": uid, "Modality": "SR"}
        self.archive.rows.append(Resource("instance", identifier(number), tags, {}))


def says(*findings: tuple[str, bool], **parts: Any) -> dict[str, Any]:
    return {"reader": "Dr. A", "findings": [{"finding": name, "present": here} for name, here in findings], **parts}


def test_what_was_said_is_answered_and_listed_newest_first() -> None:
    site = Site()
    first = site.post(says(("Nodule", True), ("Mass", True), comment="seen\nby two"))
    assert (first["reader"], first["login"], first["state"]) == ("Dr. A", False, "pending")
    assert [(one["finding"], one["present"], one["agrees"]) for one in first["findings"]] == [
        ("Nodule", True, False),
        ("Mass", True, True),
    ]
    assert first["comment"] == "seen\nby two"
    assert first["reportUID"] == "2.25.1"
    second = site.post(says(("Mass", False)))
    assert [one["at"] for one in site.there()] == [second["at"], first["at"]]
    kept = from_text(site.archive.rows[0].metadata[CORRECTIONS_METADATA])
    assert [one.previous and one.previous.sop_instance_uid for one in kept] == [
        None,
        first["correction"]["sopInstanceUID"],
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (says(), Code.NOTHING_STATED),
        (says(("Hernia", True)), Code.FINDING_UNKNOWN),
        (says(("Mass", True), reader=""), Code.READER_MISSING),
        (says(("Mass", True), reader=" \u2003 "), Code.READER_MISSING),
        (says(("Mass", True), reader="^^"), Code.READER_MISSING),
        (says(("Mass", True), reader="A=B"), Code.BAD_REQUEST),
        (says(("Mass", True), reader="A\\B"), Code.BAD_REQUEST),
        (says(("Mass", True), reader="A\x1bB"), Code.BAD_REQUEST),
        (says(("Mass", True), reader="A" * 65), Code.BAD_REQUEST),
        (says(("Mass", True), comment="\x1b"), Code.BAD_REQUEST),
        (says(("Mass", True), comment="x" * 2001), Code.BAD_REQUEST),
        (says(("Mass", True), ("Mass", False)), Code.BAD_REQUEST),
        ({"reader": "A", "findings": [{"finding": "Mass", "present": 1}]}, Code.BAD_REQUEST),
    ],
)
def test_what_cannot_be_understood_is_refused_and_leaves_no_trace(body: Any, code: Code) -> None:
    assert Site().refused(body) is code


def test_only_what_has_a_report_can_be_corrected() -> None:
    assert Site().refused(says(("Mass", True)), number=2) is Code.NOTHING_TO_CORRECT
    assert Site(outcome=Outcome(Code.NOT_CHEST, "r")).refused(says(("Mass", True))) is Code.NOTHING_TO_CORRECT


def test_a_login_is_the_reader_and_speaks_for_nobody_else() -> None:
    site = Site(Access.of(USERS, ["alice"], ["bob", "a=b"]))
    assert site.refused(says(("Mass", True)), "bob") is Code.READER_DIFFERS
    assert site.refused(says(("Mass", True), reader="alice"), "bob") is Code.READER_DIFFERS
    assert site.refused(says(("Mass", True), reader=""), "a=b") is Code.BAD_REQUEST
    for user, reader in (("bob", ""), ("alice", "alice")):
        stored = site.post(says(("Mass", True), reader=reader), user)
        assert (stored["reader"], stored["login"]) == (user, True)
    asked = site.ask("GET", f"/ai/instances/{identifier(1)}/corrections", user="bob")
    assert (asked["reader"], asked["mayCorrect"], len(asked["corrections"])) == ("bob", True, 2)


def test_who_is_neither_operator_nor_reader_only_reads() -> None:
    site = Site(Access.of(USERS, ["alice"], ["bob"]))
    for user in ("carol", ""):
        assert site.refused(says(("Mass", True), reader=user), user) is Code.OPERATOR_ONLY
    asked = site.ask("GET", f"/ai/instances/{identifier(1)}/corrections", user="carol")
    assert (asked["reader"], asked["mayCorrect"]) == ("carol", False)
    everybody = Site(Access.of(USERS, [], ["*"]))
    assert everybody.post(says(("Mass", True), reader=""), "carol")["reader"] == "carol"


def test_a_reader_may_do_nothing_else() -> None:
    site = Site(Access.of(USERS, ["alice"], ["*"]))
    for route in site.routes.table:
        if route.changes and not route.of_readers:
            path = route.template.replace("{", "").replace("}", "")
            with pytest.raises(Problem) as problem:
                site.ask(route.method, path, user="bob")
            assert problem.value.code is Code.OPERATOR_ONLY
    assert [route.template for route in site.routes.table if route.of_readers] == ["/ai/instances/{id}/corrections"]


def test_the_same_request_twice_is_one_correction() -> None:
    site = Site()
    once, again = site.post(says(("Mass", True))), site.post(says(("Mass", True)))
    assert once == again
    other = site.post(says(("Mass", True), reader="Dr. B"))
    assert len(site.there()) == 2
    assert other["correction"] != once["correction"]


def test_a_key_names_a_request_even_after_a_later_one() -> None:
    site = Site()
    first = site.post(says(("Mass", True), key="k1"))
    site.post(says(("Mass", False), key="k2"))
    assert site.post(says(("Mass", True), key="k1")) == first
    assert len(site.there()) == 2
    assert site.refused(says(("Nodule", True), key="k1")) is Code.BAD_REQUEST
    assert site.post(says(("Nodule", True), key="k1", reader="Dr. B"))["reader"] == "Dr. B"


def test_deleting_the_sr_takes_a_statement_back() -> None:
    site = Site()
    uid = site.post(says(("Mass", True)))["correction"]["sopInstanceUID"]
    site.store(uid)
    [kept] = site.context.corrections.pending(identifier(1))
    site.context.corrections.settle(identifier(1), kept, State.STORED)
    [listed] = site.there()
    assert (listed["state"], listed["correction"]["instanceID"]) == ("stored", identifier(9))
    site.archive.rows.pop()
    assert site.there() == []
    assert site.ask("GET", "/ai/corrections")["corrections"] == []
    anew = site.post(says(("Mass", True)))
    assert anew["correction"]["sopInstanceUID"] != uid


def test_what_could_not_become_an_sr_is_tried_again_when_it_is_said_again() -> None:
    site = Site()
    rung: list[str] = []
    site.context.corrections.on_stated = rung.append
    first = site.post(says(("Mass", True)))
    [kept] = site.context.corrections.pending(identifier(1))
    site.context.corrections.settle(identifier(1), kept, State.FAILED, Code.NOTHING_TO_CORRECT)
    assert [(one["state"], one["code"]) for one in site.there()] == [("failed", "NOTHING_TO_CORRECT")]
    assert site.post(says(("Mass", True))) == first
    assert rung == [identifier(1)] * 2


def test_readers_at_once_lose_nothing() -> None:
    site = Site()
    bodies = [says(("Mass", bool(number % 2)), reader=f"Dr. {number}") for number in range(16)]
    threads = [Thread(target=site.post, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one["reader"] for one in site.there()} == {f"Dr. {number}" for number in range(16)}


def test_an_image_has_room_for_two_hundred() -> None:
    site = Site()
    for number in range(200):
        site.post(says(("Mass", True), reader=f"Dr. {number}"))
    assert site.refused(says(("Mass", True))) is Code.TOO_MANY_CORRECTIONS


def test_forgetting_the_demonstration_forgets_what_was_said_of_it_alone() -> None:
    comment = 'of "demonstration":true'
    for demonstration in (True, False):
        site = Site(outcome=reported({"Mass": 0.9}, demonstration=demonstration))
        result = site.context.server.resource("instance", identifier(1))
        assert result is not None
        outcome = Outcome.from_text(result.metadata["ai-xray-findings"])
        assert outcome.result is not None
        kept = replace(outcome, result=replace(outcome.result, demonstration=demonstration))
        site.archive.set_metadata("instance", identifier(1), "ai-xray-findings", kept.to_text())
        site.post(says(("Mass", True), comment=comment))
        forgotten = site.ask("DELETE", "/ai/demonstration")
        assert forgotten["remaining"] == 0
        assert len(site.there()) == (0 if demonstration else 1)


def test_agreement_counts_each_readers_latest_word_once() -> None:
    site = Site()
    site.post(says(("Mass", False), ("Nodule", False), reader="Dr. A"))
    site.post(says(("Mass", True), reader="Dr. A"))
    site.post(says(("Mass", False), ("Nodule", True), reader="Dr. B"))
    answer = site.ask("GET", "/ai/corrections/agreement")
    assert (answer["images"], answer["complete"]) == (1, True)
    counts = ("statements", "abovePresent", "aboveAbsent", "belowPresent", "belowAbsent", "agreement", "disputed")
    assert {one["finding"]: tuple(one[name] for name in counts) for one in answer["findings"]} == {
        "Mass": (2, 1, 1, 0, 0, 0.5, 1),
        "Nodule": (2, 0, 0, 1, 1, 0.5, 1),
    }
    [nodule] = [
        row
        for row in csv.DictReader(
            io.StringIO(site.ask("GET", "/ai/corrections/agreement", query={"format": "csv", "reader": "Dr.+B"}))
        )
        if row["finding"] == "Nodule"
    ]
    assert (nodule["statements"], nodule["belowPresent"], nodule["agreement"]) == ("1", "1", "0.0")
    assert site.ask("GET", "/ai/corrections/agreement", query={"model": "other"})["findings"] == []


@pytest.mark.parametrize("text", ["{", "[]", '{"corrections":[{}]}', '{"corrections":[{"at":"\\ud800"}]}'])
def test_a_spoiled_journal_is_reported_and_not_written_over(text: str) -> None:
    site = Site()
    site.archive.set_metadata("instance", identifier(1), CORRECTIONS_METADATA, text)
    assert site.refused(says(("Mass", True))) is Code.CORRECTIONS_UNREADABLE
    with pytest.raises(Problem) as problem:
        site.there()
    assert problem.value.code is Code.CORRECTIONS_UNREADABLE


def test_the_list_is_filtered_and_comes_as_a_table_without_formulas() -> None:
    site = Site()
    site.post(says(("Mass", True), ("Nodule", True), reader="Dr. A"))
    site.post(says(("Mass", True), reader="Dr. B", comment="=1+1"))

    def readers(**query: str) -> list[str]:
        found = site.ask("GET", "/ai/corrections", query=query)["corrections"]
        return [one["reader"] for one in found]

    assert readers() == ["Dr. B", "Dr. A"]
    assert readers(reader="Dr. B") == ["Dr. B"]
    assert readers(agrees="false") == ["Dr. A"]
    assert readers(agrees="false", finding="Mass") == []
    assert readers(model="other") == []
    rows = list(csv.DictReader(io.StringIO(site.ask("GET", "/ai/corrections", query={"format": "csv"}))))
    assert [(row["reader"], row["finding"], row["present"], row["agrees"]) for row in rows] == [
        ("Dr. B", "Mass", "true", "true"),
        ("Dr. A", "Mass", "true", "true"),
        ("Dr. A", "Nodule", "true", "false"),
    ]
    assert rows[0]["comment"] == "'=1+1"
