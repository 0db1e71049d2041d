"""Which labels an X-ray gives its study, by the rules of `AI.Triage`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..models.card import ModelCard
from ..models.errors import CardError
from ..outcomes import Outcome
from ..settings import AI, SettingsError, TriageRule

_MEASURED = "MEASURED"
"""Code of a cardiothoracic ratio that could be measured."""


def labels_by(
    rules: Iterable[TriageRule], outcome: Outcome, metadata: Mapping[str, str], tags: Mapping[str, Any]
) -> frozenset[str]:
    """The labels that an X-ray gives its study.

    Parameters
    ----------
    outcome
        Of the X-ray. One that waits or has failed keeps the findings of the reading before, which count on.
    metadata, tags
        Orthanc's metadata of the instance, and its main tags, as far as the index has them.
    """
    return frozenset(rule.label for rule in rules if _fits(rule, outcome, metadata, tags))


def _fits(rule: TriageRule, outcome: Outcome, metadata: Mapping[str, str], tags: Mapping[str, Any]) -> bool:
    if outcome.data.get("demonstration", True) is not False and not rule.demonstration:
        return False
    if rule.models and outcome.model not in rule.models:
        return False
    if rule.views and str(tags.get("ViewPosition", "")).strip() not in rule.views:
        return False
    if not rule.sources.admit(metadata):
        return False
    if rule.cardiothoracic_ratio_above is not None:
        return _ratio(outcome) > rule.cardiothoracic_ratio_above
    return not scored(outcome, rule.threshold).isdisjoint(rule.findings)


def scored(outcome: Outcome, threshold: float | None = None) -> frozenset[str]:
    """Labels of the findings whose score is at or above a threshold, or above their own if none is given.

    Metadata can be edited by anybody who may write to Orthanc, so what is no finding is passed over.
    """
    found = outcome.data.get("findings")
    return frozenset(
        str(one.get("label"))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
        and _at_least(one.get("score"), one.get("threshold") if threshold is None else threshold)
    )


def _at_least(score: object, threshold: object) -> bool:
    return isinstance(score, int | float) and isinstance(threshold, int | float) and score >= threshold


def _ratio(outcome: Outcome) -> float:
    ratio = outcome.data.get("ratio")
    if isinstance(ratio, dict) and ratio.get("code") == _MEASURED and isinstance(ratio.get("value"), int | float):
        return float(ratio["value"])
    return 0.0


def check_rules(settings: AI, load: Callable[[str], ModelCard]) -> None:
    """See that every finding that a rule or a destination names is one that a model looks for.

    Parameters
    ----------
    load
        Gives a model's card by its name.

    Raises
    ------
    SettingsError
        With one line for each name that nothing bears.
    """
    faults = []
    for number, rule in enumerate(settings.triage):
        faults += _unknown(f"AI.Triage.{number}", rule.findings, rule.models or [settings.model], load)
    for field, limits in (
        ("Modalities", settings.send_to.modalities),
        ("DicomWebServers", settings.send_to.dicom_web_servers),
        ("Webhooks", settings.send_to.webhooks),
    ):
        for number, one in enumerate(limits):
            faults += _unknown(f"AI.SendTo.{field}.{number}", one.findings, [settings.model], load)
    if faults:
        raise SettingsError("\n".join(faults))


def _unknown(field: str, findings: list[str], models: list[str], load: Callable[[str], ModelCard]) -> list[str]:
    known: dict[str, None] = {}
    for name in models:
        try:
            known |= dict.fromkeys(output.label for output in load(name).outputs)
        except CardError as error:
            return [f"{field}.Models: found {name!r}; allowed: names of model cards ({error})"]
    allowed = f"what {' or '.join(models)} looks for ({', '.join(known)})"
    return [f"{field}.Findings: found {label!r}; allowed: {allowed}" for label in findings if label not in known]
