"""What the server asks a worker for: one instance as files of a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..handover import Shared
from ..images.size import Size

DATASETS = "datasets"
"""Name of the worker's tasks, and of the batches."""

PRIVATE = "private"
"""Folder beside the output of a dataset, with whose its images are: never handed out."""

ImageFormat = Literal["png8", "png16", "npz"]
"""What an image is written as."""

Format = Literal["png8", "png16", "npz", "nifti"]
"""What a dataset is written as; NIfTI is of volumes, all the others of images."""

ENDINGS: Mapping[ImageFormat, str] = {"png8": ".png", "png16": ".png", "npz": ".npz"}


@dataclass(frozen=True, slots=True)
class Making:
    """How the images of a dataset are made.

    Attributes
    ----------
    folder
        Of the whole dataset.
    size
        ``None``: each its own.
    scaling
        What becomes black, gray and white, see `images.scaling.Scaling.to_json`; of no matter for NPZ and DICOM.
    privacy
        How they are de-identified, see `deidentify.options.Options.to_json`.
    """

    folder: Path
    format: ImageFormat
    size: Size | None
    scaling: Mapping[str, Any]
    privacy: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """Write the images of one instance.

    Attributes
    ----------
    instance
        Orthanc identifier.
    file
        The DICOM file; ``None`` if Orthanc has none that can be read.
    name
        Path below the dataset's folder, without ending; the frames of a multi-frame image get their number behind it.
    """

    instance: str
    file: Shared | None
    name: str
    making: Making
