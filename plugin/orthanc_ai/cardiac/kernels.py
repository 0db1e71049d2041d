"""Convolution kernels: soft ones show vessels and calcium as they are, sharp ones show lung, bone and stents."""

import re
from enum import IntEnum


class Sharpness(IntEnum):
    """Of a kernel, as far as its name tells; the smaller, the better for hearts."""

    SOFT = 0
    UNKNOWN = 1
    SHARP = 2

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower()


# Siemens, "B26f", "Bv40d", "Qr36d", "I31f": the number grows with the sharpness.
_SIEMENS = re.compile(r"([A-Z])([a-z]?)(\d\d)[a-z]?")

SIEMENS_SOFT = 44
"""B46f, by which stents are read, is the first of the sharp ones."""

SIEMENS_VASCULAR_SOFT = 49
"""Kernels for vessels, "Bv", suppress noise: they are as soft at a higher number."""

# Canon, "FC12": groups of ten for body, head, bone, lung.
_CANON = re.compile(r"FC(\d\d)")
CANON_SOFT = range(1, 30)
CANON_SHARP = (*range(30, 36), *range(50, 100))

# GE names its kernels, Philips letters them (with C or XC before for hearts, Y for lungs).
SOFT_NAMES = frozenset({"SOFT", "STANDARD", "STND", "A", "B", "C", "CA", "CB", "CC", "XCA", "XCB", "XCC"})
SHARP_NAMES = frozenset(
    {"DETAIL", "BONE", "BONEPLUS", "LUNG", "EDGE", "ULTRA", "CHST", "D", "E", "L", "CD", "XCD", "YC", "YD", "YE"}
)


def sharpness(kernel: str) -> Sharpness:
    """What the name of a kernel tells.

    Parameters
    ----------
    kernel
        Convolution Kernel (0018,1210); of several values, the first counts: Siemens writes the strength of its iterative
        reconstruction behind it.
    """
    name = kernel.partition("\\")[0].strip()
    siemens = _SIEMENS.fullmatch(name)
    if siemens:
        limit = SIEMENS_VASCULAR_SOFT if siemens[2] == "v" else SIEMENS_SOFT
        return Sharpness.SOFT if int(siemens[3]) <= limit else Sharpness.SHARP
    name = name.upper()
    canon = _CANON.match(name)
    if canon and int(canon[1]) in CANON_SOFT:
        return Sharpness.SOFT
    if name in SOFT_NAMES:
        return Sharpness.SOFT
    if name in SHARP_NAMES or (canon and int(canon[1]) in CANON_SHARP):
        return Sharpness.SHARP
    return Sharpness.UNKNOWN
