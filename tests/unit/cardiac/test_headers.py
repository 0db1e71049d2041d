"""Headers arrive in a worker as they left the index."""

import pickle

from orthanc_ai.cardiac.header import NEEDED_TAGS_BY_LEVEL, Header
from orthanc_ai.cardiac.headers import Headers, Sheet

SHARED = {"SeriesInstanceUID": "1.2", "Modality": "CT", "AnatomicRegionSequence": [{"CodeValue": "80891009"}]}


def rows(count: int) -> list[dict[str, str]]:
    return [
        {
            "SOPInstanceUID": f"1.2.{number}",
            "Rows": str(256 + 256),
            "PixelSpacing": f"{0.4}\\{0.4}",
            "Other": "x",
        }
        for number in range(count)
    ]


def test_each_instance_has_its_own_tags_and_the_shared_ones() -> None:
    headers = Headers([Sheet.of(SHARED, ("SOPInstanceUID", "Rows", "TriggerTime"), rows(2)), Sheet.of({}, (), [{}])])
    assert len(headers) == 3
    assert list(headers) == [
        {**SHARED, "SOPInstanceUID": "1.2.0", "Rows": "512"},
        {**SHARED, "SOPInstanceUID": "1.2.1", "Rows": "512"},
        {},
    ]


def test_they_survive_the_way_to_another_process() -> None:
    headers = Headers([Sheet.of(SHARED, NEEDED_TAGS_BY_LEVEL["Instance"], rows(3))])
    arrived = pickle.loads(pickle.dumps(headers))
    assert [Header.from_tags(tags) for tags in arrived] == [Header.from_tags(tags) for tags in headers]


def test_a_text_that_all_instances_share_is_sent_once() -> None:
    one, many = (len(pickle.dumps(Sheet.of(SHARED, NEEDED_TAGS_BY_LEVEL["Instance"], rows(n)))) for n in (1, 1001))
    assert (many - one) / 1000 < 100
