"""``/ai/models``: what models there are, what they look for, and in whom."""

from ..codes import Code
from ..models.card import ModelCard
from .context import Context
from .http import Problem
from .status import ConfiguredModel, configured_model
from .views import DEMONSTRATION_WARNING, ConceptView, View


class OutputView(View):
    """One finding that a model offers."""

    label: str
    concept: ConceptView
    site: ConceptView
    threshold: float
    """The score from which on the finding counts as present, 0 to 1."""


class IntendedUseView(View):
    """For whom and for which images a model is meant."""

    text: str
    views: list[str]
    """View Position (0018,5101)."""
    minimum_age_years: float | None
    maximum_age_years: float | None


class ModelView(View):
    """A model card."""

    name: str
    title: str
    version: str
    manufacturer: str
    licence: str
    source: str
    architecture: str
    input_size: int
    """Side of the square input image in pixels."""
    demonstration: bool
    """Not for diagnosis: its reports carry scores and decide nothing."""
    warning: str | None
    intended_use: IntendedUseView
    outputs: list[OutputView]
    digest: str
    """SHA-256 of everything that the card says."""
    state: ConfiguredModel | None
    """Only of the configured model."""


class ModelList(View):
    """The model cards."""

    configured: str
    """Name of the model that reads the images: `AI.Model`."""
    models: list[ModelView]


def list_models(context: Context) -> ModelList:
    """All models that can be configured."""
    cards = [_card(context, name) for name in context.cards.names()]
    return ModelList(
        configured=context.models.card.name, models=[_view(context, card) for card in cards if card is not None]
    )


def model(context: Context, name: str) -> ModelView:
    """One model.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    card = _card(context, name)
    if card is None:
        raise Problem(Code.NOT_FOUND, f"There is no model {name!r}; there are: {', '.join(context.cards.names())}.")
    return _view(context, card)


def _card(context: Context, name: str) -> ModelCard | None:
    """A card; the configured one with the thresholds of the settings."""
    configured = context.models.card
    return configured if name == configured.name else context.cards.card(name)


def _view(context: Context, card: ModelCard) -> ModelView:
    use = card.intended_use
    return ModelView(
        name=card.name,
        title=card.title,
        version=card.version,
        manufacturer=card.manufacturer,
        licence=card.licence,
        source=card.source,
        architecture=card.architecture,
        input_size=card.input_size,
        demonstration=card.demonstration,
        warning=DEMONSTRATION_WARNING if card.demonstration else None,
        intended_use=IntendedUseView(
            text=" ".join(use.text.split()),
            views=list(use.views),
            minimum_age_years=use.minimum_age_years,
            maximum_age_years=use.maximum_age_years,
        ),
        outputs=[
            OutputView(
                label=output.label,
                concept=ConceptView.of(output.finding),
                site=ConceptView.of(output.site),
                threshold=output.threshold,
            )
            for output in card.outputs
        ],
        digest=card.digest,
        state=configured_model(context) if card.name == context.models.card.name else None,
    )
