"""The worker processes: a deadline and a memory limit for each job, and a crash costs one job.

`sys.executable` inside Orthanc is Orthanc itself, and the default start method of newer Pythons fails there; so workers
are spawned with the interpreter that the settings name.
"""

import multiprocessing
import os
import queue
import resource
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, wait
from concurrent.futures import TimeoutError as FuturesTimeoutError
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Protocol

from pebble import ProcessExpired, ProcessPool

from .analyses import CARDIAC, CORRECTION, REPORT_CHECK, XRAY, XRAY_MODEL, Answer, Task
from .codes import Code
from .faults import place
from .handover import FileGoneError, Handover, Shared
from .models.errors import DeviceLostError
from .settings import AI
from .tables.orders import TABLES
from .volumes.orders import VOLUMES

STOP_CHECK_S = 1.0
"""How often a waiting job looks whether the server stops."""


WORKERS_TO_TRY = 3
"""A worker may die before it begins; if one after the other does, something is wrong with them."""

BEGIN_S = 120.0
"""How long a worker may take to begin, beyond the deadline of the job: it loads 300 MB of libraries, on a busy machine
from a slow disk."""

_OUT_OF_MEMORY = 77
"""Exit code of a worker that has no memory left."""


class WorkerError(Exception):
    """A worker did not answer: it died, was too slow, or an error escaped from the analysis."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class UnforeseenError(Exception):
    """An error that escaped from an analysis, in a form that the server can read and log."""


class Reader(Protocol):
    """The half of an analysis that runs in a worker."""

    def read(self, task: Task) -> Answer:
        """Do the work."""
        ...


# The one setting of a worker process, made by its initializer.
_readers: dict[str, Reader] = {}


@dataclass(slots=True, eq=False)
class _Slot:
    """A worker process in a pool of its own, and the memory by which it gets files."""

    pool: ProcessPool
    handover: Handover = field(default_factory=Handover)


class Workers:
    """The worker processes, each in a pool of its own.

    pebble runs the deadline and replaces a worker that it has ended. The workers of one of its pools share a pipe and a
    lock, so that one that dies in between takes the jobs of the others along, or leaves them without an answer for ever;
    hence one worker each. A pool whose worker dies is given up, and another one is made.

    Parameters
    ----------
    on_replaced
        Called when a worker had to be replaced.
    start
        Makes a new worker process ready, with the settings as JSON; without it, for all analyses.
    """

    def __init__(
        self,
        settings: AI,
        on_replaced: Callable[[], None] = lambda: None,
        *,
        start: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._start = start
        self._on_replaced = on_replaced
        self._timeout = settings.job_timeout
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        # The latest first: as long as one can do all the work, the others need not load their libraries.
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        self._pools: set[ProcessPool] = set()
        self._context = _Context(settings.python)
        for _ in range(settings.workers):
            self._free.put(_Slot(self._make()))

    def _make(self) -> ProcessPool:
        # Workers read files of unknown origin, and need no secret of a webhook.
        settings = self._settings.model_dump_json(by_alias=True, exclude={"send_to"})
        pool = ProcessPool(1, context=self._context, initializer=self._start or _start, initargs=(settings,))
        self._pools.add(pool)
        return pool

    def run(self, task: Task) -> Answer:
        """Let a worker do a task, and wait for it.

        Raises
        ------
        WorkerError
            If the worker does not answer; it has been replaced by then. ``STOPPING`` if the server stops.
        """
        slot = self._take()
        try:
            reason = ""
            if isinstance(task.payload, bytes):
                task = replace(task, payload=slot.handover.put(task.payload))
            for _ in range(WORKERS_TO_TRY):
                try:
                    return self._run(slot.pool, task)
                except (CancelledError, BrokenExecutor, RuntimeError):
                    reason = "workers die as soon as they are started"
                except OSError as error:
                    reason = f"workers cannot be started: {error.strerror}"
                slot.pool = self._replace(slot.pool)
            raise WorkerError(Code.WORKER_DIED, reason)
        except _StuckError:
            slot.pool = self._replace(slot.pool)
            raise WorkerError(Code.DEADLINE_EXCEEDED, "the worker did not begin") from None
        except _DiedError as died:
            # It may have had its pool's lock in hand, for which pebble would wait a minute before it gives up.
            slot.pool = self._replace(slot.pool)
            raise WorkerError(Code.WORKER_DIED, str(died)) from None
        finally:
            self._free.put(slot)

    def _take(self) -> _Slot:
        while not self._stopping.is_set():
            try:
                return self._free.get(timeout=STOP_CHECK_S)
            except queue.Empty:
                continue
        raise WorkerError(Code.STOPPING, "")

    def _run(self, pool: ProcessPool, task: Task) -> Answer:
        try:
            future = pool.schedule(_read, args=(task,), timeout=self._timeout)
            stuck = time.monotonic() + self._timeout + BEGIN_S
            while not wait([future], STOP_CHECK_S).done:
                if self._stopping.is_set():
                    raise WorkerError(Code.STOPPING, "")
                # A task that is scheduled while its pool breaks is never answered.
                if not pool.active and not wait([future], STOP_CHECK_S).done:
                    raise BrokenExecutor
                if time.monotonic() > stuck:
                    raise _StuckError
            answer: Answer = future.result()
        except FuturesTimeoutError:
            self._on_replaced()
            raise WorkerError(Code.DEADLINE_EXCEEDED, f"no answer within {self._timeout} s") from None
        except ProcessExpired as error:
            reason = "out of the memory that AI.WorkerMemoryMiB allows" if error.exitcode == _OUT_OF_MEMORY else ""
            raise _DiedError(reason or f"exit code {error.exitcode}") from None
        except DeviceLostError as error:
            raise WorkerError(Code.DEVICE_LOST, str(error)) from None
        except FileGoneError as error:
            raise WorkerError(Code.FILE_UNREADABLE, str(error)) from None
        except UnforeseenError as error:
            raise WorkerError(Code.INTERNAL_ERROR, str(error)) from None
        return answer

    def _replace(self, broken: ProcessPool) -> ProcessPool:
        with self._lock:
            if self._stopping.is_set():
                raise WorkerError(Code.STOPPING, "")
            self._pools.discard(broken)
            pool = self._make()
        # Beside the work: it may take as long as a lock that nobody will ever release.
        threading.Thread(target=_end, args=(broken,), name="ai-worker-end", daemon=True).start()
        self._on_replaced()
        return pool

    def stop(self) -> None:
        """End all workers, their tasks included."""
        with self._lock:
            self._stopping.set()
            pools = list(self._pools)
        for pool in pools:
            pool.stop()  # type: ignore[no-untyped-call]  # pebble has no annotations there
        # pebble closes the pipes first, at which an idle worker ends by itself, and then sends a signal that may meet it
        # half-way out, with a traceback in the log.
        self._context.kill()
        for pool in pools:
            pool.join()


class _Context(SpawnContext):
    """Starts processes of the configured interpreter, and keeps them in sight."""

    def __init__(self, python: Path) -> None:
        super().__init__()
        self.set_executable(str(python))
        self._started: weakref.WeakSet[SpawnProcess] = weakref.WeakSet()

    # pebble asks its context for processes by this name.
    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        process = SpawnProcess(*args, **kwargs)
        self._started.add(process)
        return process

    def kill(self) -> None:
        """End all processes that are alive."""
        for process in list(self._started):
            if process.is_alive():
                process.kill()


class _StuckError(Exception):
    """A worker has not begun for a long time."""


class _DiedError(Exception):
    """A worker died at work."""


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble has no annotations there
    pool.join()


def _start(settings_json: str) -> None:
    """Prepare a worker process: contained, the analyses' code loaded."""
    settings = AI.model_validate_json(settings_json)
    contain(settings)
    # Imported here, since the server process never needs the codecs, numpy or the engines.
    from .cardiac.analysis import StudyReader
    from .corrections.worker import CorrectionWriter
    from .report.check import ReportChecker
    from .tables.worker import TableMaker
    from .volumes.worker import VolumeWriter
    from .xray.analysis import ModelLoader, RadiographReader

    radiographs = RadiographReader(settings)
    _readers[XRAY] = radiographs
    _readers[XRAY_MODEL] = ModelLoader(radiographs)
    _readers[CARDIAC] = StudyReader(settings)
    _readers[REPORT_CHECK] = ReportChecker()
    _readers[CORRECTION] = CorrectionWriter()
    _readers[VOLUMES] = VolumeWriter(settings)
    _readers[TABLES] = TableMaker()


def register(analysis: str, reader: Reader) -> None:
    """Let this worker process do the tasks of an analysis."""
    _readers[analysis] = reader


def contain(settings: AI) -> None:
    """Keep this worker process out of the server's way: lowest priority, bounded memory, ended with the server."""
    os.nice(19)
    threading.Thread(target=_end_with_server, daemon=True).start()
    # Before numpy is imported: a BLAS with threads, if the machine has one, makes a pool of them for each processor.
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), str(settings.threads_per_worker)))
    limit = settings.worker_memory_mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A crash is an answer here, not a matter for the host's crash reports.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_server() -> None:
    """End this process when the server is killed: left alone, it would wait on a broken pipe, at full load."""
    server = multiprocessing.parent_process()
    assert server is not None
    connection.wait([server.sentinel])
    os._exit(1)


def _read(task: Task) -> Answer:
    try:
        if isinstance(task.payload, Shared):
            try:
                task = replace(task, payload=task.payload.read())
            except OSError as error:
                raise FileGoneError(error.strerror) from None
        return _readers[task.analysis].read(task)
    except MemoryError:
        # What is left of the memory is in pieces; another worker begins afresh.
        os._exit(_OUT_OF_MEMORY)
    except (SystemExit, KeyboardInterrupt, DeviceLostError, FileGoneError):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, a panic in a codec too, the job must end with a code
        raise UnforeseenError(place(error)) from None
