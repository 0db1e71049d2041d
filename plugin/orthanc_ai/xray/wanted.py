"""What is wanted of one reading, beyond the settings."""

from dataclasses import dataclass

from ..report.prior import Prior


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the server tells the worker about one radiograph.

    Attributes
    ----------
    overlays
        Whether heat maps, outlines and lines are to become DICOM objects.
    prior
        The report to compare with.
    outliner
        Digest of the weights of the model that outlines heart and lungs; empty: that is done without one.
    """

    overlays: bool = False
    prior: Prior | None = None
    outliner: str = ""
