"""Which instances are images: told by their SOP class, so that no file is opened for it."""

import re

_STORAGE = "1.2.840.10008.5.1.4."

_NO_IMAGES = re.compile(
    "|".join(
        re.escape(_STORAGE + root) + rest
        for root, rest in (
            ("1.1.4.2", ""),  # MR Spectroscopy
            ("1.1.8", ""),  # Standalone Overlay, retired
            ("1.1.9", r"(\..+)?"),  # Curves and waveforms
            ("1.1.10", ""),  # Standalone Modality LUT, retired
            ("1.1.11", r"(\..+)?"),  # Presentation states
            ("1.1.66", r"(\..+)?"),  # Raw data, registrations, fiducials, segmentations, tractography
            ("1.1.67", ""),  # Real World Value Mapping
            ("1.1.68.", ".+"),  # Surface scans
            ("1.1.77.1.5.3", ""),  # Stereometric Relationship
            ("1.1.78.", ".+"),  # Measurements of the eye
            ("1.1.79.", ".+"),
            ("1.1.80.", ".+"),
            ("1.1.88.", ".+"),  # Structured reports and key objects
            ("1.1.90.", ".+"),  # Content Assessment Results
            ("1.1.91.", ".+"),  # Bulk annotations
            ("1.1.104.", ".+"),  # Encapsulated documents
            ("1.1.129", ""),  # Standalone PET Curve, retired
            ("1.1.131", ""),  # Basic Structured Display
            ("1.1.200.", ".+"),  # Procedure protocols
            ("1.1.201.", ".+"),  # Inventory
            ("1.1.481.", "(?!(1|23|24)$).+"),  # Radiotherapy, but for its images
            ("1.1.501.3", ""),  # DICOS Threat Detection Report
            ("34.", ".+"),  # Delivery instructions
            ("38.", ".+"),  # Hanging Protocol
            ("39.", ".+"),  # Color Palette
            ("43.", ".+"),  # Implant templates
            ("44.", ".+"),
            ("45.", ".+"),
        )
    )
)
"""Storage SOP classes (PS3.4 table B.5-1, and the retired ones) of objects that are no images."""


def is_image(sop_class_uid: str) -> bool:
    """Whether instances of a SOP class are images.

    Those of a class that is not known, a manufacturer's own or a future one, count as images: whoever opens one tells
    what it is with a code, and nobody is left out in silence.
    """
    return not _NO_IMAGES.fullmatch(sop_class_uid.strip())
