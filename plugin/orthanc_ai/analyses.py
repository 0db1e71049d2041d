"""What an analysis must provide, and the analyses there are.

An analysis has two halves. `Analysis` runs inside the server: it looks at the index alone, decides who wants a
resource, and gathers what a worker needs. The other half, `orthanc_ai.<room>.analysis`, runs in a worker process and
does the work; the two share `Task` and `Answer`, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .codes import Code
from .handover import Shared
from .models.address import Address
from .outcomes import (
    CARDIAC_METADATA,
    CORRECTIONS_METADATA,
    OVERLAYS_METADATA,
    REPORT_METADATA,
    REQUEST_METADATA,
    TRIAGE_METADATA,
    XRAY_METADATA,
    Outcome,
    Result,
)
from .server import Level, Resource, Server

XRAY = "xray-findings"
"""Name of the analysis of radiographs."""

CARDIAC = "cardiac-ct"
"""Name of the analysis of CT studies."""


REPORT_CHECK = "report-check"
"""Name of a worker's task that is no analysis: is a stored report the one that would be stored now?"""


CORRECTION = "correction"
"""Name of a worker's task that is no analysis: to make the SR of a reader's statement."""


XRAY_MODEL = "xray-model"
"""Name of a worker's task that is no analysis: to load the model before the first image comes."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker gets.

    Attributes
    ----------
    analysis
        Name of the analysis.
    payload
        A DICOM file as bytes, or headers as JSON types.
    recipe
        Digest of everything that determines the result for the given payload.
    previous
        The report that this one replaces, if there is one.
    weights
        Digest of the weights that the recipe is about; empty if no model is needed.
    scorer
        Where scores are computed; ``None``: in the worker.
    context
        What the half in the server knows beside the payload, in types that can be pickled; each analysis has its own.
    files
        Those that an earlier answer asked for, by SOP Instance UID, less those that are gone or cannot be read;
        ``None`` if none were asked for yet.
    no_objects
        Why only a report is to be made, and nothing beside it; empty: whatever belongs to it.
    """

    analysis: str
    payload: Any
    recipe: str
    previous: Result | None = None
    weights: str = ""
    scorer: Address | None = None
    context: Any = None
    files: Mapping[str, Shared] | None = None
    no_objects: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A DICOM object that a worker made beside the report: a capture, a segmentation, measurements.

    Attributes
    ----------
    dicom
        The whole file.
    result
        Its identifiers.
    """

    dicom: bytes
    result: Result


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker gives back.

    Attributes
    ----------
    outcome
        For the resource itself.
    dicom
        The report as a DICOM file, if there is one; its identifiers stand in ``outcome.result``.
    objects
        What the report refers to, in the order in which it is stored: before the report.
    parts
        Outcomes for the series of a study: Series Instance UID, outcome.
    labels
        Labels that the resource must have, or must not have.
    seconds
        Wall time by stage.
    cpu_seconds
        Processor time of the worker by stage.
    needs
        SOP Instance UIDs of files without which there is no answer yet: nothing else counts then, and the task is to
        be done once more with them.
    """

    outcome: Outcome
    dicom: bytes | None = None
    objects: tuple[Made, ...] = ()
    parts: tuple[tuple[str, Outcome], ...] = ()
    labels: Mapping[str, bool] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


class NotReadyError(Exception):
    """The analysis waits for something, e.g. for the weights of its model.

    Attributes
    ----------
    code, model
        What it waits for.
    """

    def __init__(self, code: Code, model: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.model = model
        self.detail = detail


class RefusedError(Exception):
    """The resource is not analysed, as turned out while its payload was gathered.

    Attributes
    ----------
    code, detail
        Why. It is looked at again whenever it comes up, since what was missing may have come.
    """

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done for one resource.

    Attributes
    ----------
    recipe
        Digest of everything that determines the result: an outcome with the same recipe is still right.
    payload
        Gathers what the worker needs; ``None`` if the resource has gone. It may raise `RefusedError`.
    refusal
        The code if the resource is not analysed, with no need to look into it.
    weights
        Digest of the weights that the worker must use; empty if no model is needed.
    demonstration
        Whether the report will be one of a demonstration model: those replace each other, never another's.
    scorer
        Where scores are computed; ``None``: in the worker.
    context
        See `Task`.
    file
        A file that the worker may ask for, by its SOP Instance UID; ``None`` if it is gone.
    notes
        Remarks on the resource that its outcome gets, whatever the worker says.
    others
        Orthanc identifiers of further resources of this level on which there may be a new remark now.
    """

    recipe: str
    payload: Callable[[], Any | None]
    refusal: Code | None = None
    weights: str = ""
    demonstration: bool = False
    scorer: Address | None = None
    context: Any = None
    file: Callable[[str], Shared | bytes | None] = lambda _: None
    notes: tuple[Code, ...] = ()
    others: tuple[str, ...] = ()


class Analysis(Protocol):
    """The half of an analysis that runs in the server: quick, from the index, no pixels."""

    name: str
    level: Level
    metadata: str
    tags: Sequence[str]

    def wants(self, resource: Resource) -> bool:
        """Whether this analysis is about such a resource at all; if not, the resource is only counted."""
        ...

    def work(self, server: Server, resource: Resource) -> Work:
        """What is to be done for a wanted resource.

        Raises
        ------
        NotReadyError
            If the analysis waits for something; the resource is then held.
        """
        ...


METADATA = (
    XRAY_METADATA,
    CARDIAC_METADATA,
    REQUEST_METADATA,
    REPORT_METADATA,
    OVERLAYS_METADATA,
    CORRECTIONS_METADATA,
    TRIAGE_METADATA,
)
"""Metadata names that must be declared in Orthanc's `UserMetadata`."""
