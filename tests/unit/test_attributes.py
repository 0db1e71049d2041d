import pytest
from pydicom.dataset import Dataset

from orthanc_ai.attributes import MalformedError, items


def test_items_of_a_sequence_that_is_there_empty_or_missing() -> None:
    header = Dataset()
    assert items(header, "ViewCodeSequence") == []
    header.ViewCodeSequence = []
    assert items(header, "ViewCodeSequence") == []
    header.ViewCodeSequence = [Dataset(), Dataset()]
    assert items(header, "ViewCodeSequence") == [Dataset(), Dataset()]


@pytest.mark.parametrize(("vr", "value"), [("DS", "1.5"), ("DS", ["1", "2"]), ("US", 3), ("LO", "chest")])
def test_items_of_what_is_no_sequence(vr: str, value: object) -> None:
    header = Dataset()
    header.add_new("ViewCodeSequence", vr, value)
    with pytest.raises(MalformedError):
        items(header, "ViewCodeSequence")
