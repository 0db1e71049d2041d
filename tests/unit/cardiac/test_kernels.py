"""What the names of kernels tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.cardiac.kernels import Sharpness, sharpness


@pytest.mark.parametrize(
    "kernel",
    [
        "B26f",
        "B30f",
        "B35f",
        "B36f",
        "Bv36",
        "Bv40d",
        "Bv40d\\3",
        "Bv49",
        "I26f",
        "I36f",
        "Qr36d",
        "Br40",
        "STANDARD",
        "FC12",
        "XCB",
    ],
)
def test_soft(kernel: str) -> None:
    assert sharpness(kernel) is Sharpness.SOFT


@pytest.mark.parametrize("kernel", ["B46f", "B70s", "Br64d", "Bv59", "I70f", "BONEPLUS", "Lung", "FC52", "FC30", "YD"])
def test_sharp(kernel: str) -> None:
    assert sharpness(kernel) is Sharpness.SHARP


@given(st.text())
def test_any_text_has_an_answer(kernel: str) -> None:
    assert sharpness(kernel) in Sharpness


def test_what_says_nothing_is_between_soft_and_sharp() -> None:
    assert sharpness("") is sharpness("Kernel 7") is Sharpness.UNKNOWN
    assert Sharpness.SOFT < Sharpness.UNKNOWN < Sharpness.SHARP
