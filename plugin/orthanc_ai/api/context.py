"""What the handlers of the ``/ai/`` routes are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from ..batches.batches import Batches
from ..catalog.catalog import Catalog
from ..corrections.desk import Corrections
from ..counts import Counter
from ..desk import HandJob, QueueStatus
from ..models.card import ModelCard
from ..readiness import ModelState
from ..sending.delivery import DeliveryState, Destination
from ..server import Level, Server
from ..settings import AI
from ..sweeps import Reconciliation
from ..triage.triage import Triage
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

    def in_hand(self) -> tuple[HandJob, ...]:
        """The jobs in hand: those that run, then those that wait, in their order."""
        ...

    def pause(self) -> None:
        """Begin nothing more until further notice, which outlives a restart."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def retry(self, analysis: str, identifier: str) -> None:
        """Try one job again at once, whatever became of it, its attempts counted anew."""
        ...

    def retry_failed(self) -> int:
        """Try everything again that was given up; how much that is."""
        ...

    def reconcile(self, since: date | None) -> None:
        """Look through the whole archive for what has no outcome, from a day of reception on."""
        ...

    def reconciliation(self) -> Reconciliation | None:
        """The look through the archive that runs, or the latest one since the start."""
        ...


class Sender(Protocol):
    """Where reports are sent on."""

    def retry(self, report: str, destination: Destination) -> DeliveryState | None:
        """Send a report now, unless it is under way or done; ``None`` if it is not meant for the destination."""
        ...

    def retry_failed(self) -> int:
        """Send everything again that was given up; how many deliveries."""
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

    def device(self) -> str | None:
        """Where its scores are computed; ``None`` until that is known."""
        ...


@dataclass(frozen=True)
class Context:
    """Everything that a handler may use."""

    server: Server
    settings: AI
    queue: Queue
    sender: Sender
    models: Models
    access: Access
    counter: Counter
    catalog: Catalog
    batches: Mapping[str, Batches] = field(default_factory=dict)
    corrections: Corrections = field(kw_only=True)
    triage: Triage = field(kw_only=True)
    cards: Cards = field(init=False)

    def __post_init__(self) -> None:
        """Give the cards of all models, since findings may be of a model that is no longer the configured one."""
        object.__setattr__(self, "cards", Cards(self.settings.models_directory))
