"""The operator: asks for analyses, pauses and goes on, clears the change log."""

import threading
import time
from collections import Counter
from random import Random

import requests

from orthanc_ai.outcomes import XRAY_METADATA
from tests.live.orthanc import Orthanc

from .sender import Acknowledged

PAUSE_S = (1.0, 5.0)
"""Between two deeds."""

PAUSED_S = (2.0, 8.0)
"""How long the work is paused."""

PAUSES = 0.1
"""Share of deeds that are a pause of the work."""

DELETIONS = 0.6
"""Share of the films asked for whose report the operator deletes before, so that there is something to do."""

CLEARED_AT = (0.35, 0.7)
"""When the change log is cleared, as shares of the whole time."""

ANSWER_S = 120.0
"""How long the operator insists on an answer: the server is back by then."""


class Operator:
    """Asks for something every few seconds, and insists until it is answered.

    Attributes
    ----------
    answered
        What was asked for and answered, how often.
    deleted
        Reports that the operator has deleted, to ask for them again.
    """

    def __init__(self, orthanc: Orthanc, seed: int, acknowledged: Acknowledged, *, seconds: float) -> None:
        self._orthanc = orthanc
        self._chance = Random(f"{seed} operator")
        self._acknowledged = acknowledged
        self._clear_at = [time.monotonic() + seconds * share for share in CLEARED_AT]
        self._stopping = threading.Event()
        self.answered: Counter[str] = Counter()
        self.deleted = 0

    def run(self) -> None:
        """Ask until told to stop."""
        way = self._paths()
        while not self._stopping.wait(self._chance.uniform(*PAUSE_S)):
            if self._clear_at and time.monotonic() > self._clear_at[0]:
                self._clear_at.pop(0)
                self._insist("DELETE", "/changes", "change log cleared")
            elif way and self._chance.random() < PAUSES:
                self._insist("POST", way[0], "paused")
                self._stopping.wait(self._chance.uniform(*PAUSED_S))
                self._insist("POST", way[1], "resumed")
            else:
                self._ask()

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopping.set()

    def _paths(self) -> tuple[str, str] | None:
        """Where the work is paused and resumed, if this server has routes for it."""
        paths = self._insist("GET", "/ai/openapi.json", "").json()["paths"]
        found = [next((path for path in paths if path.endswith(end)), "") for end in ("/pause", "/resume")]
        return (found[0], found[1]) if all(found) else None

    def _ask(self) -> None:
        """Ask for an analysis: of something that is done, or of a film whose report the operator has deleted."""
        known = self._acknowledged.instances()
        if not known:
            return
        uid = self._chance.choice(sorted(known))
        level = "instances" if known[uid] == {uid} else "studies"
        if level == "instances" and self._chance.random() < DELETIONS:
            self._delete_report(uid)
        self._insist("POST", f"/ai/{level}/{uid}/analyze", "analyses asked for")

    def _delete_report(self, uid: str) -> None:
        try:
            [film] = self._orthanc.request("POST", "/tools/lookup", data=uid).json()
            outcome = self._orthanc.outcome("instances", film["ID"], XRAY_METADATA)
            if not outcome or "result" not in outcome:
                return
            for report in self._orthanc.request(
                "POST", "/tools/lookup", data=outcome["result"]["sopInstanceUID"]
            ).json():
                self._orthanc.request("DELETE", report["Path"])
                self.deleted += 1
        except requests.RequestException:
            # Killed in the middle: whether it was deleted or not, the analysis that is asked for brings it back.
            return

    def _insist(self, method: str, path: str, what: str) -> requests.Response:
        """Ask until the answer is yes: the server may be away, or starting."""
        deadline = time.monotonic() + ANSWER_S
        answer = "nobody answers"
        while time.monotonic() < deadline:
            try:
                response = self._orthanc.request(method, path)
                if response.ok:
                    self.answered.update([what] if what else [])
                    return response
                answer = f"{response.status_code}: {response.text[:300]}"
            except requests.RequestException:
                pass
            time.sleep(0.3)
        raise TimeoutError(f"{method} {path}: {answer}")
