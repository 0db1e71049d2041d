"""Windows in common use, by name."""

from collections.abc import Mapping

from .window import Window

NAMED: Mapping[str, Window] = {
    "lung": Window(-600, 1500),
    "mediastinum": Window(50, 350),
    "soft-tissue": Window(40, 400),
    "bone": Window(400, 1800),
    "cta": Window(300, 800),
    "brain": Window(40, 80),
    "subdural": Window(100, 254),
    "stroke": Window(32, 8),
    "temporal-bone": Window(600, 2800),
    "head-soft-tissue": Window(40, 375),
    "abdomen": Window(50, 400),
    "liver": Window(30, 150),
    "spine": Window(50, 250),
    "spine-bone": Window(400, 1800),
}
"""Windows of CT in HU: fastai's (``medical.imaging.dicom_windows``), and those of `volumes.orders`."""

FASTAI: Mapping[str, str] = {
    "lungs": "lung",
    "brain_bone": "temporal-bone",
    "brain_soft": "head-soft-tissue",
    "abdomen_soft": "abdomen",
    "spine_soft": "spine",
    "spine_bone": "spine-bone",
}
"""What fastai calls them, where that is another name."""


def named(name: str) -> Window:
    """The window of a name, ours or fastai's.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = NAMED.get(FASTAI.get(name, name))
    if found is None:
        raise ValueError(f"no window is called {name!r}; there are {', '.join(NAMED)}")
    return found
