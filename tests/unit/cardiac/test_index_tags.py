import json
import re
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest

from orthanc_ai.cardiac.header import NEEDED_TAGS_BY_LEVEL, Level
from orthanc_ai.cardiac.index_tags import DEFAULT_MAIN_DICOM_TAGS, EXTRA_MAIN_DICOM_TAGS, is_complete

LEVELS: tuple[Level, ...] = ("Patient", "Study", "Series", "Instance")


@pytest.mark.parametrize("level", LEVELS)
def test_index_has_all_that_a_verdict_needs(level: Level) -> None:
    kept = {*DEFAULT_MAIN_DICOM_TAGS[level], *EXTRA_MAIN_DICOM_TAGS[level]}
    assert kept.issuperset(NEEDED_TAGS_BY_LEVEL.get(level, ()))


@pytest.mark.parametrize("level", LEVELS)
def test_extra_tags_are_keywords_beyond_the_default(level: Level) -> None:
    extra = EXTRA_MAIN_DICOM_TAGS[level]
    assert len(set(extra)) == len(extra)
    assert not set(extra) & set(DEFAULT_MAIN_DICOM_TAGS[level])
    assert all(pydicom.datadict.tag_for_keyword(keyword) for keyword in extra)


def test_orthanc_json_has_them() -> None:
    text = (Path(__file__).resolve().parents[3] / "orthanc.json").read_text()
    configuration = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    for level in LEVELS:
        assert set(configuration["ExtraMainDicomTags"][level]) >= set(EXTRA_MAIN_DICOM_TAGS[level])


def signature(level: Level, extra: Sequence[str]) -> str:
    """As Orthanc writes it: ``gggg,eeee`` in hexadecimal digits, semicolons between."""
    tags = sorted(pydicom.datadict.tag_for_keyword(one) or 0 for one in {*DEFAULT_MAIN_DICOM_TAGS[level], *extra})
    return ";".join(f"{tag >> 16:04x},{tag & 0xFFFF:04x}" for tag in tags)


@pytest.mark.parametrize("level", ["Series", "Instance"])
def test_what_was_stored_before_the_tags_were_set_is_incomplete(level: Level) -> None:
    extra = EXTRA_MAIN_DICOM_TAGS[level]
    assert is_complete(signature(level, extra), level)
    assert not is_complete(signature(level, ()), level)
    assert not is_complete("", level)
    needed = [keyword for keyword in extra if keyword in NEEDED_TAGS_BY_LEVEL[level]]
    for one in needed:
        assert not is_complete(signature(level, [keyword for keyword in extra if keyword != one]), level)
    assert is_complete(signature(level, needed), level)


def test_of_a_study_the_default_is_enough() -> None:
    assert is_complete("", "Study")
    assert is_complete(signature("Study", ()), "Study")
