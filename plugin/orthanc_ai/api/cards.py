"""The model cards that there are, each read once."""

from functools import lru_cache
from pathlib import Path

from ..models.card import ModelCard, Output, card_names, load_card
from ..models.errors import CardError

REMEMBERED = 64
"""How many cards are kept; their names come from requests and from metadata, so anything may be asked for."""


class Cards:
    """The model cards of a folder.

    Findings in the archive may be of any of these models, or of one whose card has gone since.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._load = lru_cache(REMEMBERED)(self._read)

    def names(self) -> tuple[str, ...]:
        """Names of the models."""
        return card_names(self._folder)

    def card(self, name: str) -> ModelCard | None:
        """The card of a model; ``None`` if there is none that can be used."""
        found = self._load(name)
        return found[0] if found else None

    def output(self, model: str, label: str) -> Output | None:
        """What a label of a model means; ``None`` if it is not known any more."""
        found = self._load(model)
        return found[1].get(label) if found else None

    def _read(self, name: str) -> tuple[ModelCard, dict[str, Output]] | None:
        if name not in self.names():
            return None
        try:
            card = load_card(self._folder, name)
        except CardError:
            return None
        return card, {output.label: output for output in card.outputs}
