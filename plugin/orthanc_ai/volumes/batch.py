"""Exports, the half that runs in the server: the files of each phase, and what became of it."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FuturesTimeoutError
from dataclasses import dataclass
from typing import Any

from ..analyses import Task
from ..batches.run import Run
from ..cardiac.header import NEEDED_TAGS_BY_LEVEL
from ..cardiac.header import Level as DicomLevel
from ..cardiac.index_tags import SIGNATURE_METADATA, is_complete
from ..cardiac.patients import QUARANTINE
from ..cardiac.select import MULTI_FRAME_CT
from ..codes import Code
from ..files import write_atomically
from ..handover import Shared
from ..outcomes import CARDIAC_METADATA, Outcome, read_outcome
from ..server import Resource, Server, ServerError
from ..settings import AI
from ..storage import Storage
from ..workers import WorkerError, Workers
from .choice import Wanted, choose
from .layout import MANIFEST, manifest, phase_folder
from .orders import VOLUMES, PhaseOrder, PlanOrder
from .records import said_of, settled_before, whose

SERIES_FILE = "series.json"
"""The verdict on a series, and what of it is in no volume, beside its phases."""

SPOOL = ".files"
"""Folder, within that of an export, of the DICOM files that a worker cannot read where Orthanc keeps them."""

_LOOK_S = 0.5
"""Between two looks whether the work is to end, while a worker is busy."""


class Export:
    """Writes the volumes of accepted series: a kind of batch.

    Its items are phases; a series without any, or of which none is exported, is one item. The records of the items say what
    became of them, and make the manifest. Each export has a worker process of its own, so that no X-ray waits for a volume.

    Parameters
    ----------
    workers
        Makes the worker process of an export.
    """

    name = VOLUMES

    def __init__(
        self, server: Server, settings: AI, storage: Storage, workers: Callable[[AI], Workers] = Workers
    ) -> None:
        self._server = server
        self._settings = settings
        self._storage = storage
        self._workers = workers

    def run(self, run: Run) -> None:
        """Export what the request names.

        Raises
        ------
        InterruptedBatch, OSError, ServerError
        """
        wanted = Wanted.of(run.request)
        expected = {}
        for series in choose(self._server, wanted):
            run.check()
            outcome = read_outcome(series.metadata, CARDIAC_METADATA)
            expected[series.identifier] = max(1, len(outcome.data.get("phases", ()) if outcome else ()))
        own = self._settings.model_copy(update={"workers": 1, "job_timeout": self._settings.volume_timeout})
        workers = self._workers(own)
        exporter = _Exporter(self._server, self._storage, workers, own, run, wanted, settled_before(run.settled))
        run.expect(sum(expected.values()))
        exporter.count_settled()
        try:
            for identifier in sorted(expected):
                run.check()
                expected[identifier] = exporter.export(identifier)
                run.expect(sum(expected.values()))
        finally:
            workers.stop()
            shutil.rmtree(run.output / SPOOL, ignore_errors=True)
        content = json.dumps(manifest(run.settled.values()), indent=1)
        write_atomically(run.output / MANIFEST, content.encode())


@dataclass(frozen=True, slots=True)
class _Exporter:
    """One export at work."""

    server: Server
    storage: Storage
    workers: Workers
    settings: AI
    run: Run
    wanted: Wanted
    before: Mapping[str, tuple[int, int]]
    """By series, how many of its items an earlier run has settled, and of how many."""

    def export(self, identifier: str) -> int:
        """Settle the items of one series.

        Returns
        -------
        How many they are; 0 if the series has gone.
        """
        run = self.run
        done, items = self.before.get(identifier, (0, 1))
        if done == items:
            return items
        series = self.server.resource("series", identifier)
        study = self.server.study_of("series", identifier)
        if series is None or study is None:
            return done
        about = whose(study, series, self._quarantine(study.identifier))
        outcome = read_outcome(series.metadata, CARDIAC_METADATA)
        if self.wanted.accepted_only and (outcome is None or outcome.code is not Code.ACCEPTED):
            code = outcome.code if outcome else Code.NOT_ANALYZED_YET
            return self._settle_series(identifier, about, code, outcome.data if outcome else {})
        planned, instances = self._plan(study, series)
        if planned.code is not Code.ACCEPTED:
            return self._settle_series(identifier, about, planned.code, {})
        verdict = {**planned.data["verdict"], **(outcome.data if outcome else {})}
        phases = [
            phase for phase in planned.data["phases"] if not self.wanted.phases or phase["label"] in self.wanted.phases
        ]
        if not phases:
            # What was stored of the verdict may say less: there were images then.
            code = Code.PHASE_NOT_THERE if planned.data["phases"] else Code(planned.data["verdict"]["codes"][0])
            return self._settle_series(identifier, about, code, verdict)
        code = outcome.code if outcome else Code.NOT_ANALYZED_YET
        about["series"] |= said_of(verdict, code)
        self._describe(about, verdict, planned.data)
        for phase in phases:
            key = f"{identifier}/{phase['label'] or ''}"
            if key not in run.settled:
                run.check()
                record = {**about, "items": len(phases), "phase": self._phase(about, phase, instances)}
                run.settle(key, record)
                self._count(record["phase"])
        return len(phases)

    def count_settled(self) -> None:
        """Count what earlier runs have settled: a kill takes along what was counted then."""
        self.run.summarise(codes={}, bytes=0)
        for record in self.run.settled.values():
            self._count(record["phase"] or record["series"])

    def _quarantine(self, study: str) -> Code | None:
        """Why a study stands for no patient, by its outcome."""
        text = self.server.metadata("study", study, CARDIAC_METADATA)
        outcome = read_outcome({CARDIAC_METADATA: text}, CARDIAC_METADATA) if text else None
        return next((note for note in outcome.notes if note in QUARANTINE), None) if outcome else None

    def _plan(self, study: Resource, series: Resource) -> tuple[Outcome, dict[str, str]]:
        """How a series falls into phases, and the Orthanc identifiers of its instances by SOP Instance UID.

        ``INDEX_INCOMPLETE`` if the index may lack what headers have: phases would be told wrongly, without a word.
        """
        # Orthanc warns of tags that are asked for and not in the file, so none are.
        shared = {name: study.tags[name] for name in NEEDED_TAGS_BY_LEVEL["Study"] if name in study.tags}
        shared |= {name: series.tags[name] for name in NEEDED_TAGS_BY_LEVEL["Series"] if name in series.tags}
        instances = list(self.server.children("series", series.identifier, "instance"))
        if not (_is_complete(series, "Series") and all(_is_complete(one, "Instance") for one in instances)):
            return Outcome(Code.INDEX_INCOMPLETE, ""), {}
        headers = tuple({**shared, **one.tags, "SOPClassUID": one.metadata.get("SopClassUid", "")} for one in instances)
        identifiers = {str(one.tags.get("SOPInstanceUID", "")): one.identifier for one in instances}
        multi_frame = [str(one.get("SOPInstanceUID", "")) for one in headers if one["SOPClassUID"] in MULTI_FRAME_CT]

        def order() -> PlanOrder:
            files = self._files([identifiers[uid] for uid in multi_frame])
            return PlanOrder(headers, dict(zip(multi_frame, files, strict=True)))

        return self._ask(order), identifiers

    def _settle_series(self, identifier: str, about: dict[str, Any], code: Code, verdict: Mapping[str, Any]) -> int:
        """Settle a series as a whole: nothing of it is exported."""
        if identifier not in self.run.settled:
            series = about["series"] | said_of(verdict, code)
            self.run.settle(identifier, {**about, "series": series, "items": 1, "phase": None})
            self._count({"code": code})
        return 1

    def _describe(self, about: Mapping[str, Any], verdict: Mapping[str, Any], planned: Mapping[str, Any]) -> None:
        """Write ``series.json``."""
        phases = [{**phase, "images": len(phase["images"])} for phase in planned["phases"]]
        content = {
            "series": about["series"],
            "verdict": verdict,
            "phases": phases,
            "leftOut": [{**one, "sentence": Code(one["code"]).sentence} for one in planned["leftOut"]],
        }
        write_atomically(
            self.run.output / about["series"]["folder"] / SERIES_FILE, json.dumps(content, indent=1).encode()
        )

    def _phase(
        self, about: Mapping[str, Any], phase: Mapping[str, Any], instances: Mapping[str, str]
    ) -> dict[str, Any]:
        """Export a phase; what became of it."""
        said = {
            "folder": f"{about['series']['folder']}/{phase_folder(phase['label'])}",
            "label": phase["label"],
            "source": phase["source"],
        }
        refusals = [Code(code) for code in phase["refusals"]]
        # By themselves, the images that were taken of several at one position would pass for a volume.
        doubled = Code.DUPLICATE_POSITIONS in refusals
        if doubled or (self.wanted.accepted_only and refusals):
            code = Code.DUPLICATE_POSITIONS if doubled else refusals[0]
            return {**said, "code": code, "sentence": code.sentence}

        def order() -> PhaseOrder:
            return PhaseOrder(
                files=self._files([instances[uid] for uid in dict.fromkeys(uid for uid, _ in phase["images"])]),
                images=tuple(phase["images"]),
                folder=self.run.output / said["folder"],
                formats=self.wanted.formats,
                windows=self.wanted.windows,
                about={
                    "studyInstanceUID": about["study"]["studyInstanceUID"],
                    "seriesInstanceUID": about["series"]["seriesInstanceUID"],
                    "role": about["series"]["role"],
                    "phase": phase["label"],
                },
            )

        outcome = self._ask(order)
        said |= {"code": outcome.code, "sentence": outcome.code.sentence}
        if outcome.code is not Code.EXPORTED:
            return {**said, "detail": outcome.detail}
        return said | {name: outcome.data[name] for name in ("shape", "spacingMm", "type", "files", "bytes")}

    def _files(self, instances: Iterable[str]) -> tuple[Shared, ...]:
        """The DICOM files of instances, where a worker can read them.

        Raises
        ------
        WorkerError
            If there is one that Orthanc cannot read.
        """
        spool = self.run.output / SPOOL
        shutil.rmtree(spool, ignore_errors=True)
        files = []
        for number, instance in enumerate(instances):
            self.run.check()
            try:
                found = self.storage.payload(self.server, instance)
            except ServerError as error:
                raise WorkerError(Code.FILE_UNREADABLE, str(error)) from None
            if found is None:
                raise WorkerError(Code.FILE_UNREADABLE, "Orthanc has no file of it")
            if not isinstance(found, Shared):
                spool.mkdir(parents=True, exist_ok=True)
                file = spool / f"{number}.dcm"
                file.write_bytes(found)
                found = Shared(str(file))
            files.append(found)
        return tuple(files)

    def _ask(self, order: Callable[[], PlanOrder | PhaseOrder]) -> Outcome:
        """Let the worker do something; tried again if it breaks, as often as any job.

        Raises
        ------
        InterruptedBatch
            If the work is to end.
        OSError
            If the folder cannot be written.
        """
        fault = Outcome(Code.INTERNAL_ERROR, "")
        for _ in range(self.settings.max_attempts):
            try:
                outcome = self._answer(Task(VOLUMES, order(), ""))
            except WorkerError as error:
                self.run.wait(self.settings.retry_pause)
                fault = Outcome(error.code, "", error.detail)
                continue
            if outcome.code is Code.STORE_FAILED:
                number = int(outcome.detail)
                raise OSError(number, os.strerror(number))
            return outcome
        return fault

    def _answer(self, task: Task) -> Outcome:
        with ThreadPoolExecutor(1, thread_name_prefix="ai-volumes-worker") as threads:
            answer = threads.submit(self.workers.run, task)
            try:
                while True:
                    self.run.check()
                    try:
                        return answer.result(_LOOK_S).outcome
                    except FuturesTimeoutError:
                        continue
            except BaseException:
                # Nobody waits for the answer any more, and the thread ends only with the worker.
                if not answer.done():
                    self.workers.stop()
                raise

    def _count(self, phase: Mapping[str, Any]) -> None:
        counts = dict(self.run.summary.get("codes", {}))
        counts[str(phase["code"])] = counts.get(str(phase["code"]), 0) + 1
        self.run.summarise(codes=counts, bytes=self.run.summary.get("bytes", 0) + phase.get("bytes", 0))


def _is_complete(resource: Resource, level: DicomLevel) -> bool:
    return is_complete(resource.metadata.get(SIGNATURE_METADATA, ""), level)
