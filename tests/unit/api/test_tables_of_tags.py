"""The request of a table of tags."""

from typing import get_args

from orthanc_ai.api.tables_of_tags import WindowName
from orthanc_ai.images.windows import FASTAI, NAMED


def test_every_window_by_name_can_be_asked_for() -> None:
    assert list(get_args(WindowName)) == [*NAMED, *FASTAI]
