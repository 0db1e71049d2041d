"""Demonstration reports are found by what the reports really say."""

import dataclasses
import fnmatch

import pytest

from orthanc_ai.api.demonstration import REPORT_QUERY
from orthanc_ai.api.views import DEMONSTRATION_WARNING
from orthanc_ai.models.card import ModelCard, load_card
from orthanc_ai.report.provenance import DEMONSTRATION, PRODUCT, of_model

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
