import pytest

from orthanc_ai.cardiac.words import Words, normalised, says

WORDS = Words()


@pytest.mark.parametrize(
    "text",
    [
        "DS_CorCTA 0.6 Bv40 3 BestDiast 77 %",
        "Cardiac^02_CoronaryCTARoutine (Adult)",
        "1_CORONARY_CTA_COMBI_SMH",
        "Heart w/o  1.5  B25f  55%",
        "CaScSeq  3.0  B35f  70%",
        "DS_CaSc",
        "SmartScore",
        "SMART SCORE FOV",
        "Calcium scoring",
        "CaScore",
        "Cardiac 3.0",
        "CCTA",
        "SnapShot Pulse 75%",
        "Step & Shoot Cardiac",
        "TAVI 1.0",
        "Diastole 0.6",
        "HERZ nativ",
        "Koronarangiographie",
        "Cœur",
        "Coroscanner",
        "artères coronaires",
        "Corazón",
        "coração",
        "TC CUORE",
        "Hartscan",
        "Hjärta",
        "Serce",
        "сердце",
        "коронарные артерии",
        "冠動脈CT",
        "冠状动脉CTA",
        "心臓",
        "심장 CT",
    ],
)
def test_cardiac(text: str) -> None:
    assert says(WORDS.cardiac, text)


@pytest.mark.parametrize(
    "text",
    [
        "1 25 MM CORONAL",
        "Cor 2.0",
        "COR MPR",
        "coronale 3mm",
        "冠状断",
        "STD BRAIN 5MM",
        "CHEST 1.25 MM",
        "Hartmann",
        "Cascade",
        "6.9 Colonoscopy",
        "Gastric cardia",
        "CT CHEST PULMONARY ANGIO WITH IV CON",
        "Endovascular ( EVAR ) POST OP",
        "",
    ],
)
def test_not_cardiac(text: str) -> None:
    assert not says(WORDS.cardiac, text)


def test_site_words_meet_text_without_accents() -> None:
    words = Words.with_cardiac(["kransslagåder"])
    assert says(words.cardiac, "KRANSSLAGÅDER 0.6")
    assert says(words.cardiac, "Heart")
    assert not says(WORDS.cardiac, "kransslagader")


def test_a_bad_site_word_is_named() -> None:
    with pytest.raises(ValueError, match=r"heart\("):
        Words.with_cardiac(["heart("])


def test_normalised() -> None:
    assert normalised("DS_CorCTA^  Cœur É") == "ds corcta coeur e"


def test_no_words_say_nothing() -> None:
    assert not says((), "heart")
