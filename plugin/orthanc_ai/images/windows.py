"""Windows in common use, by name.

Those that fastai's medical.imaging names bear its names as well (``dicom_windows``).
"""

from collections.abc import Mapping

from .window import Window

_LUNG = Window(-600, 1500)
_SUBDURAL = Window(100, 254)
_MEDIASTINUM = Window(50, 350)
_ABDOMEN = Window(50, 400)

NAMED: Mapping[str, Window] = {
    "lung": _LUNG,
    "lungs": _LUNG,
    "mediastinum": _MEDIASTINUM,
    "bone": Window(400, 1800),
    "brain": Window(40, 80),
    "subdural": _SUBDURAL,
    "stroke": Window(32, 8),
    "brain_bone": Window(600, 2800),
    "brain_soft": Window(40, 375),
    "liver": Window(30, 150),
    "abdomen": _ABDOMEN,
    "abdomen_soft": _ABDOMEN,
    "spine": Window(50, 250),
    "spine_soft": Window(50, 250),
    "spine_bone": Window(400, 1800),
    "cta": Window(300, 800),
    "soft-tissue": Window(40, 400),
}
"""In HU."""
