"""What the server asks a worker for: how a series falls into phases, and one phase as files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..handover import Shared

VOLUMES = "volumes"
"""Name of the worker's tasks, and of the batches."""

Format = Literal["nifti", "nrrd", "npz", "png"]
"""What a volume is written as; PNG is not of the volume but of its slices."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which Hounsfield units are shown from black to white.

    Attributes
    ----------
    name
        Of the folder of its slices.
    center, width
        Window Center and Window Width in HU (PS3.3 section C.11.2.1.2, function LINEAR); the width is more than 1.
    """

    name: str
    center: float
    width: float


WINDOWS: Mapping[str, Window] = {
    window.name: window
    for window in (
        Window("cta", 300, 800),
        Window("soft-tissue", 40, 400),
        Window("lung", -600, 1500),
        Window("bone", 400, 1800),
    )
}
"""Windows in common use, by name."""


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """Find out which images of a series make volumes.

    Attributes
    ----------
    headers
        Of its instances, as Orthanc's index has them.
    files
        Of its multi-frame instances, whose frames the index does not know, by SOP Instance UID.
    """

    headers: tuple[Mapping[str, Any], ...]
    files: Mapping[str, Shared]


@dataclass(frozen=True, slots=True)
class PhaseOrder:
    """Write one phase.

    Attributes
    ----------
    files
        The DICOM files of its images.
    images
        SOP Instance UID of each image, and frame number in a multi-frame instance.
    folder
        Where to; made anew, its parent too, and complete as soon as it is there.
    formats, windows
        What to write; the windows are those of PNG.
    about
        What else ``volume.json`` shall say, in JSON types.
    """

    files: tuple[Shared, ...]
    images: tuple[tuple[str, int | None], ...]
    folder: Path
    formats: tuple[Format, ...]
    windows: tuple[Window, ...]
    about: Mapping[str, Any]
