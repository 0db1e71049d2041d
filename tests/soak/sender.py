"""The sender: modalities that store films and CT studies all the time, and hear what the server acknowledges."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from io import BytesIO
from random import Random

import requests
from pydicom import Dataset
from pynetdicom import AE

from orthanc_ai.outcomes import CARDIAC_METADATA
from tests.live.orthanc import CALLING_AET, Orthanc

from .phantoms import Films, ct_parts

SUCCESS = 0x0000
"""Status of C-STORE (PS3.4 section B.2.3)."""

C_STORE_THREADS = 3
HTTP_THREADS = 2

TIMEOUT_S = 20.0
"""How long a sender waits for an answer before it takes the server for gone."""

DOWN_S = 0.3
"""Pause after a refused connection."""

RESENT = 0.1
"""Share of films that were sent before, maybe acknowledged, maybe still underway on another connection."""

AT_ONCE = 0.05
"""Share of films that are sent on two connections at once."""

FORGOTTEN = 0.2
"""Share of what was not acknowledged that its sender gives up; the rest it sends again."""

GROWN_S = 60.0
"""A study grows as soon as it is judged, or after so many seconds at most, judged or not."""

# A killed server is what this is about; nobody wants to read of each broken connection.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class _Growing:
    """What a study still lacks, and when it comes at the latest (monotonic seconds)."""

    part: Sequence[Dataset]
    due: float


class Acknowledged:
    """What the server has taken: C-STORE with status 0x0000 or HTTP 200. Used on several threads.

    Attributes
    ----------
    tried
        How often an image was sent, or was to be sent and nobody listened.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instances: defaultdict[str, set[str]] = defaultdict(set)
        self.tried = 0

    def tell(self, work: str, instance: str, *, taken: bool) -> None:
        """One image was sent.

        Parameters
        ----------
        work
            What it belongs to: its own UID for a film, the Study Instance UID for a slice.
        """
        with self._lock:
            self.tried += 1
            if taken:
                self._instances[work].add(instance)

    def instances(self) -> dict[str, frozenset[str]]:
        """UIDs of the acknowledged instances, by what they belong to."""
        with self._lock:
            return {work: frozenset(instances) for work, instances in self._instances.items()}

    def count(self) -> int:
        """How many different images were acknowledged."""
        with self._lock:
            return sum(map(len, self._instances.values()))


class Sender:
    """Sends until it is stopped.

    Parameters
    ----------
    rate
        Films per second over all connections, while the server answers.
    """

    def __init__(self, orthanc: Orthanc, seed: int, acknowledged: Acknowledged, *, rate: float) -> None:
        self._orthanc = orthanc
        self._seed = seed
        self._acknowledged = acknowledged
        self._rate = rate
        self._films = Films(seed)
        self._lock = threading.Lock()
        self._next = 0
        self._again: list[int] = []
        self._stopping = threading.Event()

    def start(self, threads: Executor) -> list[Future[None]]:
        """Begin on threads of its own."""
        ways = [self._c_store] * C_STORE_THREADS + [self._http] * HTTP_THREADS
        started = [
            threads.submit(self._send_films, way, Random(f"{self._seed} {index}"), len(ways))
            for index, way in enumerate(ways)
        ]
        return [*started, threads.submit(self._send_studies, Random(f"{self._seed} ct"))]

    def stop(self) -> None:
        """End what is underway and send nothing more."""
        self._stopping.set()

    # Films

    def _send_films(self, deliver: Callable[[Sequence[Dataset]], Iterator[bool]], chance: Random, threads: int) -> None:
        batch = 2.0
        while not self._stopping.wait(chance.expovariate(self._rate / threads / batch)):
            numbers = [self._choose(chance) for _ in range(chance.randint(1, int(2 * batch) - 1))]
            taken = self._deliver([self._films(number) for number in numbers], deliver)
            for number, was_taken in zip(numbers, taken, strict=True):
                if not was_taken and chance.random() > FORGOTTEN:
                    with self._lock:
                        self._again.append(number)
            if not any(taken):
                self._stopping.wait(DOWN_S)

    def _choose(self, chance: Random) -> int:
        with self._lock:
            if self._again:
                return self._again.pop(0)
            if self._next and chance.random() < RESENT:
                return chance.randrange(self._next)
            number, self._next = self._next, self._next + 1
            if chance.random() < AT_ONCE:
                # Whoever chooses next sends it too, while this connection is at it.
                self._again.append(number)
            return number

    # CT studies

    def _send_studies(self, chance: Random) -> None:
        number = 0
        growing: list[_Growing] = []
        while not self._stopping.wait(chance.uniform(1, 4)):
            number += 1
            first, *later = ct_parts(self._seed, number)
            self._send_series(first, chance)
            growing += [_Growing(part, time.monotonic() + chance.uniform(0, GROWN_S)) for part in later]
            for one in [one for one in growing if one.due < time.monotonic() or self._is_judged(one.part[0])]:
                growing.remove(one)
                self._send_series(one.part, chance)

    def _is_judged(self, image: Dataset) -> bool:
        """Whether the server has an outcome for an image's study; no if it is away."""
        try:
            studies = self._orthanc.find("Study", {"StudyInstanceUID": str(image.StudyInstanceUID)})
            return any(self._orthanc.outcome("studies", study["ID"], CARDIAC_METADATA) for study in studies)
        except requests.RequestException:
            return False

    def _send_series(self, slices: Sequence[Dataset], chance: Random) -> None:
        """Send a series in a few associations, until all of it is acknowledged or given up."""
        waiting = list(slices)
        while waiting and not self._stopping.is_set():
            count = chance.randint(1, len(waiting))
            batch, waiting = waiting[:count], waiting[count:]
            taken = self._deliver(batch, chance.choice((self._c_store, self._http)))
            refused = [one for one, was_taken in zip(batch, taken, strict=True) if not was_taken]
            waiting += [one for one in refused if chance.random() > FORGOTTEN]
            self._stopping.wait(DOWN_S if refused else chance.uniform(0, 1))

    # Delivering

    def _deliver(self, images: Sequence[Dataset], deliver: Callable[[Sequence[Dataset]], Iterator[bool]]) -> list[bool]:
        """Send images over one connection; whether each was acknowledged."""
        taken = []
        for image, was_taken in zip(images, deliver(images), strict=True):
            work = image.StudyInstanceUID if image.Modality == "CT" else image.SOPInstanceUID
            self._acknowledged.tell(str(work), str(image.SOPInstanceUID), taken=was_taken)
            taken.append(was_taken)
        return taken

    def _c_store(self, images: Sequence[Dataset]) -> Iterator[bool]:
        entity = AE(ae_title=CALLING_AET)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = TIMEOUT_S
        for sop_class, syntax in sorted(
            {(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in images}
        ):
            entity.add_requested_context(sop_class, syntax)
        association = entity.associate("127.0.0.1", self._orthanc.dicom_port, ae_title="ORTHANC")
        try:
            for image in images:
                try:
                    # An answer that never came is a dataset without a status; a lost association an error.
                    answer = association.send_c_store(image) if association.is_established else Dataset()
                except RuntimeError:
                    answer = Dataset()
                yield answer.get("Status") == SUCCESS
        finally:
            if association.is_established:
                association.release()

    def _http(self, images: Sequence[Dataset]) -> Iterator[bool]:
        with requests.Session() as session:
            for image in images:
                file = BytesIO()
                image.save_as(file, enforce_file_format=True)
                try:
                    answer = session.post(self._orthanc.url + "/instances", data=file.getvalue(), timeout=TIMEOUT_S)
                    yield answer.status_code == requests.codes.ok
                except requests.RequestException:
                    yield False
