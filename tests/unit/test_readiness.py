"""The model is looked at until it is there, and again whenever it is doubted; nothing ends the thread that does so."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orthanc_ai import readiness as module
from orthanc_ai.analyses import NotReadyError
from orthanc_ai.codes import Code
from orthanc_ai.models.card import ModelCard
from orthanc_ai.models.errors import ModelError
from orthanc_ai.models.prepared import Prepared
from orthanc_ai.readiness import Readiness
from orthanc_ai.settings import AI, XRay

from .networks import MODELS, NAME, card
from .stand_in import Archive

WAIT_S = 20.0
"""Bound on what takes milliseconds."""

READY = Prepared(card(), "w" * 64, Path("weights"), Path("onnx"), "o" * 64, {})


class Cache:
    """What is found in the model cache, one look after the other; the last one repeats."""

    def __init__(self, *looks: Exception | Prepared | Callable[[], Prepared]) -> None:
        self.looks = list(looks)
        self.count = 0

    def load(self, _card: ModelCard, _cache: Path) -> Prepared:
        look = self.looks[min(self.count, len(self.looks) - 1)]
        self.count += 1
        if isinstance(look, Exception):
            raise look
        return look() if callable(look) else look


class Watch:
    """A readiness on its thread."""

    def __init__(
        self, patch: pytest.MonkeyPatch, folder: Path, cache: Cache, script: str = "exit 3", ratio: str = "classical"
    ) -> None:
        python = folder / "python3"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        patch.setattr(module, "load_prepared", cache.load)
        patch.setattr(module, "PAUSES_S", (0.01,))
        self.archive, self.cache, self.ready, self.seen = Archive(), cache, 0, list[bool]()
        settings = AI(model=NAME, models_directory=MODELS, cache_directory=folder, python=python)
        x_ray = XRay.model_validate({"CardiothoracicRatio": ratio})
        settings = settings.model_copy(update={"x_ray": x_ray})
        self.readiness = Readiness(self.archive.server, settings, self._on_ready)
        self.thread = threading.Thread(target=self.readiness.run, daemon=True)

    def _on_ready(self) -> None:
        self.seen.append(self.readiness.state().ready)
        self.ready += 1

    def start(self) -> "Watch":
        self.thread.start()
        return self

    def until(self, condition: Callable[[], bool]) -> None:
        tick = threading.Event()
        for _ in range(int(WAIT_S / 0.005)):
            if condition():
                return
            tick.wait(0.005)
        raise AssertionError(f"it did not come about: {self.archive.log[-3:]}")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    made: list[Watch] = []

    def make(
        *looks: Exception | Prepared | Callable[[], Prepared], script: str = "exit 3", ratio: str = "classical"
    ) -> Watch:
        made.append(Watch(monkeypatch, tmp_path, Cache(*looks), script, ratio).start())
        return made[-1]

    yield make
    for one in made:
        one.readiness.stop()
        one.thread.join(WAIT_S)
        assert not one.thread.is_alive()


MISSING = ModelError(Code.MODEL_MISSING, "not prepared")


def test_a_model_that_is_there_is_used_at_once(watch: Callable[..., Watch]) -> None:
    one = watch(READY)
    one.until(lambda: one.ready == 1)
    assert one.readiness.prepared() is READY
    one.until(lambda: one.readiness.state().ready)


def test_it_is_said_to_be_ready_only_when_the_held_are_released(watch: Callable[..., Watch]) -> None:
    """Whoever waits for a model that is ready and an idle server would else find the work still held."""
    one = watch(READY)
    one.until(lambda: one.readiness.state().ready)
    one.readiness.doubt(Code.MODEL_MISSING)
    assert not one.readiness.state().ready
    one.until(lambda: one.readiness.state().ready)
    assert one.seen == [False, False]


@pytest.mark.parametrize(
    "trouble", [MISSING, OSError(5, "Input/output error"), KeyError("spoiled"), MemoryError()], ids=repr
)
def test_whatever_keeps_it_away_it_is_looked_for_again(watch: Callable[..., Watch], trouble: Exception) -> None:
    one = watch(*[trouble] * 6, READY)
    one.until(lambda: one.ready == 1)
    assert one.readiness.prepared() is READY


def test_until_then_work_is_held_with_the_reason(watch: Callable[..., Watch]) -> None:
    one = watch(MISSING)
    one.until(lambda: one.cache.count > 2)
    with pytest.raises(NotReadyError) as caught:
        one.readiness.prepared()
    assert (caught.value.code, caught.value.model) == (Code.MODEL_MISSING, NAME)
    assert one.readiness.state().code is Code.MODEL_MISSING


def test_what_the_preparation_says_is_told_whatever_its_letters(watch: Callable[..., Watch]) -> None:
    one = watch(MISSING, script="printf 'MODEL_TAMPERED: other \\377 weights\\n'; exit 4")
    told = "not ready: MODEL_TAMPERED: other \N{REPLACEMENT CHARACTER} weights."
    one.until(lambda: any(told in line for line in one.archive.log))


def test_a_doubted_model_is_looked_at_again_and_the_held_released_again(watch: Callable[..., Watch]) -> None:
    one = watch(READY)
    one.until(lambda: one.ready == 1)
    one.readiness.doubt(Code.MODEL_TAMPERED)
    with pytest.raises(NotReadyError):
        one.readiness.prepared()
    one.until(lambda: one.ready == 2)
    assert one.readiness.prepared() is READY


def test_a_doubt_in_the_moment_it_becomes_ready_is_heard(watch: Callable[..., Watch]) -> None:
    """A worker that still had the older one says so just when the new one was found: X-rays must not stay held."""
    original, doubted = Readiness._make_ready, list[bool]()

    def make_ready(self: Readiness) -> bool:
        made = original(self)
        if not doubted:
            doubted.append(True)
            self.doubt(Code.MODEL_TAMPERED)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Readiness, "_make_ready", make_ready)
        one = watch(READY)
        one.until(lambda: one.ready == 2)
        assert one.readiness.prepared() is READY


def test_a_stop_ends_the_preparation(watch: Callable[..., Watch]) -> None:
    one = watch(MISSING, script="exec sleep 60")
    one.until(lambda: one.readiness._child is not None)
    one.readiness.stop()
    one.thread.join(WAIT_S)
    assert not one.thread.is_alive()


def test_the_model_that_outlines_is_waited_for_where_it_is_wanted(watch: Callable[..., Watch]) -> None:
    missing = ModelError(Code.MODEL_MISSING, "not here")
    # The one and the other in turns, for as long as the test takes.
    one = watch(*(READY, missing) * 10_000, ratio="segmentation", script="echo MODEL_MISSING: no way out; exit 3")
    one.until(lambda: one.cache.count > 4)
    with pytest.raises(NotReadyError) as caught:
        one.readiness.prepared()
    assert (caught.value.code, caught.value.model) == (Code.MODEL_MISSING, "chestx-det-pspnet")
    assert one.readiness.outliner() is None
    assert one.ready == 0


def test_both_models_are_there_together(watch: Callable[..., Watch]) -> None:
    one = watch(READY, ratio="segmentation")
    one.until(lambda: one.ready == 1)
    assert one.readiness.prepared() is READY
    assert one.readiness.outliner() is not None


def test_without_that_wish_no_other_model_is_looked_for(watch: Callable[..., Watch]) -> None:
    one = watch(READY)
    one.until(lambda: one.ready == 1)
    assert one.cache.count == 1
    assert one.readiness.outliner() is None
