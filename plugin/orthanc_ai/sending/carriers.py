"""Who carries what: archives get reports by Orthanc's jobs, webhooks are told of them by this plugin itself."""

from collections.abc import Sequence
from typing import Protocol

from .couriers import Fate
from .delivery import Delivery, Destination
from .webhooks import POST, Webhooks


class Courier(Protocol):
    """Carries reports to destinations, and says what became of them."""

    def known(self) -> frozenset[Destination]:
        """The destinations that there are now."""
        ...

    def submit(self, report: str, destination: Destination, also: Sequence[str] = ()) -> str:
        """Have a report carried, and what is sent along; the name of the errand.

        Raises
        ------
        ServerError
            If Orthanc does not do its part.
        """
        ...

    def fate(self, job: str) -> Fate:
        """What became of an errand."""
        ...

    def may_be_under_way(self, report: str, delivery: Delivery) -> bool:
        """Whether an errand whose name was lost may still be under way."""
        ...

    def has(self, report: str, destination: Destination) -> bool:
        """Whether the destination says that it has a report."""
        ...

    def stop(self) -> None:
        """Wait for nothing any more."""
        ...


class Carriers:
    """Gives each errand to whoever does errands of its kind."""

    def __init__(self, orthanc: Courier, webhooks: Webhooks) -> None:
        self._orthanc = orthanc
        self._webhooks = webhooks

    def known(self) -> frozenset[Destination]:
        """The destinations that there are now."""
        return self._orthanc.known() | self._webhooks.known()

    def submit(self, report: str, destination: Destination, also: Sequence[str] = ()) -> str:
        """Have a report carried."""
        return self._to(destination).submit(report, destination, also)

    def fate(self, job: str) -> Fate:
        """What became of an errand."""
        return (self._webhooks if job.startswith(POST) else self._orthanc).fate(job)

    def may_be_under_way(self, report: str, delivery: Delivery) -> bool:
        """Whether an errand whose name was lost may still be under way."""
        return self._to(delivery.destination).may_be_under_way(report, delivery)

    def has(self, report: str, destination: Destination) -> bool:
        """Whether the destination says that it has a report."""
        return self._to(destination).has(report, destination)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._webhooks.stop()

    def _to(self, destination: Destination) -> Courier:
        return self._webhooks if destination.kind == "webhook" else self._orthanc
