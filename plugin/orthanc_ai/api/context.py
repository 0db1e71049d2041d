"""What the handlers of the ``/ai/`` routes are given."""

from dataclasses import dataclass, field
from typing import Protocol

from ..counts import Counter
from ..desk import QueueStatus
from ..models.card import ModelCard
from ..readiness import ModelState
from ..server import Level, Server
from ..settings import AI
from .access import Access
from .cards import Cards


class Queue(Protocol):
    """Where work is asked for."""

    def request(self, level: Level, identifier: str) -> int:
        """Ask for the analysis of a resource: of its X-ray instances, and of its CT studies.

        Parameters
        ----------
        identifier
            Orthanc identifier.

        Returns
        -------
        Number of jobs; 0 if there is nothing that an analysis is about.
        """
        ...

    def status(self) -> QueueStatus:
        """How the work stands."""
        ...


class Models(Protocol):
    """The configured model."""

    @property
    def card(self) -> ModelCard:
        """Its card, with the thresholds of the settings."""
        ...

    def state(self) -> ModelState:
        """Whether it is ready."""
        ...


@dataclass(frozen=True)
class Context:
    """Everything that a handler may use."""

    server: Server
    settings: AI
    queue: Queue
    models: Models
    access: Access
    counter: Counter
    cards: Cards = field(init=False)

    def __post_init__(self) -> None:
        """Give the cards of all models, since findings may be of a model that is no longer the configured one."""
        object.__setattr__(self, "cards", Cards(self.settings.models_directory))
