"""Collections and their previews: the two kinds of batches that ask another archive."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from ..batches.batch import BatchError
from ..batches.run import Run
from ..codes import Code
from ..retries import pause_s
from ..server import Server
from ..settings import AI
from . import plan
from .fault import PeerError
from .fetching import Fetching
from .peers import Peer, is_known, peer
from .plan import Study
from .question import Answer
from .record import Record, StudyState
from .request import CollectionRequest
from .search import search
from .transfers import Transfers
from .verdicts import Awaited, Verdicts

COLLECTIONS = "collections"
PREVIEWS = "collection-previews"

VERDICT_PATIENCE_S = 600.0
"""Verdicts are waited for as long as one comes in so many seconds; they come whether or not somebody waits."""

VERDICT_POLL_S = 1.0

VERDICT_SHARE = 4
"""Between two looks, so many times as long as a look takes: of thousands of studies it takes seconds of the index."""

LONGEST_VERDICT_POLL_S = 60.0

SUMMARY_EVERY_S = 1.0
"""How often a search says how far it is."""


def local_time() -> datetime:
    """The time as this machine's clock shows it, with its time zone."""
    return datetime.now().astimezone()


class Collections:
    """Finds what a filter wants at a peer and, unless it is a preview, fetches it.

    Parameters
    ----------
    settings
        `Collecting`, `RetryPause`, `MaxAttempts` and `CardiacCT.Enabled` concern us.
    fetches
        Whether it is no preview.
    wall
        The time of this machine's clock, with its time zone.
    clock
        Seconds, monotonic.
    find_peer
        What speaks with the peer; Orthanc unless a test has another.
    """

    def __init__(
        self,
        server: Server,
        settings: AI,
        *,
        fetches: bool,
        wall: Callable[[], datetime] = local_time,
        clock: Callable[[], float] = time.monotonic,
        find_peer: Callable[..., Peer] = peer,
    ) -> None:
        self.name = COLLECTIONS if fetches else PREVIEWS
        self._server = server
        self._settings = settings
        self._fetches = fetches
        self._wall = wall
        self._clock = clock
        self._find_peer = find_peer

    def run(self, run: Run) -> None:
        """Search, fetch, and count the verdicts.

        Raises
        ------
        InterruptedBatch, BatchError, ServerError, OSError
        """
        request = CollectionRequest.model_validate(run.request)
        if not is_known(self._server, request.destination):
            raise BatchError(Code.PEER_UNKNOWN, request.peer)
        timeout_s = self._settings.collecting.timeout
        found = self._find_peer(self._server, request.destination, timeout_s)
        numbers = plan.summary(run.output)
        if numbers is None:
            self._search(run, request, found)
        else:
            # A kill takes what was said along.
            run.summarise(**numbers)
        if not self._fetches:
            return
        studies = list(plan.read(run.output))
        run.expect(len(studies))
        fetching = Fetching(self._server, self._settings, request, run, wall=self._wall, clock=self._clock)
        fetching.fetch(studies, Transfers(self._server, found, timeout_s, self._clock))
        if self._settings.cardiac_ct.enabled:
            self._count_verdicts(run, studies)

    def _search(self, run: Run, request: CollectionRequest, found: Peer) -> None:
        """Find what is wanted. A search that was interrupted begins anew: it costs the peer little."""

        def ask(question: Callable[[], Sequence[Answer]]) -> Sequence[Answer]:
            attempts = 0
            while True:
                run.check()
                try:
                    return question()
                except PeerError as error:
                    attempts += 1
                    if attempts >= self._settings.max_attempts:
                        raise BatchError(error.code, error.detail) from None
                    run.wait(pause_s(self._settings.retry_pause, attempts))

        said = self._clock()
        studies: list[Study] = []
        for findings in search(found, request, self._wall().date(), ask):
            studies = findings.studies
            over = len(studies) > request.maximum_studies
            if over or findings.asked == findings.questions or self._clock() - said >= SUMMARY_EVERY_S:
                said = self._clock()
                run.summarise(**findings.summary())
            if over:
                raise BatchError(Code.TOO_MANY_STUDIES, f"maximumStudies: {request.maximum_studies}")
        plan.write(run.output, studies, run.summary)

    def _count_verdicts(self, run: Run, studies: Sequence[Study]) -> None:
        """Count the verdicts on what is here now, as they come in."""
        awaited = []
        for study in studies:
            record = Record.from_json(run.settled[study.study_instance_uid])
            if record.state is not StudyState.FAILED:
                awaited.append(Awaited(study, record.orthanc_ids))
        verdicts = Verdicts(self._server, awaited)
        last = self._clock()
        while True:
            began = self._clock()
            came = verdicts.look(run.check_end)
            looked = self._clock()
            last = looked if came else last
            run.summarise(**verdicts.summary())
            if not verdicts.pending or looked - last > VERDICT_PATIENCE_S:
                return
            until_next_s = min(max(VERDICT_POLL_S, VERDICT_SHARE * (looked - began)), LONGEST_VERDICT_POLL_S)
            run.wait(until_next_s)
            # While an operator has paused the work, there are no verdicts to come.
            last += max(0.0, self._clock() - looked - until_next_s)
