"""What a reading shows as DICOM objects of its own: heat maps, outlines, lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydicom import Dataset

from .. import __version__
from ..analyses import Made
from ..cardiothoracic.ratio import Ratio
from ..codes import Code
from ..concepts import Finding
from ..faults import place
from ..images.errors import ImageError
from ..images.frame import read_frame
from ..images.levels import levels
from ..images.scaling import Scaling
from ..models.card import ModelCard
from ..outcomes import Result
from ..overlays.capture import heat_maps, shown
from ..overlays.segmentation import segmentation
from ..report import provenance, vocabulary
from ..report.document import SOP_CLASS_UID
from ..report.header import InstanceReference
from ..report.measurements_report import Length, measurements_report
from ..report.provenance import Provenance
from ..report.uids import ReportIdentity
from .activation import Activation

SEGMENTATION = "segmentation"
MEASUREMENTS = "measurements"
HEAT_MAP = "heat map"

type Drawn = tuple[list["Overlay"], tuple[Code, ...]]
"""Objects, and what there is to remark."""

type Identify = Callable[[str], ReportIdentity]
"""Identifiers of an object of a kind."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """One object.

    Attributes
    ----------
    finding
        Label, of a heat map.
    """

    kind: str
    made: Made
    finding: str = ""

    @property
    def reference(self) -> InstanceReference:
        """As reports refer to it."""
        result = self.made.result
        return InstanceReference(
            result.sop_class_uid.encode(),
            result.sop_instance_uid.encode(),
            result.series_instance_uid.encode(),
            result.study_instance_uid.encode("iso8859"),
        )

    def listed(self) -> dict[str, str]:
        """As the outcome lists it."""
        result = self.made.result
        return {
            "kind": self.kind,
            **({"finding": self.finding} if self.finding else {}),
            "sopClassUID": result.sop_class_uid,
            "sopInstanceUID": result.sop_instance_uid,
            "seriesInstanceUID": result.series_instance_uid,
        }


def of_ratio(header: Dataset, ratio: Ratio, card: ModelCard, identify: Identify, when: datetime) -> list[Overlay]:
    """Outlines as a segmentation, widths as lines.

    Parameters
    ----------
    header
        Of the image.
    card
        Of the model beside whose findings they stand: what stands beside a demonstration goes with it.
    """
    maker = ratio_maker(ratio.method, card)
    outlined = segmentation(header, ratio.outlines, maker, identify(SEGMENTATION), when)
    lengths = [
        Length("Cardiac width", vocabulary.HEART, ratio.heart.start, ratio.heart.end),
        Length("Thoracic width", vocabulary.CHEST, ratio.thorax.start, ratio.thorax.end),
    ]
    identity = identify(MEASUREMENTS)
    dicom = measurements_report(header, lengths, maker, identity, when)
    study = outlined.result.study_instance_uid
    result = Result(SOP_CLASS_UID, identity.sop_instance_uid, identity.series_instance_uid, study, card.demonstration)
    return [Overlay(SEGMENTATION, outlined), Overlay(MEASUREMENTS, Made(dicom, result))]


def attempted(*attempts: Callable[[], Drawn]) -> tuple[list[Overlay], tuple[Code, ...], str]:
    """What some attempts make, what there is to remark, and the faults of those that make nothing.

    A fault of what draws must not cost the findings.
    """
    made: list[Overlay] = []
    remarks: tuple[Code, ...] = ()
    faults: list[str] = []
    for attempt in attempts:
        try:
            more, remarked = attempt()
        except Exception as error:  # noqa: BLE001 - whatever it is
            faults.append(f"{Code.INTERNAL_ERROR}: {place(error)}")
        else:
            made, remarks = made + more, remarks + remarked
    return made, remarks, "; ".join(faults)


def of_findings(
    source: Dataset,
    header: Dataset,
    findings: Sequence[Finding],
    activations: Mapping[str, Activation],
    card: ModelCard,
    maker: Provenance,
    identities: Mapping[str, ReportIdentity],
    when: datetime,
) -> Drawn:
    """Heat maps of the findings whose score reaches the threshold.

    Parameters
    ----------
    source, header
        The whole image, and its header as it was read.
    maker
        The model.
    identities
        See `capture.heat_map_identities`.

    Returns
    -------
    The heat maps, and what there is to remark.
    """
    chosen = shown(findings)
    if not chosen:
        return [], ()
    try:
        gray, _ = levels(read_frame(source), Scaling(kind="viewer"), 8)
    except ImageError:
        # The model has read it, so it is about how it would be shown; the findings do not depend on that.
        return [], (Code.HEAT_MAPS_NOT_WRITTEN,)
    made = heat_maps(header, gray.astype(np.uint8), activations, findings, card, maker, identities, when)
    return [Overlay(HEAT_MAP, one, finding.label) for finding, one in zip(chosen, made, strict=True)], ()


def ratio_maker(method: str, card: ModelCard) -> Provenance:
    """Who measured the ratio."""
    return provenance.of_rules(
        "cardiothoracic",
        "Cardiothoracic ratio",
        method,
        __version__,
        (provenance.DEMONSTRATION if card.demonstration else provenance.RESEARCH,),
    )
