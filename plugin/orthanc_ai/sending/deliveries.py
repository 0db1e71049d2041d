"""Reports on their way to the archive: sent on by Orthanc's jobs, once to each destination, and told of to webhooks.

Orthanc is the database here too: a report's metadata `ai-report` says how far each of its deliveries is, and what is
remembered beside it can be gathered from the index again. What concerns a destination (not there, not reachable, full)
makes all its reports wait, without end. What concerns a report (refused) is counted, and given up in the end.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ..analyses import Answer
from ..codes import Code
from ..faults import place
from ..outcomes import REPORT_METADATA, Outcome
from ..retries import pause_s
from ..server import Resource, Server, ServerError
from ..settings import AI
from .carriers import Courier
from .choice import Choice
from .couriers import End, Fate
from .delivery import FAILED_PATTERN, OPEN_PATTERN, Delivery, DeliveryState, Destination, read_mark
from .delivery import destinations as destinations_of
from .delivery import now as iso_now
from .lane import Lane

POLL_S = 0.2
"""How often Orthanc is asked after the jobs in flight. A C-STORE takes it about 0.1 s, a STOW-RS 0.5 s."""

NET_S = 2.0
"""The bell is rung for each report; this slow timer catches what rang while nobody listened."""

PAGE = 500
"""Reports read from the index at once."""


class Deliveries:
    """Sends reports on.

    Parameters
    ----------
    settings
        `SendTo`, `MaxAttempts` and `RetryPause` concern us.
    couriers
        What sends.
    clock
        Seconds, monotonic.
    labels_of
        The labels that a resource with this outcome gives its study.
    """

    def __init__(
        self,
        server: Server,
        settings: AI,
        couriers: Courier,
        clock: Callable[[], float] = time.monotonic,
        labels_of: Callable[[Resource, Outcome], frozenset[str]] = lambda _found, _outcome: frozenset(),
    ) -> None:
        self._server = server
        self._choice = Choice(server, settings.send_to, labels_of)
        self._destinations = destinations_of(settings.send_to)
        self._maximum_attempts = settings.max_attempts
        self._pause_s = settings.retry_pause
        self._couriers = couriers
        self._clock = clock
        self._lanes = {destination: Lane(destination) for destination in self._destinations}
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._news: deque[tuple[str, bool]] = deque()
        self._scan_wanted = threading.Event()
        self._scan_wanted.set()
        # Metadata are read and written in two steps, by the loop and by whoever asks for a retry.
        self._writing = threading.Lock()
        self.on_change: Callable[[], None] = lambda: None

    # Called from elsewhere

    def mark(self, found: Resource, answer: Answer, *, overlay: bool = False) -> str:
        """Text of the metadata `ai-report` for an object of ours that has just been stored; see `keeper.Marker`."""
        return self._choice.mark(found, answer, overlay=overlay).to_text()

    def mark_correction(self, found: Resource, answer: Answer, *, overlay: bool = False) -> str:
        """The same for a reader's statement."""
        return self._choice.mark_correction(found, answer).to_text()

    def ring(self, report: str = "") -> None:
        """Say that a report was marked. Returns at once.

        Parameters
        ----------
        report
            Its Orthanc identifier; without it, the whole index is looked through, which takes a second on a million images.
        """
        if report:
            self._news.append((report, False))
        else:
            self._scan_wanted.set()
        self._bell.set()

    def retry(self, report: str, destination: Destination) -> DeliveryState | None:
        """Send a report that was given up or is to be tried later, now, with its attempts counted anew.

        Returns
        -------
        How far the delivery is now: due, unless it is under way or done and stays as it is. ``None`` if the report is
        not meant for this destination.
        """

        def again(delivery: Delivery) -> Delivery:
            if delivery.state in (DeliveryState.SENDING, DeliveryState.SENT):
                return delivery
            return Delivery(destination, also=delivery.also)

        found = self._change(report, destination, again)
        if found and found.state is DeliveryState.DUE:
            self._news.append((report, True))
            self._bell.set()
        return found.state if found else None

    def retry_failed(self) -> int:
        """Send everything that was given up again; how many deliveries."""
        count = 0
        metadata = {REPORT_METADATA: FAILED_PATTERN}
        # Those that are done leave the list, so each page is the first; a bounded number, since some may fail anew at once.
        for _ in range(0, self._server.count("instance", metadata=metadata), PAGE):
            for resource in self._server.find("instance", metadata=metadata, limit=PAGE):
                mark = read_mark(resource.metadata.get(REPORT_METADATA))
                for one in mark.deliveries if mark else ():
                    if one.state is DeliveryState.FAILED:
                        count += self.retry(resource.identifier, one.destination) is DeliveryState.DUE
        return count

    def stop(self) -> None:
        """Begin nothing more. Orthanc keeps its jobs over a stop, and they are found again."""
        self._stopping.set()
        self._couriers.stop()
        self._bell.set()

    # The loop

    def run(self) -> None:
        """Send until told to stop. Runs on a thread of its own, which no error ends."""
        while not self._stopping.is_set():
            self._bell.clear()
            wait = NET_S
            try:
                wait = self.step()
            except ServerError as error:
                self._server.error(f"AI: sending on: {error}; trying again")
            except Exception as error:  # noqa: BLE001 - one bad report must not end all sending
                self._server.error(f"AI: sending on: {Code.INTERNAL_ERROR}: {place(error)}; trying again")
            self._bell.wait(wait)

    def step(self) -> float:
        """One round.

        Returns
        -------
        Seconds until the next one is due, unless the bell rings.
        """
        for lane in self._lanes.values():
            for report, job in list(lane.sending.items()):
                self._follow(lane, report, job)
        self._gather()
        self._begin()
        return self._rest()

    def _rest(self) -> float:
        if any(lane.sending for lane in self._lanes.values()):
            return POLL_S
        times = [when for lane in self._lanes.values() if (when := lane.next_time()) is not None]
        return min([NET_S, *(max(when - self._clock(), 0.0) for when in times)])

    # What is due

    def _gather(self) -> None:
        """Take what was marked; after a start, and if more waits than is remembered, from the index."""
        while self._news:
            report, asked = self._news[0]
            text = self._server.metadata("instance", report, REPORT_METADATA)
            if asked:
                self._forget_pauses(report, text)
            self._sort(report, text)
            # Taken away only now: an error must not lose it.
            self._news.popleft()
        if self._scan_wanted.is_set() or any(lane.wants_more for lane in self._lanes.values()):
            self._scan_wanted.clear()
            try:
                self._scan()
            except ServerError:
                self._scan_wanted.set()
                raise

    def _scan(self) -> None:
        for lane in self._lanes.values():
            lane.more = False
        since = 0
        while not self._stopping.is_set():
            found = self._server.find(
                "instance",
                metadata={REPORT_METADATA: OPEN_PATTERN},
                since=since,
                limit=PAGE,
                order=(("Metadata", "ReceptionDate", "ASC"),),
            )
            for resource in found:
                self._sort(resource.identifier, resource.metadata.get(REPORT_METADATA))
            since += len(found)
            if len(found) < PAGE or all(lane.more for lane in self._lanes.values()):
                return

    def _sort(self, report: str, text: str | None) -> None:
        """Put a report into the lanes of its destinations."""
        mark = read_mark(text)
        for delivery in mark.deliveries if mark else ():
            lane = self._lanes.get(delivery.destination)
            if delivery.state is DeliveryState.SENDING:
                if lane and report not in lane.sending:
                    lane.sending[report] = delivery.job
            elif delivery.state in (DeliveryState.DUE, DeliveryState.RETRYING):
                if lane:
                    lane.add(report, self._when(delivery))
            else:
                continue
            if lane is None:
                self._park(report, delivery.destination, Code.DESTINATION_UNKNOWN, "AI.SendTo does not name it")

    def _forget_pauses(self, report: str, text: str | None) -> None:
        """Whoever asks for a report wants no pause."""
        mark = read_mark(text)
        for delivery in mark.deliveries if mark else ():
            lane = self._lanes.get(delivery.destination)
            if lane and delivery.state is DeliveryState.DUE:
                lane.waiting.pop(report, None)
                lane.away_until = 0.0

    def _when(self, delivery: Delivery) -> float:
        if not delivery.due:
            return 0.0
        return self._clock() + (datetime.fromisoformat(delivery.due) - datetime.now(UTC)).total_seconds()

    # Sending

    def _begin(self) -> None:
        now = self._clock()
        ready = [(lane, report) for lane in self._lanes.values() for report in lane.ready(now)]
        known = self._couriers.known() if ready else frozenset()
        for lane, report in ready:
            if self._stopping.is_set():
                return
            if lane.destination in known:
                self._send(lane, report)
            else:
                self._park(report, lane.destination, Code.DESTINATION_UNKNOWN, "")
                lane.waiting.pop(report, None)

    def _send(self, lane: Lane, report: str) -> None:
        """Have Orthanc send a report, saying so before and after: a crash in between leaves a question, not a lie."""
        sending = self._change(
            report,
            lane.destination,
            lambda one: (
                replace(one, state=DeliveryState.SENDING, job="", since=iso_now(), due="")
                if one.state in (DeliveryState.DUE, DeliveryState.RETRYING)
                else one
            ),
        )
        if sending is None or sending.state is not DeliveryState.SENDING:
            # Deleted, or done meanwhile.
            lane.waiting.pop(report, None)
            return
        try:
            job = self._couriers.submit(report, lane.destination, sending.also)
        except ServerError as error:
            self._break(lane, report, Fate(End.BROKEN, str(error)))
            return
        lane.waiting.pop(report, None)
        lane.sending[report] = job
        if lane.destination.kind != "webhook":  # whose posts nobody knows after a restart
            self._change(report, lane.destination, lambda one: replace(one, job=job))

    def _follow(self, lane: Lane, report: str, job: str) -> None:
        """See what became of a job."""
        fate = self._couriers.fate(job) if job else Fate(End.FORGOTTEN)
        if fate.end is End.FORGOTTEN:
            fate = self._ask(lane, report)
        if fate.end is End.UNFINISHED:
            return
        if fate.end is End.FORGOTTEN:
            self._again(lane, report)
        elif fate.end is End.SENT:
            self._change(report, lane.destination, _sent)
            lane.sending.pop(report, None)
            if lane.failures:
                self._server.warn(f"AI: sending on to {lane.destination}: it is back")
            lane.answered()
            self._blame(lane, report)
        elif fate.end is End.REFUSED:
            self._refuse(lane, report, fate)
            lane.answered()
        else:
            self._break(lane, report, fate)

    def _ask(self, lane: Lane, report: str) -> Fate:
        """Nobody here knows whether a report was sent, as after a power cut: the destination may."""
        mark = read_mark(self._server.metadata("instance", report, REPORT_METADATA))
        delivery = mark.to(lane.destination) if mark else None
        if delivery is None:
            return Fate(End.FORGOTTEN)
        if self._couriers.may_be_under_way(report, delivery):
            return Fate(End.UNFINISHED)
        return Fate(End.SENT if self._couriers.has(report, lane.destination) else End.FORGOTTEN)

    def _again(self, lane: Lane, report: str) -> None:
        """Send a report of which nobody knows whether it was sent: to send an object twice harms nobody."""
        lane.sending.pop(report, None)
        if self._change(
            report, lane.destination, lambda one: replace(one, state=DeliveryState.DUE, job="", since=iso_now())
        ):
            lane.add(report)

    def _break(self, lane: Lane, report: str, fate: Fate) -> None:
        """The destination is away, or broke off: its reports wait, this one last."""
        due = self._change(
            report,
            lane.destination,
            lambda one: replace(
                one, state=DeliveryState.DUE, job="", since=iso_now(), code=Code.SEND_FAILED, detail=fate.detail
            ),
        )
        lane.sending.pop(report, None)
        lane.waiting.pop(report, None)
        if due:
            lane.add(report)
        if fate.end is End.BROKEN:
            lane.broken.add(report)
        if not lane.failures:
            self._server.warn(f"AI: sending on to {lane.destination}: {Code.SEND_FAILED}: {fate.detail}; trying again")
        lane.away(self._clock(), self._pause_s)

    def _blame(self, lane: Lane, taken: str) -> None:
        """The destination takes others: what it broke off on counts as refused."""
        lane.broken.discard(taken)
        for report in lane.broken - lane.sending.keys():
            mark = read_mark(self._server.metadata("instance", report, REPORT_METADATA))
            delivery = mark.to(lane.destination) if mark else None
            self._refuse(lane, report, Fate(End.REFUSED, delivery.detail if delivery else ""))
        lane.broken.clear()

    def _refuse(self, lane: Lane, report: str, fate: Fate) -> None:
        """Count a refusal: try the report again later, or give it up."""
        lane.sending.pop(report, None)
        lane.waiting.pop(report, None)

        def count(one: Delivery) -> Delivery:
            attempts = one.attempts + 1
            counted = replace(
                one, attempts=attempts, job="", since=iso_now(), due="", code=Code.SEND_FAILED, detail=fate.detail
            )
            if attempts >= self._maximum_attempts:
                return replace(counted, state=DeliveryState.FAILED)
            due = datetime.now(UTC) + timedelta(seconds=pause_s(self._pause_s, attempts))
            return replace(counted, state=DeliveryState.RETRYING, due=due.isoformat(timespec="milliseconds"))

        refused = self._change(report, lane.destination, count)
        if refused and refused.state is DeliveryState.RETRYING:
            lane.add(report, self._when(refused))
        elif refused:
            self._server.warn(f"AI: sending on to {lane.destination}: {Code.SEND_FAILED}: {fate.detail}; given up")

    def _park(self, report: str, destination: Destination, code: Code, detail: str) -> None:
        self._change(
            report,
            destination,
            lambda one: replace(
                one, state=DeliveryState.FAILED, job="", since=iso_now(), due="", code=code, detail=detail
            ),
        )
        self._server.warn(f"AI: sending on to {destination}: {code}; given up")

    # The record

    def _change(self, report: str, destination: Destination, change: Callable[[Delivery], Delivery]) -> Delivery | None:
        """Write a delivery anew; ``None`` if the report or its mark is gone."""
        with self._writing:
            mark = read_mark(self._server.metadata("instance", report, REPORT_METADATA))
            before = mark.to(destination) if mark else None
            if mark is None or before is None:
                return None
            after = change(before)
            if after != before:
                text = mark.with_delivery(after).to_text()
                if not self._server.set_metadata("instance", report, REPORT_METADATA, text):
                    return None
                self.on_change()
            return after


def _sent(delivery: Delivery) -> Delivery:
    return Delivery(
        delivery.destination, DeliveryState.SENT, delivery.attempts, delivery.job, iso_now(), also=delivery.also
    )
