"""Cardiac CT, the half that runs in the server: which studies have CT series, and their headers from the index."""

from collections.abc import Sequence
from typing import Any

from ..analyses import CARDIAC, Work
from ..codes import Code
from ..handover import Shared
from ..outcomes import CARDIAC_METADATA
from ..report.uids import recipe_digest
from ..server import Level, Resource, Server
from ..settings import AI
from ..storage import Storage
from .header import NEEDED_TAGS
from .judge import RULES_VERSION

REPORT_SCHEMA = 2
"""Version of the report's form. A new one is a new recipe: judging again then gives a new report."""

IMAGE_MODALITIES = frozenset({"CT"})
"""Modalities whose instances make up the study: our own SR coming in does not make it another study."""


class CardiacStudies:
    """Every finished CT study gets a report that says which of its series are cardiac."""

    name = CARDIAC
    level: Level = "study"
    metadata = CARDIAC_METADATA
    tags: Sequence[str] = ("ModalitiesInStudy",)

    def __init__(self, settings: AI, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage

    def wants(self, resource: Resource) -> bool:
        """A study with at least one CT series."""
        modalities = str(resource.tags.get("ModalitiesInStudy", "")).split("\\")
        return self._settings.cardiac_ct.enabled and not IMAGE_MODALITIES.isdisjoint(modalities)

    def work(self, server: Server, resource: Resource) -> Work:
        """The headers of the study's CT instances, as Orthanc's index has them."""
        headers: list[dict[str, Any]] = []
        senders = []
        for instance in server.children("study", resource.identifier, "instance", NEEDED_TAGS):
            if instance.tags.get("Modality") not in IMAGE_MODALITIES:
                continue
            headers.append({**instance.tags, "SOPClassUID": instance.metadata.get("SopClassUid", "")})
            senders.append(instance)
        recipe = recipe_digest(
            {
                "instances": sorted(str(header.get("SOPInstanceUID", "")) for header in headers),
                "rules": RULES_VERSION,
                "schema": REPORT_SCHEMA,
                "settings": self._settings.cardiac_ct.model_dump(mode="json", exclude={"enabled"}),
            }
        )
        sources = self._settings.sources
        if senders and not any(sources.admit(sender.metadata) for sender in senders):
            refused = recipe_digest({"sources": sources.model_dump(mode="json")})
            return Work(refused, lambda: None, Code.SOURCE_NOT_SELECTED)
        # One file gives what the report copies of patient and study; the index leaves out some of it.

        def payload() -> dict[str, Any] | None:
            file = server.file(senders[0].identifier) if senders else None
            return None if file is None else {"headers": headers, "file": file}

        identifiers = {str(sender.tags.get("SOPInstanceUID", "")): sender.identifier for sender in senders}

        def file(uid: str) -> Shared | bytes | None:
            return self._storage.payload(server, identifiers[uid]) if uid in identifiers else None

        return Work(recipe, payload, file=file)
