"""Training, in the small: it learns, it goes on after an interruption, and the same seed gives the same steps."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from phantom.augment import augment
from phantom.chest import LABELS
from phantom.dataset import BUILT, MASK_SIZE, SIZE
from phantom.train import STAGES, Stage, Training, learning_rate
from phantom.trainee import Average, Trainee


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """Four pictures that a network can tell apart by their brightness."""
    truth = np.arange(4) % 2 == 1
    image = np.where(truth, 200, 40).astype(np.uint8)[:, None, None].repeat(SIZE, 1).repeat(SIZE, 2)
    labels = truth[:, None].repeat(len(LABELS), 1)
    masks = np.broadcast_to(truth[:, None, None, None], (4, len(BUILT), MASK_SIZE, MASK_SIZE))
    for name in ("train", "validation"):
        np.savez(tmp_path / f"{name}-000000.npz", image=image, labels=labels, masks=masks)
    return tmp_path


def test_training_goes_on_where_it_stopped(sets: Path, tmp_path: Path) -> None:
    work, stage = tmp_path / "run", Stage(32, 1, 4, 1e-3)
    Training(sets, work, (stage,), 4, 4).run()
    assert len(json.loads((work / "history.json").read_text())) == 1
    first = (work / "pass1.npz").read_bytes()
    last = Training(sets, work, (stage, stage), 4, 4).run()
    history = json.loads((work / "history.json").read_text())
    assert [row["pass"] for row in history] == [1, 2]
    assert (work / "pass1.npz").read_bytes() == first
    assert set(history[1]["auc"]) == set(LABELS)
    assert last.name == "pass2.npz"
    assert last.is_file()


def test_learning_rate_rises_shortly_and_falls_to_nearly_nothing() -> None:
    stage = STAGES[-1]
    rates = [learning_rate(stage, step / 333, step) for step in range(334)]
    assert rates[0] < 0.05 * stage.rate
    assert 0.9 * stage.rate < max(rates) <= stage.rate
    assert np.argmax(rates) < 100
    assert rates[-1] == pytest.approx(0.02 * stage.rate)


def test_average_follows_slowly_and_can_begin_again() -> None:
    one, two = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(one.weight, 0.0)
    torch.nn.init.constant_(two.weight, 1.0)
    average = Average(one)
    for _ in range(20):
        average.add(two)
    mean = float(average.network.state_dict()["weight"])
    assert 0.9 < mean < 1
    average.forget(one)
    assert float(average.network.state_dict()["weight"]) == 0.0
    assert average.steps == 0


def test_trainee_reads_maps_at_both_depths() -> None:
    logits, fine, coarse = Trainee(15, 13)(torch.zeros(2, 1, 64, 64))
    assert (logits.shape, fine.shape, coarse.shape) == ((2, 15), (2, 13, 8, 8), (2, 13, 4, 4))


def test_augmented_maps_move_with_their_images() -> None:
    images = torch.zeros(6, SIZE, SIZE, dtype=torch.uint8)
    masks = torch.zeros(6, 1, MASK_SIZE, MASK_SIZE, dtype=torch.bool)
    images[:, 64:96, 160:192] = 255
    masks[:, :, 8:12, 20:24] = True
    x, fine, coarse = augment(images, masks, 128, torch.Generator().manual_seed(3))
    assert x.shape == (6, 1, 128, 128)
    assert float(x.min()) >= -1024
    assert float(x.max()) <= 1024
    for picture, map_fine, map_coarse in zip(x, fine, coarse, strict=True):
        bright = torch.nn.functional.avg_pool2d(picture, 8)[0]
        row, column = divmod(int(bright.argmax()), 16)
        assert map_fine[0, row, column] == 1
        assert map_coarse[0, row // 2, column // 2] == 1
        assert map_fine.mean() < 0.2


def test_augmentation_is_seeded() -> None:
    images, masks = torch.randint(0, 255, (2, SIZE, SIZE), dtype=torch.uint8), torch.zeros(2, 1, 32, 32).bool()
    one, two = (augment(images, masks, 64, torch.Generator().manual_seed(5))[0] for _ in range(2))
    assert torch.equal(one, two)
