"""Fetching the studies of a plan, one after the other, at a pace, and in spite of a peer that gives nothing for a while."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from ..batches.run import Run
from ..codes import Code
from ..retries import pause_s
from ..server import Server
from ..settings import AI
from .fault import PeerError
from .holdings import Holdings
from .pace import Hours, Pace
from .plan import Study
from .record import Record, StudyState, Tally
from .request import CollectionRequest
from .transfers import Transfers

_ANSWERS = frozenset({Code.PEER_REFUSED, Code.INSTANCES_MISSING, Code.PEER_UNKNOWN})
"""A peer that says so is there: it is a matter of the one study."""


class Fetching:
    """Fetches what of a plan is not settled yet.

    Parameters
    ----------
    settings
        `Collecting`, `RetryPause` and `MaxAttempts` concern us.
    wall
        The time of this machine's clock, with its time zone.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self,
        server: Server,
        settings: AI,
        request: CollectionRequest,
        run: Run,
        *,
        wall: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._server = server
        self._settings = settings
        self._request = request
        self._run = run
        self._wall = wall
        self._holdings = Holdings(server)
        records = [Record.from_json(one) for one in run.settled.values()]
        self._tally = Tally(records)
        self._trouble = _Trouble(settings.retry_pause, clock)
        self._pace = Pace(
            request.studies_per_hour,
            Hours.parse(request.hours) if request.hours else None,
            wall,
            [datetime.fromisoformat(record.begun) for record in records if record.begun],
        )

    def fetch(self, studies: Sequence[Study], transfers: Transfers) -> None:
        """Fetch the studies. One that does not come is tried again after the others.

        Raises
        ------
        InterruptedBatch, ServerError, OSError
        """
        waiting = deque((study, 0) for study in studies if study.study_instance_uid not in self._run.settled)
        self._run.summarise(**self._tally.summary())
        while waiting:
            self._run.check()
            study, attempts = waiting.popleft()
            if self._holdings.complete(study):
                self._settle(study, StudyState.HERE)
                continue
            self._await_turn()
            self._pace.begin()
            begun, attempts = self._now(), attempts + 1
            try:
                jobs = transfers.fetch(self._run, study)
            except PeerError as error:
                self._note(error)
                hopeless = self._trouble.seconds() > self._settings.collecting.deadline
                if hopeless or attempts >= self._settings.max_attempts:
                    self._settle(study, StudyState.FAILED, begun, attempts, error)
                else:
                    waiting.append((study, attempts))
                if hopeless:
                    self._give_up([one for one, _ in waiting], error)
                    return
                if waiting:
                    # One that is refused is asked for again after the others; if it is the only one, after a while.
                    self._run.wait(self._trouble.pause_s(attempts if len(waiting) == 1 else 0))
            else:
                self._trouble.end()
                self._settle(study, StudyState.FETCHED if jobs else StudyState.HERE, begun, attempts)

    def _await_turn(self) -> None:
        while seconds := self._pace.wait_s():
            within = self._pace.within_hours()
            if not within:
                # Who is away in the day may be there at night.
                self._trouble.end()
            self._run.summarise(waitsFor="studiesPerHour" if within else "hours")
            self._run.wait(seconds)
        self._run.summarise(waitsFor=None)

    def _note(self, error: PeerError) -> None:
        if error.code in _ANSWERS:
            self._trouble.end()
            return
        if not self._trouble:
            self._server.warn(f"AI: collecting from {self._request.peer}: {error.code}: {error.detail}; trying again")
        self._trouble.add()

    def _give_up(self, studies: Sequence[Study], error: PeerError) -> None:
        """List what is left as failed: the peer gives nothing."""
        self._server.warn(
            f"AI: collecting from {self._request.peer}: {error.code} for {self._trouble.seconds():.0f} s; "
            f"{len(studies)} more studies are given up"
        )
        for study in studies:
            self._settle(study, StudyState.FAILED, error=error)

    def _settle(
        self, study: Study, state: StudyState, begun: str = "", attempts: int = 0, error: PeerError | None = None
    ) -> None:
        record = Record(
            state=state,
            at=self._now(),
            begun=begun,
            attempts=attempts,
            code=error.code if error else None,
            detail=error.detail if error else "",
            orthanc_ids=self._holdings.studies(study),
        )
        self._run.settle(study.study_instance_uid, record.to_json())
        self._tally.add(record)
        self._run.summarise(**self._tally.summary())

    def _now(self) -> str:
        return self._wall().isoformat(timespec="milliseconds")


class _Trouble:
    """How long a peer has given nothing, and how long to leave it alone. False while all is well."""

    def __init__(self, first_pause_s: float, clock: Callable[[], float]) -> None:
        self._first_pause_s = first_pause_s
        self._clock = clock
        self._times = 0
        self._since = 0.0

    def __bool__(self) -> bool:
        return self._times > 0

    def add(self) -> None:
        """Again it has given nothing."""
        if not self._times:
            self._since = self._clock()
        self._times += 1

    def end(self) -> None:
        """It has given something, or time has passed in which it was not asked."""
        self._times = 0

    def seconds(self) -> float:
        """Since when it has given nothing."""
        return self._clock() - self._since if self._times else 0.0

    def pause_s(self, attempts: int) -> float:
        """How long to leave it alone before it is asked for what it was asked for so often."""
        times = max(self._times, attempts)
        return pause_s(self._first_pause_s, times) if times else 0.0
