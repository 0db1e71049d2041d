import json
import re
from pathlib import Path

import pydicom
import pytest

from orthanc_ai.cardiac.header import NEEDED_TAGS_BY_LEVEL, Level
from orthanc_ai.cardiac.index_tags import DEFAULT_MAIN_DICOM_TAGS, EXTRA_MAIN_DICOM_TAGS

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
