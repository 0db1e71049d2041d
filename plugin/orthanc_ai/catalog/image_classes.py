"""Which instances are images: told by their SOP class and by our mark, so that no file is opened for it."""

from ..outcomes import REPORT_METADATA
from ..server import Resource

_STORAGE = "1.2.840.10008.5.1.4."

_NO_IMAGES_BELOW = {
    "1.1": "4.2 8 9 10 11 66 67 129 131",  # spectroscopy, overlays, curves, LUTs, raw data, real world values, displays
    "1.1.9": "1 1.1 1.2 1.3 1.4 2.1 3.1 4.1 4.2 5.1 6.1 6.2 7.1 7.2 7.3 7.4 8.1",  # waveforms
    "1.1.11": "1 2 3 4 5 6 7 8 9 10 11 12",  # presentation states
    "1.1.66": "1 2 3 4 5 6 7 8",  # registrations, fiducials, segmentations, tractography
    "1.1.68": "1 2",  # surface scans
    "1.1.77.1.5": "3",  # stereometric relationships
    "1.1.78": "1 2 3 4 5 6 7 8",  # measurements of the eye
    "1.1.79": "1",
    "1.1.80": "1",
    "1.1.88": "1 2 3 4 11 22 33 34 35 40 50 59 65 67 68 69 70 71 72 73 74 75 76 77",  # reports, key objects
    "1.1.90": "1",  # content assessments
    "1.1.91": "1",  # bulk annotations
    "1.1.104": "1 2 3 4 5",  # encapsulated documents
    "1.1.200": "1 2 3 7 8",  # procedure protocols
    "1.1.201": "1",  # inventories
    "1.1.481": "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 25",  # radiotherapy, but for its images
    "1.1.501": "3",  # threat detection reports
    "34": "1 7 10",  # delivery instructions
    "38": "1",  # hanging protocols
    "39": "1",  # color palettes
    "43": "1",  # implant templates
    "44": "1",
    "45": "1",
}
"""Storage SOP classes (PS3.4 table B.5-1, and the retired ones) of objects that are no images: roots, and what follows."""

NO_IMAGES = frozenset(
    f"{_STORAGE}{root}.{rest}" for root, following in _NO_IMAGES_BELOW.items() for rest in following.split()
)
"""The same as UIDs."""


def is_image(sop_class_uid: str) -> bool:
    """Whether instances of a SOP class are images.

    Those of a class that is not known, a manufacturer's own or a future one, count as images: whoever opens one tells
    what it is with a code, and nobody is left out in silence.
    """
    return sop_class_uid not in NO_IMAGES


OUR_CAPTURES = {"SopClassUid": f"{_STORAGE}1.1.7*", REPORT_METADATA: "*"}
"""Metadata of what this server made itself and would pass for an image by its SOP class: secondary captures."""


def is_image_instance(instance: Resource) -> bool:
    """Whether an instance is an image that came from elsewhere.

    What this server made itself, such as the captures of heat maps, counts as a report whatever its SOP class: it shows an image
    that is there already, and would else be counted, exported and learned from as if it were another one.

    Parameters
    ----------
    instance
        With its metadata.
    """
    return is_image(instance.metadata.get("SopClassUid", "")) and REPORT_METADATA not in instance.metadata
