"""Radiographs, the half that runs in the server: which instances are X-rays, and what a worker needs to read one."""

from collections.abc import Sequence

from ..analyses import XRAY, Work
from ..codes import Code
from ..outcomes import OVERLAYS_METADATA, XRAY_METADATA
from ..readiness import Readiness
from ..report.uids import recipe_digest
from ..server import Level, Resource, Server
from ..settings import AI
from ..storage import Storage
from .prior import find_prior
from .select import is_xray
from .wanted import Wanted

PIPELINE_VERSION = 2
"""Version of how headers are judged and pixels are read. Another one may give another result for the same image."""

REPORT_SCHEMA = 3
"""Version of the report's form. A new form is a new recipe: analysing again then gives a new report."""


class Radiographs:
    """Every X-ray instance gets a report or an outcome with a code."""

    name = XRAY
    level: Level = "instance"
    metadata = XRAY_METADATA
    tags: Sequence[str] = ("Modality",)

    def __init__(self, settings: AI, readiness: Readiness, storage: Storage) -> None:
        self._settings = settings
        self._readiness = readiness
        self._storage = storage

    def wants(self, resource: Resource) -> bool:
        """An X-ray by its Modality and SOP class."""
        modality = str(resource.tags.get("Modality", ""))
        return self._settings.x_ray.enabled and is_xray(modality, resource.metadata.get("SopClassUid", ""))

    def work(self, server: Server, resource: Resource) -> Work:
        """The instance's file, to be read with the configured model."""
        prepared = self._readiness.prepared()
        settings = self._settings.x_ray
        sources = self._settings.sources
        if not sources.admit(resource.metadata):
            refused = recipe_digest({"sources": sources.model_dump(mode="json")})
            return Work(refused, lambda: None, Code.SOURCE_NOT_SELECTED)
        segmentation = self._readiness.outliner()
        outliner = segmentation.weights_digest if segmentation else ""
        prior = None
        if settings.compare_with_prior:
            prior = find_prior(server, resource, model=self._readiness.card.name, weights=prepared.weights_digest)
        overlays = settings.overlays == "always" or OVERLAYS_METADATA in resource.metadata
        recipe = recipe_digest(
            {
                "weights": prepared.weights_digest,
                # The card has the thresholds in force.
                "card": self._readiness.card.digest,
                "precision": "float32",
                "pipeline": PIPELINE_VERSION,
                "schema": REPORT_SCHEMA,
                "overlays": overlays,
                "outliner": outliner,
                # A report says what it is compared with, and nothing of a prior that it does not know.
                "prior": [prior.sop_instance_uid, prior.image, prior.date] if prior else None,
                "settings": settings.model_dump(mode="json", exclude={"enabled", "thresholds", "overlays"}),
            }
        )
        return Work(
            recipe,
            lambda: self._storage.payload(server, resource.identifier),
            weights=prepared.weights_digest,
            scorer=self._readiness.scorer(prepared),
            context=Wanted(overlays, prior, outliner),
            demonstration=self._readiness.card.demonstration,
        )
