import pytest

from orthanc_ai.cardiac.contrast import Contrast, Seen
from orthanc_ai.cardiac.roles import Role, has_contrast, role_of
from orthanc_ai.cardiac.words import Words
from orthanc_ai.codes import Code

WORDS = Words()


@pytest.mark.parametrize(
    ("description", "thickness", "phases", "contrast", "role"),
    [
        ("CaScSeq  3.0  B35f  70%", 3.0, 1, False, Role.CAC),
        ("Heart w/o  1.5  B25f  55%", 1.5, 1, False, Role.CAC),
        ("SMART SCORE FOV", 2.5, 1, False, Role.CAC),
        ("FC12 ORG Axial", 3.0, 1, False, Role.CAC),
        ("FC12 ORG Axial", 3.0, 1, True, Role.CARDIAC_OTHER),
        ("DS_CorCTA 3.0 Bv36 BestDiast 77 %", 3.0, 1, False, Role.CARDIAC_OTHER),
        ("DS_CorCTA 0.75 10 - 100 %", 0.75, 10, False, Role.FUNCTIONAL_MULTIPHASE),
        ("Function 3.0", 3.0, 10, False, Role.FUNCTIONAL_MULTIPHASE),
        ("DS_CorCTA 0.6 BestDiast", 0.6, 1, False, Role.CCTA),
        ("DS_CorCTA 0.6 BestDiast and BestSyst", 0.6, 2, False, Role.CCTA),
        ("70 % 1.0  B30f", 1.0, 1, False, Role.CCTA),
        ("CorCTA 1.5", 1.5, 1, True, Role.CARDIAC_THIN_UNSURE),
        ("CorCTA 2.0", 2.0, 1, True, Role.CARDIAC_OTHER),
    ],
)
def test_roles(description: str, thickness: float, phases: int, contrast: bool, role: Role) -> None:
    found, codes = role_of(description, thickness, phases, Contrast(stated=contrast), WORDS)
    assert found is role
    assert Code.CONFIRM_CONTRAST_BY_PIXELS in codes
    assert (Code.CONTRAST_TAG in codes) is contrast


@pytest.mark.parametrize(
    ("description", "thickness", "stated", "seen", "role", "disagrees"),
    [
        ("CorCTA 0.6", 0.6, True, Seen.YES, Role.CCTA, False),
        ("70 % 1.0  B30f", 1.0, False, Seen.YES, Role.CCTA, False),
        ("CorCTA 0.6", 0.6, True, Seen.UNCERTAIN, Role.CCTA, False),
        ("Heart 0.6", 0.6, False, Seen.NO, Role.CARDIAC_OTHER, False),
        ("Heart 0.6", 0.6, True, Seen.NO, Role.CARDIAC_OTHER, True),
        ("CorCTA 0.6", 0.6, False, Seen.NO, Role.CARDIAC_OTHER, True),
        ("Heart 1.5", 1.5, False, Seen.NO, Role.CARDIAC_OTHER, False),
        ("CaScSeq 3.0", 3.0, False, Seen.NO, Role.CAC, False),
        ("CaScSeq 3.0", 3.0, True, Seen.NO, Role.CAC, True),
        ("CaScSeq 3.0", 3.0, False, Seen.YES, Role.CARDIAC_OTHER, True),
        ("CaScSeq 0.6", 0.6, False, Seen.YES, Role.CCTA, True),
        ("CaScSeq 3.0", 3.0, False, Seen.UNCERTAIN, Role.CAC, False),
        # by thickness alone
        ("FC12 ORG Axial", 3.0, False, Seen.NO, Role.CAC, False),
        ("FC12 ORG Axial", 3.0, False, Seen.YES, Role.CARDIAC_OTHER, False),
        ("CorCTA 3.0", 3.0, True, Seen.NO, Role.CAC, True),
        ("FC12 ORG Axial", 3.0, True, Seen.UNCERTAIN, Role.CARDIAC_OTHER, False),
    ],
)
def test_the_pixels_know_better(
    description: str, thickness: float, stated: bool, seen: Seen, role: Role, disagrees: bool
) -> None:
    found, codes = role_of(description, thickness, 1, Contrast(stated, seen), WORDS)
    assert found is role
    assert (Code.CONTRAST_DISAGREES in codes) is disagrees
    assert Code.CONFIRM_CONTRAST_BY_PIXELS not in codes


def test_why_the_pixels_were_not_looked_at_is_said() -> None:
    _, codes = role_of("CorCTA 0.6", 0.6, 1, Contrast(fault=Code.FILE_UNREADABLE), WORDS)
    assert codes == (Code.CONFIRM_CONTRAST_BY_PIXELS, Code.FILE_UNREADABLE)


@pytest.mark.parametrize(
    ("agent", "contrast"),
    [
        ("CE", True),
        ("NON IONIC", True),
        ("Iodine 350", True),
        ("", False),
        ("NONE", False),
        ("No", False),
        ("ohne", False),
    ],
)
def test_contrast_agent(agent: str, contrast: bool) -> None:
    assert has_contrast(agent, WORDS) is contrast


def test_every_role_has_a_sentence() -> None:
    assert all(role.sentence.endswith(".") and role == role.name for role in Role)
