"""The process that computes scores for all workers: run on the processors here, where everything but the GPU is real."""

import contextlib
import dataclasses
import os
import queue
import signal
import threading
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from multiprocessing import AuthenticationError, connection
from pathlib import Path

import numpy as np
import pytest

from orthanc_ai import accelerator as module
from orthanc_ai import readiness as readiness_module
from orthanc_ai.accelerator import Accelerator
from orthanc_ai.analyses import XRAY, NotReadyError, Task
from orthanc_ai.codes import Code
from orthanc_ai.models.address import Address
from orthanc_ai.models.engine import Floats, load_engine
from orthanc_ai.models.errors import DeviceLostError, ModelError
from orthanc_ai.models.prepared import Prepared
from orthanc_ai.models.remote import RemoteScorer
from orthanc_ai.readiness import Readiness
from orthanc_ai.settings import AI
from orthanc_ai.xray.analysis import RadiographReader
from phantom.dicom import chest_dx

from .networks import MODELS, films
from .stand_in import Archive
from .xray.reader import RECIPE, prepared, read

WAIT_S = 60.0


def settings(device: str) -> AI:
    model = prepared()
    found = {"Model": "phantom", "ModelsDirectory": MODELS, "CacheDirectory": model.onnx.parent.parent}
    return AI.model_validate(found | {"Device": device})


class Watched(Accelerator):
    """One on the processors, and whether it was lost."""

    def __init__(self, device: str = "cuda", *, processors: bool = True) -> None:
        self.archive, self.lost = Archive(), threading.Event()
        super().__init__(self.archive.server, settings(device), self.lost.set, processors=processors)

    def reached(self) -> Address:
        address = self.address(prepared())
        assert address is not None
        return address

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child._process.pid


@pytest.fixture(scope="module")
def shared() -> Iterator[Watched]:
    made = Watched()
    made.take(prepared())
    yield made
    made.stop()


def test_many_workers_at_once_get_the_scores_of_their_images(shared: Watched) -> None:
    images = films(8, seed=31)
    wanted, wanted_maps = load_engine(prepared(), "onnx").scores_and_activations(images)
    found: dict[int, Floats] = {}
    maps: dict[int, Floats] = {}

    def work(k: int) -> None:
        scorer = RemoteScorer(shared.reached(), prepared())
        for _ in range(3):
            found[k], maps[k] = scorer.scores_and_activations(images[k : k + 1])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert np.ptp(wanted, axis=0).max() > 0.1
    assert np.abs(np.concatenate([found[k] for k in range(len(images))]) - wanted).max() < 1e-5
    assert np.abs(np.concatenate([maps[k] for k in range(len(images))]) - wanted_maps).max() < 1e-4


def test_a_film_is_read_as_in_the_worker(shared: Watched) -> None:
    buffer = BytesIO()
    chest_dx(5, 600, 500).save_as(buffer, enforce_file_format=True)
    dicom = buffer.getvalue()
    task = Task(XRAY, dicom, RECIPE, weights=prepared().weights_digest, scorer=shared.reached())
    answer, wanted = RadiographReader(settings("cpu")).read(task), read(dicom)
    assert answer.outcome.code is Code.REPORTED
    assert answer.outcome.result == wanted.outcome.result
    for mine, other in zip(answer.outcome.data["findings"], wanted.outcome.data["findings"], strict=True):
        assert mine["score"] == pytest.approx(other["score"], abs=1e-5)


@pytest.mark.parametrize(
    "message",
    [b"", b"no image", bytes(224 * 224 * 4 - 4), bytes(224 * 224 * 4 + 4)],
    ids=("empty", "text", "short", "long"),
)
def test_who_sends_what_is_no_image_is_hung_up_on_and_nobody_else(shared: Watched, message: bytes) -> None:
    other = RemoteScorer(shared.reached(), prepared())
    with connection.Client(shared.reached().path, "AF_UNIX", authkey=shared.reached().key) as client:
        assert client.recv_bytes().decode() == prepared().weights_digest
        # What is too long is not even read: the sender may notice while it still writes.
        with contextlib.suppress(ConnectionError):
            client.send_bytes(message)
        with pytest.raises((EOFError, OSError)):
            client.recv_bytes()
    assert other.scores(films(1, seed=32)).shape == (1, prepared().card.network_outputs)


def test_a_worker_that_dies_before_its_answer_takes_nobody_along(shared: Watched) -> None:
    other = RemoteScorer(shared.reached(), prepared())
    client = connection.Client(shared.reached().path, "AF_UNIX", authkey=shared.reached().key)
    client.recv_bytes()
    client.send_bytes(films(1, seed=33))
    client.close()
    assert other.scores(films(1, seed=32)).shape == (1, prepared().card.network_outputs)


def test_the_key_is_asked_for(shared: Watched) -> None:
    with pytest.raises(AuthenticationError):
        connection.Client(shared.reached().path, "AF_UNIX", authkey=b"another")
    with pytest.raises(DeviceLostError):
        RemoteScorer(Address(shared.reached().path, b"another"), prepared())
    assert Path(shared.reached().path).parent.stat().st_mode & 0o777 == 0o700


def test_other_weights_are_not_used(shared: Watched) -> None:
    with pytest.raises(ModelError) as caught:
        RemoteScorer(shared.reached(), dataclasses.replace(prepared(), weights_digest="0" * 64))
    assert caught.value.code is Code.MODEL_TAMPERED


def test_a_process_that_dies_is_noticed_and_replaced() -> None:
    one = Watched()
    one.take(prepared())
    first = one.reached()
    scorer = RemoteScorer(first, prepared())
    scorer.scores(films(1, seed=34))
    os.kill(one.pid, signal.SIGKILL)
    with pytest.raises(DeviceLostError):
        scorer.scores(films(1, seed=34))
    assert one.lost.wait(WAIT_S)
    assert one.address(prepared()) is None
    with pytest.raises(DeviceLostError):
        RemoteScorer(first, prepared())
    one.take(prepared())
    assert one.reached() != first
    assert RemoteScorer(one.reached(), prepared()).scores(films(1, seed=34)).shape[0] == 1
    last = one.reached()
    one.stop()
    assert one.address(prepared()) is None
    assert not Path(last.path).parent.exists()


def test_it_is_taken_once() -> None:
    one = Watched()
    one.take(prepared())
    pid = one.pid
    one.take(prepared())
    assert one.pid == pid
    assert one.taken == "cuda"
    one.stop()


def test_on_the_processors_nothing_of_it_runs() -> None:
    one = Watched("cpu")
    one.take(prepared())
    assert (one.taken, one.address(prepared()), one._child) == ("cpu", None, None)


def test_a_gpu_that_is_asked_for_and_not_there() -> None:
    one = Watched("cuda", processors=False)
    with pytest.raises(ModelError, match="built without CUDA") as caught:
        one.take(prepared())
    assert caught.value.code is Code.DEVICE_MISSING
    assert one.taken is None


@pytest.mark.parametrize(
    ("driver", "told"),
    [((), "no NVIDIA driver"), ((Path("/dev/null"),), "built without CUDA")],
    ids=("no driver", "a driver and a runtime for the CPU"),
)
def test_without_a_gpu_auto_takes_the_processors_and_says_why(
    monkeypatch: pytest.MonkeyPatch, driver: tuple[Path, ...], told: str
) -> None:
    monkeypatch.setattr(module, "NVIDIA_DRIVER", driver)
    one = Watched("auto", processors=False)
    one.take(prepared())
    assert (one.taken, one.address(prepared())) == ("cpu", None)
    assert any(told in line for line in one.archive.log)


def test_an_interpreter_that_says_nothing(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    one = Accelerator(
        Archive().server, settings("cuda").model_copy(update={"python": python}), lambda: None, processors=True
    )
    with pytest.raises(ModelError, match="did not start") as caught:
        one.take(prepared())
    assert caught.value.code is Code.DEVICE_MISSING


def test_work_is_held_while_another_process_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness_module, "Accelerator", partial(Accelerator, processors=True))
    monkeypatch.setattr(readiness_module, "PAUSES_S", (0.01,))
    archive, ready = Archive(), queue.SimpleQueue[Address | None]()
    watched = Readiness(archive.server, settings("cuda"), lambda: ready.put(watched.scorer(watched.prepared())))
    thread = threading.Thread(target=watched.run, daemon=True)
    thread.start()
    first = ready.get(timeout=WAIT_S)
    assert first is not None
    assert watched.device() == "cuda"
    scorer = RemoteScorer(first, prepared())
    child = watched._accelerator._child
    assert child is not None
    child._process.kill()
    child._process.wait()
    with pytest.raises(NotReadyError):
        watched.scorer(prepared())
    with pytest.raises(DeviceLostError):
        scorer.scores(films(1, seed=35))
    second = ready.get(timeout=WAIT_S)
    assert second is not None
    assert second != first
    assert RemoteScorer(second, prepared()).scores(films(1, seed=35)).shape[0] == 1
    assert any("has died" in line for line in archive.log)
    watched.stop()
    # Those at work may finish.
    assert watched.scorer(prepared()) == second
    watched.close()
    thread.join(WAIT_S)
    assert not thread.is_alive()


def test_a_model_that_is_gone_is_the_models_fault() -> None:
    one = Watched()
    gone: Prepared = dataclasses.replace(prepared(), card=dataclasses.replace(prepared().card, name="no-such-model"))
    with pytest.raises(ModelError) as caught:
        one.take(gone)
    assert caught.value.code is Code.MODEL_INVALID
