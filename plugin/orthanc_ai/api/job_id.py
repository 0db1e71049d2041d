"""How a job is named: by what it does and to what."""

from dataclasses import dataclass
from typing import Self

from ..analyses import CARDIAC, XRAY
from ..codes import Code
from ..sending.delivery import Destination, MarkError
from .http import Problem
from .identify import ORTHANC_ID

_SEND = "send"


@dataclass(frozen=True, slots=True)
class JobId:
    """Name of a job: ``xray-findings:<instance>``, ``cardiac-ct:<study>`` or ``send:<report>:<destination>``.

    Attributes
    ----------
    analysis
        Name of the analysis; empty for a delivery.
    resource
        Orthanc identifier of the resource that is analysed, or of the report that is sent.
    destination
        Where it is sent; ``None`` for an analysis.
    """

    analysis: str
    resource: str
    destination: Destination | None = None

    def __str__(self) -> str:
        if self.destination:
            return f"{_SEND}:{self.resource}:{self.destination}"
        return f"{self.analysis}:{self.resource}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name back.

        Raises
        ------
        Problem
            ``NOT_FOUND`` if nothing can bear such a name.
        """
        kind, _, rest = text.partition(":")
        resource, _, place = rest.partition(":")
        if ORTHANC_ID.fullmatch(resource):
            if kind in (XRAY, CARDIAC) and rest == resource:
                return cls(kind, resource)
            if kind == _SEND:
                try:
                    return cls("", resource, Destination.parse(place))
                except MarkError:
                    pass
        raise Problem(Code.NOT_FOUND, "There is no such job; /ai/jobs names those that there are.")
