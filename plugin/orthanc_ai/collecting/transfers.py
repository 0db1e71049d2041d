"""Fetching one study: only what is not here, one of Orthanc's jobs for each series."""

import json
import time
from collections.abc import Callable

from ..batches.batch import InterruptedBatch
from ..batches.run import Run
from ..codes import Code
from ..sending.couriers import End, Fate, fate_of
from ..server import Server, ServerError
from .fault import PeerError, number, of_job, words
from .holdings import Holdings
from .peers import Peer
from .plan import Series, Study
from .question import is_uid

FIRST_POLL_S = 0.05
LONGEST_POLL_S = 0.5
"""How often Orthanc is asked after a job: each time after half as long again."""

GRACE_S = 30.0
"""Orthanc gives up a transfer by itself; only if it does not, for so many more seconds, it is told to."""

_KINDS = {"DicomMoveScu", "DicomGetScu", "DicomWebWadoRetrieveClient"}


class Transfers:
    """Fetches studies from a peer.

    Parameters
    ----------
    timeout_s
        Seconds without anything new after which a transfer is given up.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self, server: Server, peer: Peer, timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._server = server
        self._peer = peer
        self._holdings = Holdings(server)
        self._timeout_s = timeout_s
        self._clock = clock

    def fetch(self, run: Run, study: Study) -> int:
        """Fetch what is not here of a study. A series that does not come keeps back no other.

        Returns
        -------
        How often the peer was asked to send something; 0 if everything was here.

        Raises
        ------
        PeerError
            The first fault of a series; what came has stayed here.
        InterruptedBatch
        """
        jobs, fault = 0, None
        for series in study.series:
            run.check()
            try:
                jobs += self._fetch(run, study, series)
            except PeerError as error:
                fault = fault or error
                if error.code in (Code.PEER_AWAY, Code.PEER_SILENT):
                    break
        if fault:
            raise fault
        return jobs

    def _fetch(self, run: Run, study: Study, series: Series) -> int:
        """Fetch a series; the number of jobs for that."""
        for job in self._left_over(series):
            # As after a kill: Orthanc goes on by itself with what was under way.
            self._follow(run, job, study, series)
        missing = self._missing(study, series)
        if missing == ():
            return 0
        try:
            job = self._peer.fetch(study.study_instance_uid, series.series_instance_uid, missing or ())
        except ServerError as error:
            # It was named when the collection began, and is not any more.
            code = Code.PEER_UNKNOWN if number(error) is None else Code.PEER_REFUSED
            raise PeerError(code, words(error)) from None
        fate = self._follow(run, job, study, series)
        left = self._missing(study, series)
        # Of a peer that says neither how many it has nor which, its own word must do.
        if left == () or (left is None and series.instances is None and fate.end is End.SENT):
            return 1
        stated = "" if series.instances is None else f" of {series.instances}"
        raise of_job(fate) or PeerError(
            Code.INSTANCES_MISSING, f"{self._holdings.count(study, series)}{stated} instances of a series have come"
        )

    def _missing(self, study: Study, series: Series) -> tuple[str, ...] | None:
        """SOP Instance UIDs of what is not here; empty if everything is, ``None`` if nothing is, or nobody knows.

        Raises
        ------
        PeerError
            If the peer had to be asked for them and does not say.
        """
        count = self._holdings.count(study, series)
        if count == 0:
            return None
        if series.instances is not None and count >= series.instances:
            return ()
        keys = {"StudyInstanceUID": study.study_instance_uid, "SeriesInstanceUID": series.series_instance_uid}
        there = [answer.get("SOPInstanceUID", "").strip() for answer in self._peer.ask("instance", keys)]
        if not any(there):
            return None
        if not all(map(is_uid, there)):
            raise PeerError(Code.PEER_REFUSED, "it names images by what are no identifiers")
        here = self._holdings.instances(study, series)
        return tuple(uid for uid in dict.fromkeys(there) if uid not in here)

    def _left_over(self, series: Series) -> list[str]:
        """Unfinished jobs that fetch a series."""
        named = json.dumps(series.series_instance_uid)
        return [
            str(job["ID"])
            for job in self._server.get("/jobs?expand") or ()
            if job.get("Type") in _KINDS
            and fate_of(job).end is End.UNFINISHED
            and named in json.dumps(job.get("Content"))
        ]

    def _follow(self, run: Run, job: str, study: Study, series: Series) -> Fate:
        """Wait for the end of a job.

        Raises
        ------
        PeerError
            ``PEER_SILENT`` if it does not end.
        InterruptedBatch, ServerError
            The job has been cancelled then: a later run fetches what is missing, and a job of WADO-RS does not say of what
            it is, so that it could be found again.
        """
        try:
            return self._end_of(run, job, study, series)
        except (InterruptedBatch, ServerError):
            self._cancel(job)
            raise

    def _end_of(self, run: Run, job: str, study: Study, series: Series) -> Fate:
        poll_s, count, since = FIRST_POLL_S, self._holdings.count(study, series), self._clock()
        while True:
            found = self._server.get(f"/jobs/{job}")
            fate = fate_of(found) if found else Fate(End.FORGOTTEN)
            if fate.end is not End.UNFINISHED:
                return fate
            now = self._clock()
            if found and found.get("State") != "Running":
                # It waits for other jobs, or somebody has paused it: the peer has nothing to do with that.
                since = now
            elif now - since > self._timeout_s + GRACE_S:
                before, count = count, self._holdings.count(study, series)
                if count == before:
                    self._cancel(job)
                    raise PeerError(Code.PEER_SILENT, f"nothing came for {now - since:.0f} s")
                since = now
            run.wait(poll_s)
            poll_s = min(poll_s * 1.5, LONGEST_POLL_S)

    def _cancel(self, job: str) -> None:
        try:
            self._server.post(f"/jobs/{job}/cancel", {})
        except ServerError as error:
            # It has just ended.
            self._server.warn(f"AI: collecting: a job could not be cancelled: {error}")
