"""Files of unknown origin: a volume, or a code; nothing else, whatever is in them."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from orthanc_ai.codes import Code
from orthanc_ai.volumes.errors import VolumeError
from orthanc_ai.volumes.read import Series
from phantom.ct import ct_series
from tests.unit.cardiac.enhanced import enhanced

from .images import Memory, files, stack

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of damaged values

SINGLE = files(stack(4))
MULTI_FRAME = files([enhanced(ct_series("ccta", matrix=16, slices=4))])


def damaged(content: bytes, chance: random.Random, changes: int) -> bytes:
    """A file with a few bytes changed, most of them in its header, or cut off."""
    changed = bytearray(content)
    for _ in range(changes):
        changed[chance.randrange(128, min(len(changed), 2500))] = chance.choice((0, 0x20, 0x2D, 0x31, 0x5C, 0xFF))
    return bytes(changed[: chance.randrange(len(changed))] if chance.random() < 0.1 else changed)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6), st.sampled_from(["single", "multi-frame"]))
def test_damaged_files_make_a_volume_or_give_a_code(chance: random.Random, changes: int, kind: str) -> None:
    whole = SINGLE if kind == "single" else MULTI_FRAME
    number = chance.randrange(len(whole))
    content = [file.content for file in whole]
    content[number] = damaged(content[number], chance, changes)
    series = Series(map(Memory, content))
    for one in series.unreadable:
        assert isinstance(one.code, Code)
    for planned in series.plan.stacks:
        try:
            made = series.read(planned)
        except VolumeError as error:
            assert isinstance(error.code, Code)  # noqa: PT017 - it may raise, or not
        else:
            assert np.isfinite(made.volume.affine).all()
            assert made.volume.values.shape[0] == len(planned.headers)


def test_a_size_that_is_only_claimed_takes_no_memory() -> None:
    """Ten slices of 65535 x 65535 would be 86 GB."""
    datasets: list[Dataset] = stack(10)
    for dataset in datasets:
        dataset.Rows = dataset.Columns = 65535
    series = Series(files(datasets))
    with pytest.raises(VolumeError) as error:
        series.read(series.plan.stacks[0])
    assert error.value.code is Code.HEADER_UNREADABLE
