"""The plugin: the rooms, wired together."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .analyses import METADATA, XRAY_MODEL, Analysis, NotReadyError, Task
from .api.access import Access
from .api.context import Context
from .api.dispatch import Dispatcher
from .api.routes import Routes
from .batches.batches import JOIN_S as BATCHES_S
from .batches.batches import Batches
from .batches.run import Kind
from .cardiac.index_tags import EXTRA_MAIN_DICOM_TAGS
from .cardiac.trigger import CardiacStudies
from .catalog.catalog import Catalog
from .catalog.mirror import Mirror
from .codes import Code
from .collecting.collection import Collections
from .corrections.clerk import Clerk
from .corrections.desk import Corrections
from .counts import Counter
from .courtesy import Courtesy, Processors
from .datasets.batch import Datasets
from .desk import Desk
from .inbox import Inbox
from .index_statistics import IndexStatisticsError, describe, index_file
from .job import Job, Knocks
from .jobs import Jobs
from .leaving import leave_without_unloading
from .metrics import Metrics
from .models.card import load_card
from .monitor import Monitor
from .pause import Pause
from .readiness import Readiness
from .retries import Retries
from .sdk import Sdk
from .sending.carriers import Carriers
from .sending.couriers import Couriers, check_destinations
from .sending.deliveries import Deliveries
from .sending.webhooks import Webhooks
from .server import Server
from .settings import AI, SettingsError, read_settings
from .storage import Storage, storage_folder
from .tables.batch import Tables
from .triage.rules import check_rules
from .triage.triage import Triage
from .viewer import Viewer
from .volumes.batch import Export
from .workers import WorkerError, Workers
from .xray.trigger import Radiographs

STACK_BYTES = 8 * 1024 * 1024
"""Stack of our threads: those of Debian's HTTP server have 100 KB, too little for a JSON parser or an import."""

JOIN_S = 10.0
"""How long a stopping server waits for each of our threads."""


CAPACITY = 1000
"""Jobs in hand, about 1 KB each; what waits beyond that waits in Orthanc's change log."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs between the start of the server and its stop."""

    inbox: Inbox
    jobs: Jobs
    workers: Workers
    deliveries: Deliveries
    triage: Triage
    monitor: Monitor
    mirror: Mirror
    clerk: Clerk
    batches: tuple[Batches, ...]

    def stop(self) -> None:
        """Stop it all, and wait for what is at work."""
        self.monitor.stop()
        self.mirror.stop()
        # All are told first and waited for last: one after the other would take longer than Orthanc has to stop.
        for batches in self.batches:
            batches.give_up()
        until = time.monotonic() + BATCHES_S
        self.deliveries.stop()
        self.clerk.stop()
        self.triage.stop()
        self.inbox.stop()
        # In this order: jobs must know that their workers are taken away, not dead.
        self.jobs.give_up()
        self.workers.stop()
        self.jobs.join()
        for batches in self.batches:
            batches.join(until - time.monotonic())


class Plugin:
    """Everything that runs inside Orthanc.

    Raises
    ------
    SettingsError, ModelError
        If the configuration cannot be used; raised at load, it stops Orthanc's start.
    """

    def __init__(self, sdk: Sdk) -> None:
        threading.stack_size(STACK_BYTES)
        self._sdk = sdk
        self.server = Server(sdk)
        configuration = self.server.configuration()
        self.settings = read_settings(configuration)
        _check_metadata(configuration)
        _check_limits(configuration)
        check_destinations(configuration, self.settings.send_to)
        self._webhooks = Webhooks(self.server, self.settings.send_to.webhooks)
        if self.settings.cardiac_ct.enabled:
            _check_tags(configuration)
        _check_views(configuration, self.settings)
        if self.settings.index_statistics:
            _describe_index(self.server, configuration)
        # Orthanc answers before it says that it has started; what arrives in between is ours.
        self._born = datetime.now(UTC)
        self.readiness = Readiness(self.server, self.settings, self._model_ready)
        check_rules(self.settings, partial(load_card, self.settings.models_directory))
        self._knocks = Knocks()
        self._courtesy = Courtesy(self.settings.yield_above, Processors().share)
        self._storage = Storage(storage_folder(configuration, self.server.configuration_folder()))
        self._stable_age = float(configuration.get("StableAge", 60))
        self._threads: list[threading.Thread] = []
        self._access = Access.of(configuration, self.settings.operators, self.settings.readers)
        self._dispatcher = Dispatcher(self.server)
        self._viewer = Viewer(self.settings.viewer_directory)
        self._running: Running | None = None

    def register(self) -> None:
        """Register the callbacks. They run on Orthanc's threads and only ring the bell or hand over."""
        leave_without_unloading(self._sdk)
        self._sdk.RegisterOnStoredInstanceCallback(self._stored)
        self._sdk.RegisterOnChangeCallback(self._changed)
        self._dispatcher.register(self._sdk)
        self._viewer.register(self._sdk)

    def _stored(self, *_: object) -> None:
        self._courtesy.stored()
        if self._running:
            self._running.inbox.ring()

    def _changed(self, change: int, _level: int, identifier: str) -> None:
        kinds = self._sdk.ChangeType
        if change == kinds.STABLE_STUDY:
            if self._running:
                self._running.inbox.ring()
        elif change == kinds.DELETED:
            if self._running:
                self._running.triage.deleted(identifier)
        elif change == kinds.ORTHANC_STARTED:
            self._start()
        elif change == kinds.ORTHANC_STOPPED:
            self._stop()

    def _start(self) -> None:
        settings, server, knocks = self.settings, self.server, self._knocks
        if self._access.nobody:
            server.warn(
                "AI: nobody may start, retry, pause or delete anything by /ai: users have to log in, but AI.Operators names "
                "none of the RegisteredUsers. Everybody else may only read."
            )
        metrics = Metrics(server.set_metric)
        workers = Workers(settings, metrics.worker_replaced)
        analyses: tuple[Analysis, ...] = (
            Radiographs(settings, self.readiness, self._storage),
            CardiacStudies(settings, self._storage),
        )
        retries = Retries(server, analyses)
        pause = Pause(server)
        triage = Triage(server, settings, lambda: self._courtesy.rush)
        carriers = Carriers(Couriers(server), self._webhooks)
        deliveries = Deliveries(server, settings, carriers, labels_of=triage.labels_of)
        job = Job(
            server,
            workers,
            pause,
            knocks,
            deliveries.mark,
            max_attempts=settings.max_attempts,
            first_pause_s=settings.retry_pause,
            settle=triage.settle,
        )
        jobs = Jobs(
            server,
            {analysis.name: analysis for analysis in analyses},
            job,
            knocks,
            parallel=settings.workers + 2,
            capacity=CAPACITY,
            first_pause_s=settings.retry_pause,
            courtesy=self._courtesy,
        )
        inbox = Inbox(
            server,
            jobs,
            retries,
            analyses,
            backfill=settings.backfill,
            born=self._born,
            stable_age=self._stable_age,
            priority=settings.priority,
            courtesy=self._courtesy,
        )
        knocks.room = inbox.ring
        knocks.retry = inbox.retry_later
        knocks.marked = deliveries.ring
        knocks.stored = self._courtesy.reported
        knocks.model_doubtful = self.readiness.doubt
        knocks.ended = metrics.job_ended
        desk = Desk(server, inbox, jobs, pause, lambda: self._courtesy.rush)
        knocks.ask = desk.retry
        counter = Counter(server)
        knocks.open_changed = counter.changed
        deliveries.on_change = counter.changed
        monitor = Monitor(server, metrics, desk, counter, self.readiness)
        kinds: tuple[Kind, ...] = (
            Export(server, settings, self._storage),
            Collections(server, settings, fetches=True),
            Collections(server, settings, fetches=False),
            Tables(server, settings, self._storage),
            Datasets(server, settings, self._storage),
        )
        batches = {
            kind.name: Batches(kind, settings.batches_directory, paused=lambda: pause.active, warn=server.warn)
            for kind in kinds
        }
        mirror = Mirror(server, settings.catalog.maximum_entries, lambda: self._courtesy.rush)
        corrections = Corrections(server)
        clerk = Clerk(
            server,
            corrections,
            workers.run,
            deliveries.mark_correction,
            max_attempts=settings.max_attempts,
            first_pause_s=settings.retry_pause,
            on_store=self._courtesy.reported,
            on_marked=deliveries.ring,
        )
        corrections.on_stated = clerk.ring
        context = Context(
            server,
            settings,
            queue=desk,
            sender=deliveries,
            models=self.readiness,
            access=self._access,
            counter=counter,
            catalog=Catalog(server, mirror),
            batches=batches,
            corrections=corrections,
            triage=triage,
        )
        inbox.on_begun = partial(self._dispatcher.open, Routes(context))
        self._running = Running(
            inbox, jobs, workers, deliveries, triage, monitor, mirror, clerk, tuple(batches.values())
        )
        for name, run in (
            ("ai-inbox", inbox.run),
            ("ai-model", self.readiness.run),
            ("ai-send", deliveries.run),
            ("ai-triage", triage.run),
            ("ai-metrics", monitor.run),
            ("ai-catalog", mirror.run),
            ("ai-corrections", clerk.run),
        ):
            thread = threading.Thread(target=run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        for one in batches.values():
            one.start()

    def _model_ready(self) -> None:
        if self._running:
            self._running.inbox.errands.release_held()
            if self.settings.x_ray.enabled:
                # On a thread of its own: the model counts as ready meanwhile.
                threading.Thread(target=self._warm, args=(self._running.workers,), name="ai-warm", daemon=True).start()

    def _warm(self, workers: Workers) -> None:
        """Let a worker load its libraries and the model, or the first image would wait for that."""
        started = time.monotonic()
        fault: Code | None
        try:
            prepared = self.readiness.prepared()
            task = Task(XRAY_MODEL, None, "", weights=prepared.weights_digest, scorer=self.readiness.scorer(prepared))
            loaded = workers.run(task).outcome
        except NotReadyError as reason:
            fault = reason.code
        except WorkerError as error:
            fault = error.code
        else:
            fault = Code(loaded.detail) if loaded.code is Code.HELD else None
        if fault is None:
            self.server.warn(f"AI: a worker has loaded the model in {time.monotonic() - started:.1f} s")
        elif fault is not Code.STOPPING:
            self.server.warn(f"AI: no worker could load the model yet: {fault}; the first image will try")

    def _stop(self) -> None:
        self._dispatcher.stop()
        self.readiness.stop()
        if self._running:
            self._running.stop()
        # Jobs must know that their workers were taken away: to them, a device that is lost is a fault.
        self.readiness.close()
        for thread in self._threads:
            thread.join(JOIN_S)


def _describe_index(server: Server, configuration: dict[str, Any]) -> None:
    # Orthanc loads its plugins first and then opens its index.
    index = index_file(configuration, server.configuration_folder())
    try:
        if index and describe(index):
            server.warn("AI: SQLite has been told how to find a single resource in Orthanc's index")
    except IndexStatisticsError as error:
        server.warn(f"AI: the index has no statistics, so everything becomes slower with each image: {error}")


def _check_metadata(configuration: dict[str, Any]) -> None:
    declared = configuration.get("UserMetadata", {})
    missing = [name for name in METADATA if name not in declared]
    if missing:
        raise SettingsError(
            f"UserMetadata: found {sorted(declared)}; allowed: must declare {', '.join(missing)}, as orthanc.json does"
        )


def _check_limits(configuration: dict[str, Any]) -> None:
    """Orthanc cuts answers to the plugin's own questions short as well, without a word."""
    for name in ("LimitFindResults", "LimitFindInstances"):
        if limit := configuration.get(name, 0):
            raise SettingsError(
                f"{name}: found {limit}; allowed: 0 or nothing, or lists, datasets and the catalogue would lack what lies beyond"
            )


def _check_tags(configuration: dict[str, Any]) -> None:
    extra = configuration.get("ExtraMainDicomTags", {})
    missing = [
        f"{level}.{tag}"
        for level, tags in EXTRA_MAIN_DICOM_TAGS.items()
        for tag in tags
        if tag not in extra.get(level, ())
    ]
    if missing:
        raise SettingsError(
            f"ExtraMainDicomTags: lacks {', '.join(missing)}; allowed: must name them, as orthanc.json does, or "
            "AI.CardiacCT.Enabled be false. Without them CT studies cannot be judged from the index"
        )


def _check_views(configuration: dict[str, Any], settings: AI) -> None:
    """Without the view in the index, a film would be compared with one of another view, and a rule on views fit none."""
    asked = (
        ["AI.XRay.CompareWithPrior be false"] if settings.x_ray.enabled and settings.x_ray.compare_with_prior else []
    )
    if any(rule.views for rule in settings.triage):
        asked.append("no rule of AI.Triage have Views")
    if asked and "ViewPosition" not in configuration.get("ExtraMainDicomTags", {}).get("Instance", ()):
        raise SettingsError(
            f"ExtraMainDicomTags: lacks Instance.ViewPosition; allowed: must name it, as orthanc.json does, or {' and '.join(asked)}"
        )
