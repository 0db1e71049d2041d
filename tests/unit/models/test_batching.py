"""Images of several askers are computed together, and each gets its own scores."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from orthanc_ai.models.batching import Batcher
from orthanc_ai.models.engine import Floats
from tests.unit.networks import engine, films

ANSWER_S = 60.0
"""Bound on what takes well under a second."""

LONG_S = 3600.0
"""A window that no test would outlast."""


class Recorder:
    """The real engine, and the sizes of the batches that it was given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def scores(self, batch: Floats) -> Floats:
        self.sizes.append(len(batch))
        if np.isnan(batch).any():
            raise FloatingPointError("a GPU that fails")
        return engine().scores(batch)


@contextmanager
def batcher(recorder: Recorder, window_s: float, maximum: int, askers: int) -> Iterator[Batcher]:
    made = Batcher(recorder.scores, window_s=window_s, maximum=maximum, askers=lambda: askers)
    yield made
    made.stop()


def test_together_as_one_by_one() -> None:
    images, recorder = films(6, seed=21), Recorder()
    with batcher(recorder, LONG_S, maximum=32, askers=6) as made:
        answers = [made.submit(image) for image in images]
        found = np.stack([answer.result(ANSWER_S) for answer in answers])
    assert recorder.sizes == [6]
    assert np.ptp(found, axis=0).max() > 0.1
    for image, scores in zip(images, found, strict=True):
        assert np.abs(engine().scores(image[None])[0] - scores).max() < 1e-5


def test_nobody_waits_for_those_who_have_asked_already() -> None:
    """Two askers, two images: the window would last for an hour."""
    images, recorder = films(2, seed=22), Recorder()
    with batcher(recorder, LONG_S, maximum=32, askers=2) as made:
        for answer in [made.submit(image) for image in images]:
            answer.result(ANSWER_S)
    assert recorder.sizes == [2]


def test_the_window_ends() -> None:
    """One of two askers has nothing to ask."""
    recorder = Recorder()
    with batcher(recorder, 0.05, maximum=32, askers=2) as made:
        made.submit(films(1, seed=23)[0]).result(ANSWER_S)
    assert recorder.sizes == [1]


def test_a_batch_has_its_maximum() -> None:
    images, recorder = films(5, seed=24), Recorder()
    with batcher(recorder, LONG_S, maximum=2, askers=64) as made:
        answers = [made.submit(image) for image in images]
        for answer in answers[:4]:
            answer.result(ANSWER_S)
    assert recorder.sizes == [2, 2, 1]
    assert answers[4].result(0).shape == (18,)


def test_those_who_asked_are_told_of_an_error_and_then_the_process_is() -> None:
    broken, told = np.full((1, 224, 224), np.nan, np.float32), list[bool]()
    made = Batcher(Recorder().scores, window_s=LONG_S, maximum=32, askers=lambda: 2, on_error=lambda: told.append(True))
    answers = [made.submit(image) for image in (films(1, seed=25)[0], broken)]
    for answer in answers:
        with pytest.raises(FloatingPointError):
            answer.result(ANSWER_S)
    made.stop()
    assert told == [True]
