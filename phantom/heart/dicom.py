"""Heart phantoms as DICOM series, with the truth about them as JSON beside."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydicom import Dataset

from phantom.ct.image import image_header, place, series_uid, set_pixels, with_file_meta
from phantom.ct.protocol import PROTOCOLS, gated
from phantom.heart.heart import Heart
from phantom.heart.scan import Scan, Volume
from phantom.heart.truth import truth_of

DESCRIPTION = "Digital heart phantom, computed; not a patient"

TRUTH_FILE = "truth.json"


def heart_series(
    volume: Volume,
    kind: Literal["ccta", "calcium_score"],
    *,
    name: str,
    thickness_mm: float | None = None,
) -> list[Dataset]:
    """A volume as CT images.

    Parameters
    ----------
    volume
        Of equal row and column spacing.
    kind
        Whose protocol is described in the headers.
    name
        Of the examination, e.g. the seed. Series of one name are one study of one patient in one frame of reference.
    thickness_mm
        Slice Thickness; the distance of the slices by default.

    Returns
    -------
    list[Dataset]
        With file meta information, in the order of the slices. The same for the same arguments.
    """
    grid = volume.grid
    protocol = replace(
        PROTOCOLS[kind],
        slices=grid.shape[0],
        step=grid.spacing[0],
        thickness=thickness_mm or grid.spacing[0],
        field_of_view=round(grid.spacing[2] * grid.shape[2], 3),
    )
    examination = f"heart {name}"
    salt = (kind, str(grid), str(thickness_mm))
    series = []
    for index, hu in enumerate(volume.hu):
        image = image_header(protocol, examination, salt)
        image.PatientName, image.PatientID = "Phantom^Heart", f"PHANTOM-HEART-{name}"
        image.PatientComments = image.ImageComments = DESCRIPTION
        image.InstanceNumber = index + 1
        image.SOPInstanceUID = series_uid(examination, *salt, str(index))
        x, y, z = grid.origin
        place(image, (x, y, z + index * grid.spacing[0]), grid.spacing[2])
        set_pixels(image, hu)
        gated(image, protocol.phases[0])
        series.append(with_file_meta(image))
    return series


def write_heart(folder: Path, heart: Heart, scans: Sequence[tuple[Scan, Volume]]) -> list[Path]:
    """Write images of a heart, each into a folder of its own with its truth.

    Parameters
    ----------
    folder
        Gets ``angiogram`` and ``calcium-scan``, each with files ``0001.dcm`` and so on, and ``truth.json``.
    scans
        How the heart was imaged, and the images. Those with contrast are angiograms.

    Returns
    -------
    list[Path]
        The folders written.
    """
    written = []
    for scan, volume in scans:
        contrast = scan.aorta_hu is not None
        target = folder / ("angiogram" if contrast else "calcium-scan")
        target.mkdir(parents=True, exist_ok=True)
        for image in heart_series(volume, "ccta" if contrast else "calcium_score", name=str(heart.seed)):
            image.save_as(target / f"{image.InstanceNumber:04d}.dcm", enforce_file_format=True)
        (target / TRUTH_FILE).write_text(json.dumps(truth_of(heart, scan, volume), indent=1) + "\n")
        written.append(target)
    return written
