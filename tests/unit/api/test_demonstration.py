"""Demonstration reports are found by what the reports really say."""

import dataclasses
import fnmatch
from types import SimpleNamespace
from typing import cast

import pytest

from orthanc_ai.api.context import Context
from orthanc_ai.api.demonstration import REPORT_QUERY, Forgotten, forget
from orthanc_ai.api.views import DEMONSTRATION_WARNING
from orthanc_ai.codes import Code
from orthanc_ai.corrections.desk import Corrections
from orthanc_ai.models.card import ModelCard, load_card
from orthanc_ai.outcomes import CORRECTIONS_METADATA, TRIAGE_METADATA, XRAY_METADATA, Outcome, read_outcome
from orthanc_ai.report.provenance import DEMONSTRATION, PRODUCT, of_model
from orthanc_ai.server import Level
from orthanc_ai.settings import AI
from orthanc_ai.triage.triage import Triage
from tests.unit.sending.reading import outcome
from tests.unit.stand_in import Archive, KilledError

from .examples import MODEL, ROOT


def card(name: str, *, demonstration: bool) -> ModelCard:
    return dataclasses.replace(load_card(ROOT / "models", MODEL), name=name, demonstration=demonstration)


@pytest.mark.parametrize("name", ["phantom", "a", "a-model-with-a-name-that-is-much-longer-than-a-description-allows"])
def test_the_query_finds_the_reports_of_demonstration_models_only(name: str) -> None:
    for demonstration in (True, False):
        provenance = of_model(card(name, demonstration=demonstration), "0" * 64, "0.1.0", 0.05, ())
        description = provenance.series_description
        assert fnmatch.fnmatchcase(description, REPORT_QUERY["SeriesDescription"]) is demonstration
    assert REPORT_QUERY["Manufacturer"] == PRODUCT


def test_answers_warn_as_reports_do() -> None:
    for word in ("emonstration model trained on digital phantoms", "Not for diagnosis."):
        assert word in DEMONSTRATION
        assert word in DEMONSTRATION_WARNING


class Site:
    """An archive whose rules give labels by readings of a demonstration model, too."""

    def __init__(self) -> None:
        self.archive = Archive()
        self.restart()

    def restart(self) -> None:
        rules = [{"Label": "shown", "Findings": ["Mass"], "Demonstration": True}]
        self.triage = Triage(self.archive.server, AI.model_validate({"Triage": rules}))
        self.triage._begin()
        self.triage.step()

    def read(self, image: str, found: Outcome) -> None:
        server = self.archive.server
        resource = server.resource("instance", image)
        assert resource
        self.triage.settle(
            resource, found, lambda: server.set_metadata("instance", image, XRAY_METADATA, found.to_text())
        )

    def report(self, found: Outcome) -> None:
        """Its report is stored."""
        assert found.result
        report = self.archive.put(found.result.sop_instance_uid, modality="SR", series=found.result.series_instance_uid)
        self.archive.items[self.archive.items[report].parent].tags |= REPORT_QUERY

    def forget(self) -> Forgotten:
        server = self.archive.server
        context = SimpleNamespace(server=server, triage=self.triage, corrections=Corrections(server))
        return forget(cast(Context, context))

    def study(self, image: str) -> set[str]:
        """Labels of an image's study; that our record of them goes with them is looked at here."""
        study = self.archive.items[self.archive.items[self.archive.items[image].parent].parent]
        assert (TRIAGE_METADATA in study.metadata) is bool(study.labels)
        return study.labels


@pytest.mark.parametrize("moment", range(30))
def test_labels_of_a_demonstration_go_with_it_over_a_kill_at_any_moment(moment: int) -> None:
    site = Site()
    image = site.archive.put("i")
    found = outcome({"Mass": 0.9}, demonstration=True)
    site.read(image, found)
    site.report(found)
    assert site.study(image) == {"shown"}
    calls = 0

    def trouble(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls == moment + 1:
            raise KilledError

    site.archive.trouble = trouble
    try:
        site.forget()
    except KilledError:
        site.archive.trouble = lambda _: None
        site.restart()
        assert site.forget().remaining == 0
    assert site.study(image) == set()
    assert XRAY_METADATA not in site.archive.items[image].metadata
    assert site.archive.instances("SR") == []


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("code", [Code.HELD, Code.RETRYING, Code.FAILED])
def test_what_waits_for_another_model_keeps_no_findings_of_a_demonstration(
    code: Code, killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site()
    image = site.archive.put("i")
    found = outcome({"Mass": 0.9}, demonstration=True)
    site.report(found)
    site.read(image, dataclasses.replace(found, code=code, recipe=""))
    assert site.study(image) == {"shown"}, "what waits keeps the findings of the reading before"
    if killed:
        delete = site.archive.delete

        def deleted(level: Level, identifier: str) -> None:
            delete(level, identifier)
            raise KilledError

        with monkeypatch.context() as patch:
            patch.setattr(site.archive, "delete", deleted)
            with pytest.raises(KilledError):
                site.forget()
    assert site.forget().remaining == 0
    left = read_outcome(site.archive.items[image].metadata, XRAY_METADATA)
    assert left
    assert (left.code, left.result, left.data) == (code, None, {})
    assert site.study(image) == set()


def test_statements_that_somebody_has_spoiled_do_not_keep_others_asking_for_ever() -> None:
    site = Site()
    spoiled = '{"pending":false,"corrections":[{"demonstration":true}]}'
    image = site.archive.put("i", metadata={CORRECTIONS_METADATA: spoiled})
    assert site.forget().remaining == 0
    assert site.archive.items[image].metadata[CORRECTIONS_METADATA] == spoiled
