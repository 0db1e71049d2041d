"""Cardiac CT, the half that runs in the server: which studies have CT series, and their headers from the index."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..analyses import CARDIAC, RefusedError, Work
from ..codes import Code
from ..handover import Shared
from ..namesakes import namesakes
from ..outcomes import CARDIAC_METADATA, read_outcome
from ..report.uids import recipe_digest
from ..server import Level, Resource, Server
from ..settings import AI
from ..storage import Storage
from .header import NEEDED_TAGS_BY_LEVEL
from .headers import Headers, Sheet
from .index_tags import SIGNATURE_METADATA, is_complete
from .judge import RULES_VERSION
from .patients import Identity, quarantine

REPORT_SCHEMA = 3
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
        """The headers of the study's CT instances, as Orthanc's index has them.

        Only their identifiers are looked at before it is known that they must be judged: each time that something is added
        to a study, our own report too, it is looked at again.
        """
        series = [
            one
            for one in server.children("study", resource.identifier, "series", NEEDED_TAGS_BY_LEVEL["Series"])
            if one.tags.get("Modality") in IMAGE_MODALITIES
        ]
        instances = sorted(child for one in series for child in one.children)
        own = Identity.from_tags(resource.tags)
        others = [(one, Identity.from_tags(one.tags)) for one in namesakes(server, resource)]
        code = quarantine(own, (identity for _, identity in others))
        recipe = recipe_digest(
            {
                "instances": instances,
                "patient": code,
                "rules": RULES_VERSION,
                "schema": REPORT_SCHEMA,
                "settings": self._settings.cardiac_ct.model_dump(mode="json", exclude={"enabled"}),
            }
        )
        notes = (code,) if code else ()
        unaware = tuple(one.identifier for one, identity in others if own.contradicts(identity) and _is_unaware(one))
        if instances and not self._is_admitted(server, resource.identifier):
            refused = recipe_digest({"sources": self._settings.sources.model_dump(mode="json"), "patient": code})
            return Work(refused, lambda: None, Code.SOURCE_NOT_SELECTED, notes=notes, others=unaware)

        def payload() -> dict[str, Any] | None:
            headers = _headers(server, resource, series)
            # One file gives what the report copies of patient and study; the index leaves out some of it.
            file = self._storage.payload(server, instances[0]) if instances else None
            return None if file is None else {"headers": headers, "file": file, "notes": [str(note) for note in notes]}

        def file(uid: str) -> Shared | bytes | None:
            known = frozenset(instances)
            found = next((identifier for _, identifier in server.lookup(uid) if identifier in known), None)
            return self._storage.payload(server, found) if found else None

        return Work(recipe, payload, file=file, notes=notes, others=unaware)

    def _is_admitted(self, server: Server, study: str) -> bool:
        """Whether `AI.Sources` names the sender of any of its images."""
        sources = self._settings.sources
        if sources == type(sources)():
            return True
        instances = server.children("study", study, "instance", ("Modality",), content=("Metadata",))
        return any(sources.admit(one.metadata) for one in instances if one.tags.get("Modality") in IMAGE_MODALITIES)


def _is_unaware(study: Resource) -> bool:
    """Whether a study was judged when nothing contradicted it."""
    outcome = read_outcome(study.metadata, CARDIAC_METADATA)
    return outcome is not None and Code.PATIENT_ID_CONFLICT not in outcome.notes


def _headers(server: Server, study: Resource, series: Sequence[Resource]) -> Headers:
    """The headers of the instances of some series, read in pages.

    Raises
    ------
    RefusedError
        ``INDEX_INCOMPLETE`` if any was stored when the index did not keep yet what is needed: a verdict on tags that are
        missing in the index, and not in the header, would be wrong.
    """
    headers, lacking = Headers(), 0
    whole = {keyword: study.tags[keyword] for keyword in NEEDED_TAGS_BY_LEVEL["Study"] if keyword in study.tags}
    for one in series:
        shared = whole | {key: one.tags[key] for key in NEEDED_TAGS_BY_LEVEL["Series"] if key in one.tags}
        complete = is_complete(one.metadata.get(SIGNATURE_METADATA, ""), "Series")

        def instances(identifier: str = one.identifier, complete: bool = complete) -> Iterator[Mapping[str, Any]]:
            nonlocal lacking
            for instance in server.children("series", identifier, "instance", content=("MainDicomTags", "Metadata")):
                lacking += not (complete and is_complete(instance.metadata.get(SIGNATURE_METADATA, ""), "Instance"))
                yield {"SOPClassUID": instance.metadata.get("SopClassUid"), **instance.tags}

        headers.sheets.append(Sheet.of(shared, NEEDED_TAGS_BY_LEVEL["Instance"], instances()))
    if lacking:
        raise RefusedError(Code.INDEX_INCOMPLETE, f"{lacking} of {len(headers)} images")
    return headers
