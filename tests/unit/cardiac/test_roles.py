import pytest

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
    found, codes = role_of(description, thickness, phases, contrast, WORDS)
    assert found is role
    assert Code.CONFIRM_CONTRAST_BY_PIXELS in codes
    assert (Code.CONTRAST_TAG in codes) is contrast


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
