"""Radiographs, the half that runs in the server: which instances are X-rays, and what a worker needs to read one."""

from collections.abc import Sequence

from ..analyses import Work
from ..codes import Code
from ..outcomes import XRAY_METADATA
from ..readiness import Readiness
from ..report.uids import recipe_digest
from ..server import Level, Resource, Server
from ..settings import AI, Sources
from .select import is_xray

REPORT_SCHEMA = 1
"""Version of the report's form. A new form is a new recipe: analysing again then gives a new report."""


class Radiographs:
    """Every X-ray instance gets a report or an outcome with a code."""

    name = "xray-findings"
    level: Level = "instance"
    metadata = XRAY_METADATA
    tags: Sequence[str] = ("Modality",)

    def __init__(self, settings: AI, readiness: Readiness) -> None:
        self._settings = settings
        self._readiness = readiness

    def wants(self, resource: Resource) -> bool:
        """An X-ray by its Modality and SOP class."""
        modality = str(resource.tags.get("Modality", ""))
        return self._settings.x_ray.enabled and is_xray(modality, resource.metadata.get("SopClassUid", ""))

    def work(self, server: Server, resource: Resource) -> Work:
        """The instance's file, to be read with the configured model."""
        prepared = self._readiness.prepared()
        settings = self._settings.x_ray
        recipe = recipe_digest(
            {
                "weights": prepared.weights_digest,
                "card": self._readiness.card.digest,
                "precision": "float32",
                "schema": REPORT_SCHEMA,
                "settings": settings.model_dump(mode="json", exclude={"enabled"}),
                "sources": self._settings.sources.model_dump(mode="json"),
            }
        )
        refusal = None if admitted(self._settings.sources, resource) else Code.SOURCE_NOT_SELECTED
        return Work(recipe, lambda: server.file(resource.identifier), refusal)


def admitted(sources: Sources, resource: Resource) -> bool:
    """Whether the settings name the sender of an instance. What is not limited is admitted."""
    facts = resource.metadata
    limits = (
        (sources.remote_aet, facts.get("RemoteAET", "")),
        (sources.called_aet, facts.get("CalledAET", "")),
        (sources.origin, facts.get("Origin", "")),
    )
    return all(not allowed or found in allowed for allowed, found in limits)
