"""``/ai/triage``: which labels studies get, how many bear them, and a look through all studies."""

from typing import Literal

from ..settings import TriageRule
from .context import Context
from .views import View

PATH = "/ai/triage"


class RuleView(View):
    """A rule of `AI.Triage`; an empty list limits nothing."""

    label: str
    findings: list[str]
    threshold: float | None
    """`null`: that of each finding."""
    cardiothoracic_ratio_above: float | None
    remote_aet: list[str]
    called_aet: list[str]
    origin: list[str]
    models: list[str]
    views: list[str]
    demonstration: bool
    """Whether readings of a demonstration model fit, too."""

    @classmethod
    def of(cls, rule: TriageRule) -> "RuleView":
        """A rule as an answer has it."""
        return cls(
            label=rule.label,
            findings=rule.findings,
            threshold=rule.threshold,
            cardiothoracic_ratio_above=rule.cardiothoracic_ratio_above,
            remote_aet=rule.sources.remote_aet,
            called_aet=rule.sources.called_aet,
            origin=list(rule.sources.origin),
            models=rule.models,
            views=list(rule.views),
            demonstration=rule.demonstration,
        )


class LabelView(View):
    """A label that rules give."""

    label: str
    studies: int
    """Studies that bear it, whoever gave it."""


class SweepView(View):
    """How far the look through all studies has come that runs, or the latest one."""

    state: Literal["none", "waiting", "running", "ended"]
    """`none`: there was none since the server started. `waiting`: it is asked for and has not begun."""
    studies: int
    looked_at: int
    given: int
    """Labels."""
    taken: int
    """Labels."""
    started: str | None
    """ISO 8601, UTC."""
    ended: str | None
    """ISO 8601, UTC."""


class TriageView(View):
    """Rules, labels, progress."""

    rules: list[RuleView]
    labels: list[LabelView]
    sweep: SweepView


def show(context: Context) -> TriageView:
    """The rules, the labels that they give, and how far the look through all studies is."""
    rules = context.triage.rules
    labels = dict.fromkeys(rule.label for rule in rules)
    return TriageView(
        rules=[RuleView.of(rule) for rule in rules],
        labels=[LabelView(label=one, studies=context.server.count("study", labels=(one,))) for one in labels],
        sweep=_sweep(context),
    )


def apply(context: Context) -> TriageView:
    """Ask for a look through all studies; one that runs begins anew."""
    context.triage.apply()
    return show(context)


def _sweep(context: Context) -> SweepView:
    latest = context.triage.progress()
    if latest is None:
        return SweepView(state="none", studies=0, looked_at=0, given=0, taken=0, started=None, ended=None)
    return SweepView(
        state="ended" if latest.ended else "running" if latest.started else "waiting",
        studies=latest.studies,
        looked_at=latest.looked_at,
        given=latest.given,
        taken=latest.taken,
        started=latest.started or None,
        ended=latest.ended or None,
    )
