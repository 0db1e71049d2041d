"""Datasets, the half that runs in the server: which images, what became of each, and where each belongs."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..batches.batch import BatchError, InterruptedBatch
from ..batches.crew import Crew
from ..batches.instance_files import InstanceFiles
from ..batches.run import Run
from ..codes import Code
from ..deidentify.options import Options
from ..deidentify.private import Private
from ..deidentify.pseudonyms import Pseudonyms
from ..files import write_atomically
from ..server import Server, ServerError
from ..settings import AI
from ..storage import Storage
from ..workers import Workers
from .choice import Said, choose, choose_volumes
from .conclusion import Conclusion
from .keys import key_of
from .labels import Join
from .manifest import MANIFEST
from .orders import DATASETS, PRIVATE, ImageFormat, ImageOrder, Making
from .planned import Planned, read_plan, write_plan
from .provenance import head_of
from .readers import labels_by_readers, summary
from .recipe import Recipe
from .records import count, record_of, spoiled
from .splits import Earlier, Plan, refuse_lost_sides
from .volume_files import VolumeFiles
from .worker import start

STAGE = ".images"
"""Folder within the output of the images, until it is known where each belongs."""

_SPOOL = ".files"
_PLAN = "plan.jsonl"
_LABELS = "labels.json"

_MADE = ".made"
"""File that is there when all images are written, and some may have been moved."""

_COMPLETE = ".complete"
"""File that is there when the dataset is, with what came of it: only its secrets may still have to go."""

CHUNK = 16
"""Images that a worker gets at once: of small images, the way to a worker would take longer than the image."""


_WORKERS = partial(Workers, start=start)


class Datasets:
    """Makes datasets: a kind of batch. Its items are the instances of the selection.

    The images are written to a folder that is not handed out. When all are there, they are divided by what their headers and
    their pixels tell of their patients, and moved to where they belong.

    Parameters
    ----------
    workers
        Makes the worker processes of a dataset.
    """

    name = DATASETS

    def __init__(
        self,
        server: Server,
        settings: AI,
        storage: Storage,
        workers: Callable[[AI], Workers] = _WORKERS,
    ) -> None:
        self._server = server
        self._settings = settings
        self._storage = storage
        self._workers = workers

    def run(self, run: Run) -> None:
        """Make what the request asks for.

        Raises
        ------
        InterruptedBatch, BatchError, OSError, ServerError
        """
        recipe, options = Recipe.of(run.request), Options.of(run.request["deidentify"])
        private = Private(run.output.parent / PRIVATE)
        goes = options.enabled and not options.keep_key
        complete = run.output / _COMPLETE
        if complete.exists():
            kept = json.loads(complete.read_bytes())
            run.expect(kept["total"])
            run.summarise(**kept["summary"])
        else:
            try:
                self._run(run, recipe, options, private)
            except (InterruptedBatch, OSError, ServerError):
                raise
            except Exception:
                # It has failed for good: nobody needs its secrets any more.
                if goes:
                    private.destroy()
                raise
            write_atomically(complete, json.dumps({"total": run.total, "summary": run.summary}).encode())
        shutil.rmtree(run.output / STAGE, ignore_errors=True)
        if goes:
            private.destroy()

    def _run(self, run: Run, recipe: Recipe, options: Options, private: Private) -> None:
        earlier, grows = self._earlier(run, recipe, private)
        # A key that is to be destroyed is random: one that can be made again is not destroyed.
        if not private.exists and (options.keep_key or not options.enabled):
            private.use(key_of(self._settings.batches_directory / DATASETS, run.request))
        pseudonyms = Pseudonyms(private.key())
        if (run.output / _MADE).exists():
            planned = list(read_plan(run.output.parent / PRIVATE / _PLAN))
            run.expect(len(planned))
            count(run, run.settled.values(), anew=True)
        else:
            planned = self._made(run, recipe, private, pseudonyms)
        models = self._settings.models_directory
        head = head_of(self._server, models, run.request, planned, pseudonyms, grows)
        if recipe.labels:
            head["labels"] = json.loads((run.output.parent / PRIVATE / _LABELS).read_bytes())
        if recipe.readers:
            head["readers"] = summary(one.readers for one in planned)
        stage = run.output / STAGE
        conclusion = Conclusion(run, recipe, options, private, pseudonyms, stage=stage, head=head, earlier=earlier)
        conclusion.draw(planned)

    def _earlier(self, run: Run, recipe: Recipe, private: Private) -> tuple[Earlier | None, str]:
        """How the dataset that grows is divided, and the digest of its manifest."""
        if not recipe.grows:
            return None, ""
        folder = run.output.parent.parent / recipe.grows
        before = Private(folder / PRIVATE)
        try:
            if not before.exists:
                raise FileNotFoundError
            private.use(before.key())
            division = before.division()
            manifest = folder.joinpath(run.output.name, MANIFEST).read_bytes()
            earlier = Earlier.of(division) if division else None
        except (FileNotFoundError, ValueError):
            raise BatchError(Code.KEY_DESTROYED) from None
        if earlier and recipe.split:
            try:
                refuse_lost_sides(Plan(recipe.split["ratios"], recipe.split["seed"]), earlier)
            except ValueError as error:
                raise BatchError(Code.BAD_REQUEST, str(error)) from None
        return earlier, hashlib.sha256(manifest).hexdigest()

    def _made(self, run: Run, recipe: Recipe, private: Private, pseudonyms: Pseudonyms) -> list[Planned]:
        """Write the images; those that there were when the batch began."""
        file = run.output.parent / PRIVATE / _PLAN
        (run.output / STAGE).mkdir(parents=True, exist_ok=True)
        if recipe.format == "nifti":
            planned = self._planned(run, recipe, pseudonyms, file)
            self._write_volumes(run, private, pseudonyms, planned)
        else:
            with Crew(self._settings, run, DATASETS, self._workers) as crew:
                planned = self._planned(run, recipe, pseudonyms, file)
                self._write(run, recipe, recipe.format, private, pseudonyms, planned, crew)
        # All files at once outlive a power cut now: one by one, that takes longer than making them.
        os.sync()
        (run.output / _MADE).touch()
        return planned

    def _planned(self, run: Run, recipe: Recipe, pseudonyms: Pseudonyms, file: Path) -> list[Planned]:
        """The images, as they were when the batch began."""
        if not file.is_file():
            write_plan(file, list(self._choose(run, recipe, pseudonyms)))
        planned = list(read_plan(file))
        run.expect(len(planned))
        if not planned:
            raise BatchError(Code.NOTHING_SELECTED)
        return planned

    def _choose(self, run: Run, recipe: Recipe, pseudonyms: Pseudonyms) -> Iterator[Planned]:
        further = ("AccessionNumber",) if recipe.labels and recipe.labels.key == "AccessionNumber" else ()
        join = Join(recipe.labels) if recipe.labels else None
        chosen_by = choose_volumes if recipe.format == "nifti" else choose
        said = Said() if recipe.readers else None
        seen: set[str] = set()
        for chosen in chosen_by(self._server, recipe.selection, run.check, further, said):
            patient, issuer, study = map(chosen.tag, ("PatientID", "IssuerOfPatientID", "StudyInstanceUID"))
            name = pseudonyms.name("image", chosen.instance)
            # What is stored anew while the index is read stands in it twice: where it was, and among the latest.
            if name in seen:
                continue
            seen.add(name)
            readers = labels_by_readers(said.latest, recipe.readers) if said and recipe.readers else {}
            if recipe.readers and recipe.readers.only and all(one.present is None for one in readers.values()):
                continue
            labels = join.of(chosen.identifiers) if join else None
            stated = {finding: one.to_json() for finding, one in readers.items()}
            yield Planned(chosen, name, pseudonyms.patient(patient, issuer, study), labels or {}, stated)
        if join:
            write_atomically(run.output.parent / PRIVATE / _LABELS, json.dumps(join.report()).encode())

    def _write(
        self,
        run: Run,
        recipe: Recipe,
        form: ImageFormat,
        private: Private,
        pseudonyms: Pseudonyms,
        planned: list[Planned],
        crew: Crew,
    ) -> None:
        """Write all images that are not written yet."""
        stage = run.output / STAGE
        making = Making(stage, form, recipe.size, recipe.scaling, recipe.privacy)
        settled = set(run.settled) - set(spoiled(run.settled, stage, _noted(private)))
        count(run, (run.settled[name] for name in settled), anew=True)
        files = InstanceFiles(self._server, self._storage, run.output / _SPOOL)

        def orders() -> Iterator[ImageOrder]:
            for one in planned:
                if one.name not in settled:
                    instance = one.chosen.instance
                    yield ImageOrder(instance, files.place(instance), one.name, making)

        try:
            for chunk in crew.do(orders(), CHUNK, in_order=False):
                made = {done.item.name: record_of(done, pseudonyms) for done in chunk}
                private.note([member for _, members in made.values() for member in members])
                records = {name: record for name, (record, _) in made.items()}
                run.settle_all(records)
                files.release(done.item.instance for done in chunk)
                count(run, records.values())
        finally:
            files.clear()

    def _write_volumes(self, run: Run, private: Private, pseudonyms: Pseudonyms, planned: list[Planned]) -> None:
        """Write all volumes that are not written yet."""
        stage = run.output / STAGE
        settled = set(run.settled) - set(spoiled(run.settled, stage, _noted(private)))
        count(run, (run.settled[name] for name in settled), anew=True)
        volumes = VolumeFiles(self._server, self._settings, self._storage, stage, pseudonyms)
        for one in planned:
            if one.name not in settled:
                run.check()
                record, members = volumes.write(run, one)
                private.note(members)
                run.settle(one.name, record)
                count(run, [record])


def _noted(private: Private) -> set[str]:
    """The files of which is known whose they are."""
    return {member["key"] for member in private.members()}
