"""`Server`: everything this plugin asks of Orthanc, in this plugin's own terms.

The plugin SDK module `orthanc` exists only inside the server, so `main.py` hands it in. Nothing else calls it, so that
all of the rest can run, and be tested, without a server.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .sdk import Sdk

Level = Literal["instance", "series", "study", "patient"]

ORTHANC_TIME = "%Y%m%dT%H%M%S"
"""Form of Orthanc's times in metadata and change log, which are in UTC."""

_PAGE = 1000
_OVERLAP = 100

_PATHS: dict[Level, str] = {"instance": "instances", "series": "series", "study": "studies", "patient": "patients"}

_KEPT_ABOVE = {"Modality": "series", "PatientID": "study", "StudyInstanceUID": "study"}
"""Main tags that every job asks for, and whose they are: a study is answered with those of its patient."""

_ORDER: dict[Level, tuple[tuple[str, str, Literal["ASC", "DESC"]], ...]] = {
    "instance": (("DicomTag", "SOPInstanceUID", "ASC"),),
    "series": (("DicomTag", "SeriesInstanceUID", "ASC"),),
    "study": (("DicomTag", "StudyInstanceUID", "ASC"),),
}

Content = Literal["MainDicomTags", "Metadata", "Parent", "Children", "Labels", "IsStable"]
"""Parts of a resource that `/tools/find` may leave out; each costs time for each resource."""

WHOLE: tuple[Content, ...] = ("MainDicomTags", "Metadata", "Parent", "Children", "Labels", "IsStable")

# OrthancPluginErrorCode values that say "there is no such thing" (plugin SDK, enumeration OrthancPluginErrorCode).
_UNKNOWN_RESOURCE = 17
_INEXISTENT_ITEM = 7
_BAD_FILE_FORMAT = 15


class ServerError(Exception):
    """Orthanc refused a request or could not carry it out."""


class FileRefusedError(ServerError):
    """Orthanc does not take a file for DICOM: trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of Orthanc's change log."""

    sequence: int
    kind: str
    resource: str
    date: str = ""
    """When, in the form `ORTHANC_TIME`."""
    level: str = ""
    """Of the resource."""


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of the change log: its rows, the number of its last row, and whether there is more."""

    rows: tuple[Change, ...]
    last: int
    done: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """What Orthanc's index knows of a resource: no file is read for it.

    Attributes
    ----------
    tags
        DICOM tags by keyword: the main tags of the level and those asked for, multiple values joined by backslashes.
    metadata
        Orthanc's metadata by name, e.g. ``RemoteAET``, ``Origin``, ``SopClassUid``.
    parent
        Orthanc identifier of the parent; empty for a patient.
    """

    level: Level
    identifier: str
    tags: Mapping[str, Any]
    metadata: Mapping[str, str]
    parent: str = ""
    labels: tuple[str, ...] = ()
    children: tuple[str, ...] = field(default=())
    stable: bool = True


class Server:
    """Orthanc as seen by this plugin."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk

    # Requests

    def get(self, path: str, *, plugins: bool = False) -> Any | None:
        """JSON of a REST path; ``None`` if there is no such resource.

        Parameters
        ----------
        plugins
            The path is one of another plugin, e.g. of DICOMweb.
        """
        body = self._call(self._sdk.RestApiGetAfterPlugins if plugins else self._sdk.RestApiGet, path)
        return None if body is None else json.loads(body)

    def post(self, path: str, body: Any, *, plugins: bool = False) -> Any:
        """Answer to a JSON body.

        Parameters
        ----------
        plugins
            The path is one of another plugin, e.g. of DICOMweb.

        Raises
        ------
        ServerError
            If Orthanc refuses it or there is no such path.
        """
        function = self._sdk.RestApiPostAfterPlugins if plugins else self._sdk.RestApiPost
        answer = self._call(function, path, json.dumps(body).encode())
        if answer is None:
            raise ServerError(f"no such resource: {path}")
        return json.loads(answer) if answer else None

    def _call[Value](self, function: Callable[..., Value], *arguments: Any) -> Value | None:
        try:
            return function(*arguments)
        except self._sdk.OrthancException as error:
            if error.args and error.args[0] in (_UNKNOWN_RESOURCE, _INEXISTENT_ITEM):
                return None
            if error.args and error.args[0] == _BAD_FILE_FORMAT:
                raise FileRefusedError("Orthanc does not take it for DICOM") from error
            raise ServerError(" ".join(str(part) for part in error.args)) from error

    def configuration(self) -> dict[str, Any]:
        """Orthanc's whole configuration."""
        configuration: dict[str, Any] = json.loads(self._sdk.GetConfiguration())
        return configuration

    def configuration_folder(self) -> Path:
        """Where relative paths of the configuration begin."""
        path = Path(self._sdk.GetConfigurationPath() or ".")
        return path if path.is_dir() else path.parent

    # The index

    def changes(self, since: int, limit: int, kinds: Sequence[str]) -> Changes:
        """Rows of the change log after `since`, at most `limit` of them, of these kinds (of all, if none are named)."""
        kind = f"&type={';'.join(kinds)}" if kinds else ""
        page = self.get(f"/changes?since={since}&limit={limit}{kind}") or {}
        rows = tuple(
            Change(row["Seq"], row["ChangeType"], row["ID"], row.get("Date", ""), row.get("ResourceType", "").lower())
            for row in page.get("Changes", ())
        )
        return Changes(rows, page.get("Last", since), page.get("Done", True))

    def last_change_before(self, moment: datetime) -> int:
        """Number of the last row of the change log that is older than a moment, to a second; 0 if there is none."""
        end = int((self.get("/changes?last") or {}).get("Last", 0))
        before = moment.astimezone(UTC).strftime(ORTHANC_TIME)
        while end > 0:
            start = max(0, end - _PAGE)
            rows = (self.get(f"/changes?since={start}&limit={end - start}") or {}).get("Changes", ())
            older = [int(row["Seq"]) for row in rows if row["Date"] < before and row["Seq"] <= end]
            if older:
                return max(older)
            end = start
        return 0

    def resource(self, level: Level, identifier: str, tags: Sequence[str] = ()) -> Resource | None:
        """A resource by its Orthanc identifier; ``None`` if it is gone."""
        path = f"/{_PATHS[level]}/{identifier}"
        if level == "instance" and tags and _KEPT_ABOVE.keys() >= set(tags):
            body = self._with_tags_above(path, tags)
        else:
            body = self.get(path + (f"?requestedTags={';'.join(tags)}" if tags else ""))
        metadata = self.get(f"{path}/metadata?expand")
        if body is None or metadata is None:
            return None
        return _resource(level, body | {"Metadata": metadata})

    def _with_tags_above(self, path: str, tags: Sequence[str]) -> dict[str, Any] | None:
        """An instance and tags of its series and study, asked for there: half of what `requestedTags` costs."""
        bodies: list[dict[str, Any] | None] = [self.get(path)]
        bodies += [self.get(f"{path}/{above}") for above in sorted({_KEPT_ABOVE[tag] for tag in tags})]
        if None in bodies:
            return None
        instance, *above = filter(None, bodies)
        found = {k: v for body in above for k, v in _resource("study", body).tags.items() if k in tags}
        return instance | {"RequestedTags": found}

    def exists(self, level: Level, identifier: str) -> bool:
        """Whether a resource is still there: the cheapest question, a tenth of `resource`."""
        return self.get(f"/{_PATHS[level]}/{identifier}/metadata") is not None

    def series_of(self, instance: str) -> str | None:
        """Orthanc identifier of an instance's series; ``None`` if it is gone. A third of the cost of `resource`."""
        body = self.get(f"/instances/{instance}")
        return None if body is None else str(body["ParentSeries"])

    def bearers(self, sop_instance_uid: str) -> tuple[Resource, ...]:
        """Instances with a SOP Instance UID: their metadata, and the main tags of their patients and studies.

        There may be several, each of another patient or study. A third of the cost of `find`.
        """
        found = []
        for level, identifier in self.lookup(sop_instance_uid):
            study = self.study_of("instance", identifier) if level == "instance" else None
            metadata = self.get(f"/instances/{identifier}/metadata?expand") if study else None
            if study is not None and metadata is not None:
                found.append(Resource("instance", identifier, study.tags, metadata))
        return tuple(found)

    def study_of(self, level: Literal["instance", "series"], identifier: str) -> Resource | None:
        """The study of an instance or a series, with its main tags and nothing else; ``None`` if it is gone."""
        body = self.get(f"/{_PATHS[level]}/{identifier}/study")
        return None if body is None else _resource("study", body)

    def find(
        self,
        level: Level,
        query: Mapping[str, str] | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        parent: tuple[Level, str] | None = None,
        tags: Sequence[str] = (),
        labels: Sequence[str] = (),
        since: int = 0,
        limit: int = 0,
        order: Sequence[tuple[str, str, Literal["ASC", "DESC"]]] = (),
        case_sensitive: bool = True,
        content: Sequence[Content] = WHOLE,
    ) -> tuple[Resource, ...]:
        """Resources by DICOM tags, metadata, parent and labels, from the index alone.

        Parameters
        ----------
        query
            Values by tag keyword, as in C-FIND.
        metadata
            Wildcards by metadata name.
        parent
            Level and Orthanc identifier of an ancestor.
        tags
            Further tags to answer with.
        order
            ``("DicomTag" or "Metadata", name, direction)``.
        case_sensitive
            Whether values of the query are compared so. Orthanc refuses it together with `since` where the query names an
            identifier or a date, of which its index keeps a form without case and accents only.
        content
            What to answer with.
        """
        body: dict[str, Any] = {
            "Level": level.capitalize(),
            "Query": dict(query or {}),
            "ResponseContent": list(content),
            "CaseSensitive": case_sensitive,
        }
        if metadata:
            body["MetadataQuery"] = dict(metadata)
        if parent:
            body[f"Parent{parent[0].capitalize()}"] = parent[1]
        if tags:
            body["RequestedTags"] = list(tags)
            body["ResponseContent"].append("RequestedTags")
        if labels:
            body["Labels"] = list(labels)
        if since:
            body["Since"] = since
        if limit:
            body["Limit"] = limit
        if order:
            body["OrderBy"] = [{"Type": kind, "Key": key, "Direction": way} for kind, key, way in order]
        return tuple(_resource(level, item) for item in self.post("/tools/find", body))

    def identifiers(
        self,
        level: Level,
        query: Mapping[str, str] | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        since: int = 0,
        limit: int = 0,
    ) -> list[str]:
        """Orthanc identifiers of all matching resources, or of a page of them, without reading anything else."""
        body: dict[str, Any] = {"Level": level.capitalize(), "Query": dict(query or {}), "ResponseContent": []}
        if metadata:
            body["MetadataQuery"] = dict(metadata)
        if since:
            body["Since"] = since
        if limit:
            body["Limit"] = limit
        return [item["ID"] for item in self.post("/tools/find", body)]

    def count(
        self,
        level: Level,
        query: Mapping[str, str] | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        labels: Sequence[str] = (),
    ) -> int:
        """Number of matching resources. Unlike `find`, it does not heed upper and lower case: Orthanc cannot."""
        body: dict[str, Any] = {"Level": level.capitalize(), "Query": dict(query or {})}
        if metadata:
            body["MetadataQuery"] = dict(metadata)
        if labels:
            body["Labels"] = list(labels)
        return int(self.post("/tools/count-resources", body)["Count"])

    def read(self, level: Level, identifiers: Sequence[str]) -> tuple[Resource, ...]:
        """Resources of one level by their Orthanc identifiers, those that are gone left out.

        With their main tags, metadata, parents and children; 0.15 ms each, however large the archive.
        """
        if not identifiers:
            return ()
        body = {"Resources": list(identifiers), "Level": level.capitalize(), "Metadata": True}
        return tuple(_resource(level, item) for item in self.post("/tools/bulk-content", body))

    def totals(self) -> tuple[int, int, int, int]:
        """How many patients, studies, series and instances there are in all."""
        found = self.get("/statistics") or {}
        patients, studies, series, instances = (
            int(found.get(f"Count{name}", 0)) for name in ("Patients", "Studies", "Series", "Instances")
        )
        return patients, studies, series, instances

    def value(self, instance: str, tag: str) -> str | None:
        """A value from an instance's file, as Orthanc reads it; ``None`` if the file has none or is gone.

        Parameters
        ----------
        tag
            Group and element, as ``0028-1050``.
        """
        body = self._call(self._sdk.RestApiGet, f"/instances/{instance}/content/{tag}")
        return None if body is None else body.decode("utf-8", "replace").strip(" \0")

    def lookup(self, uid: str) -> tuple[tuple[Level, str], ...]:
        """Level and Orthanc identifier of what bears a DICOM identifier (UID, PatientID)."""
        answer = self._call(self._sdk.RestApiPost, "/tools/lookup", uid.encode())
        return tuple((item["Type"].lower(), item["ID"]) for item in json.loads(answer or b"[]"))

    def children(
        self,
        level: Level,
        identifier: str,
        of: Level,
        tags: Sequence[str] = (),
        content: Sequence[Content] = WHOLE,
    ) -> Iterator[Resource]:
        """All descendants of a resource at a lower level, read in pages."""
        start, seen = 0, set[str]()
        while True:
            found = self.find(
                of,
                parent=(level, identifier),
                tags=tags,
                since=start,
                limit=_PAGE,
                order=_ORDER.get(of, ()),
                content=content,
            )
            for one in found:
                if one.identifier not in seen:
                    seen.add(one.identifier)
                    yield one
            if len(found) < _PAGE:
                return
            # What is deleted meanwhile moves the rest forward, into what the pages have in common.
            start += _PAGE - _OVERLAP

    # Files, results and state

    def file(self, instance: str) -> bytes | None:
        """DICOM file of an instance; ``None`` if it is gone."""
        return self._call(self._sdk.GetDicomForInstance, instance)

    def store(self, dicom: bytes) -> str:
        """Store a DICOM file; its Orthanc identifier.

        Orthanc's answer says nothing about what is stored afterwards (1.12.7 answers AlreadyStored and keeps the old
        file, with `OverwriteInstances` it replaces it), so look at the index instead.

        Raises
        ------
        FileRefusedError
            If Orthanc does not take it for DICOM.
        ServerError
            If it cannot be stored now.
        """
        answer = self._call(self._sdk.RestApiPost, "/instances", dicom)
        if answer is None:
            raise ServerError("Orthanc did not store the file")
        return str(json.loads(answer)["ID"])

    def metadata(self, level: Level, identifier: str, name: str) -> str | None:
        """A metadata text; ``None`` if it or the resource is not there."""
        body = self._call(self._sdk.RestApiGet, f"/{_PATHS[level]}/{identifier}/metadata/{name}")
        return None if body is None else body.decode("utf-8", "replace")

    def set_metadata(self, level: Level, identifier: str, name: str, text: str) -> bool:
        """Write a metadata text; ``False`` if the resource is gone."""
        path = f"/{_PATHS[level]}/{identifier}/metadata/{name}"
        return self._call(self._sdk.RestApiPut, path, text.encode()) is not None

    def remove_metadata(self, level: Level, identifier: str, name: str) -> None:
        """Take a metadata text away, if it is there."""
        self._call(self._sdk.RestApiDelete, f"/{_PATHS[level]}/{identifier}/metadata/{name}")

    def set_label(self, level: Level, identifier: str, label: str, present: bool) -> None:
        """Give a resource a label, or take it away."""
        path = f"/{_PATHS[level]}/{identifier}/labels/{label}"
        if present:
            self._call(self._sdk.RestApiPut, path, b"")
        else:
            self._call(self._sdk.RestApiDelete, path)

    def delete(self, level: Level, identifier: str) -> None:
        """Delete a resource and everything below it."""
        self._call(self._sdk.RestApiDelete, f"/{_PATHS[level]}/{identifier}")

    def property(self, number: int) -> str:
        """A global property of the database; empty if it was never set."""
        return str(self._call(self._sdk.GetGlobalProperty, number, "") or "")

    def set_property(self, number: int, text: str) -> None:
        """Set a global property; it survives a crash of the server."""
        self._call(self._sdk.SetGlobalProperty, number, text)

    # Metrics and the log

    def set_metric(self, name: str, value: float) -> None:
        """Set a number of Orthanc's `/tools/metrics-prometheus`; Orthanc adds the time and keeps single precision."""
        self._call(self._sdk.SetMetricsValue, name, value, self._sdk.MetricsType.DEFAULT)

    def warn(self, message: str) -> None:
        """Write to Orthanc's log, always shown."""
        self._sdk.LogWarning(message)

    def error(self, message: str) -> None:
        """Write an error to Orthanc's log."""
        self._sdk.LogError(message)


def _resource(level: Level, item: Mapping[str, Any]) -> Resource:
    # In this order: for what is kept at two levels (Image Orientation), RequestedTags answers with the series' value.
    tags = dict(item.get("PatientMainDicomTags", {})) | item.get("RequestedTags", {}) | item.get("MainDicomTags", {})
    parent = item.get("ParentSeries") or item.get("ParentStudy") or item.get("ParentPatient") or ""
    children: Iterable[str] = item.get("Instances") or item.get("Series") or item.get("Studies") or ()
    return Resource(
        level=level,
        identifier=item["ID"],
        tags=tags,
        metadata=item.get("Metadata", {}),
        parent=parent,
        labels=tuple(item.get("Labels", ())),
        children=tuple(children),
        stable=item.get("IsStable", True),
    )
