"""Every public code is what pydicom's copy of PS3.16 says, letter by letter."""

import pytest
from pydicom.sr import _concepts_dict

from orthanc_ai.codes import Code
from orthanc_ai.concepts import Concept
from orthanc_ai.models.card import Output
from orthanc_ai.report import vocabulary
from orthanc_ai.report.errors import ReportError

from .sources import model_of_record

DICTIONARY: dict[str, dict[str, dict[str, tuple[str, list[int]]]]] = _concepts_dict.concepts  # type: ignore[assignment]
MEANINGS: dict[tuple[str, str], set[str]] = {}
for scheme, keywords in DICTIONARY.items():
    for entry in keywords.values():
        for value, (meaning, _) in entry.items():
            MEANINGS.setdefault((scheme, value), set()).add(meaning)
CONCEPTS = {name: value for name, value in vars(vocabulary).items() if isinstance(value, Concept)}
# UCUM annotations are made up freely and are in no list; that of the pixels is highdicom's.
UNLISTED = {vocabulary.PIXELS, vocabulary.PERCENTAGE_POINTS}

# Codes of models/findings.toml that pydicom's dictionary does not have, with the public text they were found in.
FOUND_ELSEWHERE = {
    Concept("46621007", "SCT", "Atelectasis"),
    Concept("95436008", "SCT", "Lung consolidation"),
    Concept("87433001", "SCT", "Pulmonary emphysema"),
    Concept("51615001", "SCT", "Fibrosis of lung"),
    Concept("233604007", "SCT", "Pneumonia"),
    Concept("8186001", "SCT", "Cardiomegaly"),
    Concept("39839004", "SCT", "Diaphragmatic hernia"),
    Concept("125605004", "SCT", "Fracture of bone"),
}


@pytest.mark.parametrize("name", sorted(CONCEPTS))
def test_codes_are_those_of_the_standard(name: str) -> None:
    concept = CONCEPTS[name]
    if concept.scheme == vocabulary.PRIVATE_SCHEME or concept in UNLISTED:
        return
    # pydicom's dictionary has some meanings of SNOMED CT with their semantic tag.
    meanings = {meaning.removesuffix(" (attribute)") for meaning in MEANINGS[concept.scheme, concept.value]}
    assert concept.meaning in meanings


@pytest.mark.parametrize("name", sorted(CONCEPTS))
def test_codes_fit_their_attributes(name: str) -> None:
    concept = CONCEPTS[name]
    assert len(concept.value) <= 16
    assert len(concept.scheme) <= 16
    assert len(concept.meaning) <= 64


@pytest.mark.parametrize("output", model_of_record().outputs, ids=lambda output: output.label)
def test_codes_of_the_findings(output: Output) -> None:
    for concept in (output.finding, output.site):
        if concept.scheme == vocabulary.PRIVATE_SCHEME or concept in FOUND_ELSEWHERE:
            continue
        assert concept.meaning in MEANINGS[concept.scheme, concept.value]


@pytest.mark.parametrize("value", sorted(vocabulary.MEASUREMENT_REPORT_TITLES))
def test_refuses_titles_that_hide_the_text(value: str) -> None:
    with pytest.raises(ReportError, match=f"{value}.*allowed: any code but 126000") as caught:
        vocabulary.check_title(Concept(value, "DCM", "Imaging Measurement Report"))
    assert caught.value.code is Code.BAD_REQUEST


@pytest.mark.parametrize("title", [Concept("", "LN", "x"), Concept("1", "LN", ""), Concept("1", "LN", "x" * 65)])
def test_refuses_titles_that_do_not_fit(title: Concept) -> None:
    with pytest.raises(ReportError, match="1 to 64 characters"):
        vocabulary.check_title(title)


def test_takes_other_titles() -> None:
    title = Concept("59776-5", "LN", "Findings")
    assert vocabulary.check_title(title) == title
