"""Radiographs, the half that runs in a worker: from a DICOM file to a report or a reason why not."""

from dataclasses import astuple
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from pydicom import Dataset

from ..analyses import XRAY, Answer, Task
from ..cardiothoracic import classical, segmentation
from ..cardiothoracic.ratio import Ratio
from ..codes import Code
from ..concepts import Finding
from ..dicom_file import FileError, header_of, open_file
from ..images.checks import integer
from ..images.digest import pixel_digest
from ..images.errors import ImageError
from ..models.address import Address
from ..models.card import load_card, with_thresholds
from ..models.engine import Scorer, load_engine
from ..models.errors import DeviceLostError, ModelError
from ..models.prepared import load_prepared
from ..models.remote import RemoteScorer
from ..models.segmentation_card import SEGMENTATION, load_segmentation_card
from ..outcomes import WEIGHTS_DIGITS, Outcome, Result
from ..overlays.capture import heat_map_identities
from ..report.document import SOP_CLASS_UID
from ..report.errors import ReportError
from ..report.findings_report import FindingsTemplate, ReportSettings
from ..report.header import instance_reference
from ..report.images import image_facts, length_spacing
from ..report.prior import Prior
from ..report.uids import recipe_digest, report_identity
from ..settings import AI
from ..stages import Stages
from .activation import Activation, class_activations, crop_box, encode
from .classify import classify
from .overlays import HEAT_MAP, Drawn, Overlay, attempted, of_findings, of_ratio
from .pixels import read_radiograph
from .ratio import Outliner, Told, for_outcome, for_report, tell
from .select import judge
from .wanted import Wanted
from .words import View


class RadiographReader:
    """Reads chest radiographs with the configured model.

    The model is loaded at the first image or before (see `ModelLoader`), so that a worker is there before its model is.
    """

    def __init__(self, settings: AI) -> None:
        self._settings = settings
        self._card = with_thresholds(load_card(settings.models_directory, settings.model), settings.x_ray.thresholds)
        # Whose models lie elsewhere need not have one that nobody asks for.
        outlines = settings.x_ray.cardiothoracic_ratio == "segmentation"
        self._outliner_card = load_segmentation_card(settings.models_directory, SEGMENTATION) if outlines else None
        self._segmenter: tuple[str, segmentation.Segmenter] | None = None
        self._loaded: tuple[tuple[str, Address | None], Scorer, FindingsTemplate] | None = None

    def read(self, task: Task) -> Answer:
        """Read one instance."""
        stages = Stages()
        wanted: Wanted = task.context or Wanted()
        notes: tuple[Code, ...] = ()
        try:
            with stages("header"):
                dataset = open_file(task.payload)
                # Apart from here on: pydicom replaces bytes that it cannot decode in every text that somebody has
                # looked at, and the report is to have them as they are.
                header = header_of(dataset)
                chosen = judge(
                    dataset,
                    self._card.intended_use,
                    unstated_body_part=self._settings.x_ray.unstated_body_part,
                    outside_intended_use=self._settings.x_ray.outside_intended_use,
                )
                notes = chosen.notes
            if not chosen.analyze:
                assert chosen.code is not None
                return self._without_report(task, chosen.code, "", notes, stages)
            source = instance_reference(header)
            with stages("load"):
                scorer, template = self._model(task.weights, task.scorer)
                method = self._method(wanted.outliner)
            step = self._step(dataset)
            image = read_radiograph(
                dataset, self._card.input_size, voi_lut=self._settings.x_ray.voi_lut, step=step, stages=stages
            )
            with stages("digest"):
                digest = pixel_digest(dataset)
            notes += image.notes
        except ModelError as error:
            # It was there when the task was given; the work waits until it is there again.
            held = Outcome(Code.HELD, "", str(error.code), model=self._card.name, result=task.previous)
            return Answer(held, seconds=stages.seconds, cpu_seconds=stages.cpu_seconds)
        except (ImageError, FileError, ReportError) as error:
            return self._without_report(task, error.code, str(error), notes, stages)
        with stages("infer"):
            try:
                scores, maps = (found[0] for found in scorer.scores_and_activations(image.tensor[None]))
            except DeviceLostError:
                self._loaded = None
                raise
            findings = classify(self._card, scores, band=self._settings.x_ray.undetermined_band)
            activations = class_activations(self._card, maps, dataset.Rows, dataset.Columns)
        spacing = length_spacing(header)
        ratio: Told | None = None
        if step is not None and image.small is not None:
            with stages("ratio"):
                ratio = tell(method, image.small, step, image_facts(header).orientation, spacing)
            if chosen.view is View.AP and isinstance(ratio, Ratio):
                notes += (Code.RATIO_BY_AP,)
        uid = source.sop_instance_uid.decode("iso8859")
        now = datetime.now(UTC).astimezone()
        overlays: list[Overlay] = []
        lacking = task.no_objects if wanted.overlays else ""
        if wanted.overlays and not lacking:
            labels = [finding.label for finding in findings]
            identities = heat_map_identities(uid, digest, task.recipe, labels)
            identify = partial(report_identity, uid, digest, XRAY, task.recipe)

            def maps() -> Drawn:
                return of_findings(dataset, header, findings, activations, self._card, template.maker, identities, now)

            def lines() -> Drawn:
                return of_ratio(header, ratio, self._card, identify, now) if isinstance(ratio, Ratio) else [], ()

            with stages("overlays"):
                overlays, remarks, lacking = attempted(maps, lines)
            notes += remarks
        recipe = task.recipe
        if lacking:
            notes += (Code.OVERLAYS_NOT_WRITTEN,)
            # Another object than the report that refers to all of them, which may yet come.
            recipe = recipe_digest({"recipe": recipe, "overlays": [one.finding or one.kind for one in overlays]})
        with stages("report"):
            identity = report_identity(uid, digest, XRAY, recipe, "findings")
            # A report that is written again, since it was deleted, replaces none.
            again = task.previous is not None and task.previous.sop_instance_uid == identity.sop_instance_uid
            dicom = template.fill(
                header,
                findings,
                notes,
                identity,
                now,
                None if again else task.previous,
                ratio=None if ratio is None else for_report(ratio, spacing),
                captures={one.finding: one.reference for one in overlays if one.kind == HEAT_MAP},
                objects=[one.reference for one in overlays if one.kind != HEAT_MAP],
                prior=wanted.prior,
            )
        data = {
            "demonstration": self._card.demonstration,
            "weights": task.weights[:WEIGHTS_DIGITS],
            "findings": [_listed(finding, activations[finding.label]) for finding in findings],
            "box": list(astuple(crop_box(dataset.Rows, dataset.Columns))),
            "size": [dataset.Rows, dataset.Columns],
        }
        if ratio is not None:
            data["ratio"] = for_outcome(ratio, spacing)
        if wanted.prior is not None:
            data["prior"] = _earlier(wanted.prior)
        if overlays:
            data["overlays"] = [one.listed() for one in overlays]
        outcome = Outcome(
            Code.REPORTED,
            task.recipe,
            lacking,
            notes=notes,
            result=Result(
                sop_class_uid=SOP_CLASS_UID,
                sop_instance_uid=identity.sop_instance_uid,
                series_instance_uid=identity.series_instance_uid,
                study_instance_uid=source.study_instance_uid.decode("iso8859"),
                demonstration=self._card.demonstration,
            ),
            model=self._card.name,
            data=data,
        )
        objects = tuple(one.made for one in overlays)
        return Answer(outcome, dicom, objects, seconds=stages.seconds, cpu_seconds=stages.cpu_seconds)

    def _step(self, dataset: Dataset) -> int | None:
        """By how much the image is made smaller for the ratio; ``None`` if that is not wanted."""
        rows, columns = integer(dataset, "Rows", 0), integer(dataset, "Columns", 0)
        if self._outliner_card is not None:
            return segmentation.segmentation_step(rows, columns, self._outliner_card.input_size)
        return None if self._settings.x_ray.cardiothoracic_ratio == "off" else classical.step_for(rows, columns)

    def _method(self, weights: str) -> Outliner:
        """How the ratio is measured: as the settings say, and then with exactly these weights.

        Raises
        ------
        ModelError
            If the model with these weights is not there.
        """
        if self._outliner_card is None:
            return classical.measure
        if self._segmenter is None or self._segmenter[0] != weights:
            prepared = load_prepared(self._outliner_card, self._settings.cache_directory)
            if prepared.weights_digest != weights:
                raise ModelError(Code.MODEL_TAMPERED, "the weights have changed since the server looked at them")
            segmenter = segmentation.Segmenter(prepared, self._settings.threads_per_worker)
            self._segmenter = weights, segmenter
        return self._segmenter[1].measure

    def load(self, task: Task) -> None:
        """Load the model that a task is about and use it once, since the first time takes longer.

        Raises
        ------
        ModelError
            If the model with these weights is not there.
        DeviceLostError
            If the process that computes scores has gone.
        """
        scorer, _ = self._model(task.weights, task.scorer)
        scorer.scores(np.zeros((1, 1, self._card.input_size, self._card.input_size), np.float32))

    def _model(self, weights: str, address: Address | None) -> tuple[Scorer, FindingsTemplate]:
        """The model with exactly these weights: what the recipe says is what is used."""
        if self._loaded is None or self._loaded[0] != (weights, address):
            settings = self._settings
            prepared = load_prepared(self._card, settings.cache_directory)
            if prepared.weights_digest != weights:
                raise ModelError(Code.MODEL_TAMPERED, "the weights have changed since the server looked at them")
            scorer: Scorer
            if address is None:
                scorer = load_engine(prepared, settings.engine, settings.threads_per_worker)
            else:
                scorer = RemoteScorer(address, prepared)
            lut = "applied" if settings.x_ray.voi_lut else "not applied"
            report = ReportSettings(
                title=settings.x_ray.report_title.concept(),
                undetermined_band=settings.x_ray.undetermined_band,
                parameters=(f"VOI LUT or window of the image {lut}",),
            )
            template = FindingsTemplate(self._card, weights_digest=prepared.weights_digest, settings=report)
            self._loaded = (weights, address), scorer, template
        return self._loaded[1:]

    def _without_report(self, task: Task, code: Code, detail: str, notes: tuple[Code, ...], stages: Stages) -> Answer:
        outcome = Outcome(code, task.recipe, detail=detail, notes=notes, model=self._card.name, result=task.previous)
        return Answer(outcome, seconds=stages.seconds, cpu_seconds=stages.cpu_seconds)


class ModelLoader:
    """Lets a reader load its model before an image comes."""

    def __init__(self, reader: RadiographReader) -> None:
        self._reader = reader

    def read(self, task: Task) -> Answer:
        """Load the model that the task names."""
        try:
            self._reader.load(task)
        except ModelError as error:
            return Answer(Outcome(Code.HELD, task.recipe, str(error.code)))
        return Answer(Outcome(Code.REPORTED, task.recipe))


def _listed(finding: Finding, activation: Activation) -> dict[str, Any]:
    """A finding as listings show it; the score to six digits, more than any reader needs."""
    listed = {
        "label": finding.label,
        "score": round(finding.score, 6),
        "threshold": finding.threshold,
        "presence": finding.presence,
    }
    if finding.score >= finding.threshold:
        listed["activation"] = encode(activation.grid)
    return listed


def _earlier(prior: Prior) -> dict[str, Any]:
    """What pages say of an earlier report."""
    return {
        "image": prior.image,
        "report": prior.sop_instance_uid,
        "date": prior.date,
        "scores": {label: round(score, 6) for label, score in prior.scores.items()},
    }
