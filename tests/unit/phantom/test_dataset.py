"""Sets of phantoms on disk."""

from pathlib import Path

import numpy as np

from phantom import dataset
from phantom.chest import LABELS, draw_chest
from phantom.dataset import BUILT, FIELDS_MM, MASK_SIZE, SEEDS, SHARD, SIZE, field_of, load_set, make_sample, make_set


def test_sample_holds_what_its_seed_says() -> None:
    seed = next(seed for seed in range(100) if draw_chest(seed).find("Nodule"))
    sample = make_sample(seed)
    assert sample.image.shape == (SIZE, SIZE)
    assert sample.masks.shape == (len(BUILT), MASK_SIZE, MASK_SIZE)
    assert {label for label, holds in zip(LABELS, sample.labels, strict=True) if holds} == draw_chest(seed).labels
    for index, label in enumerate(BUILT):
        assert sample.masks[index].any() == (label in draw_chest(seed).labels), label


def test_seeds_of_the_sets_are_a_million_apart() -> None:
    firsts = sorted(SEEDS.values())
    assert min(np.diff(firsts)) >= 1_000_000


def test_fields_are_drawn_in_their_shares() -> None:
    fields = [field_of(seed) for seed in range(500)]
    for field, share in FIELDS_MM:
        assert abs(fields.count(field) / 500 - share) < 0.07


def test_shards_that_are_there_stay(tmp_path: Path) -> None:
    shape = (SHARD, 2, 2)
    labels = np.ones((SHARD, len(LABELS)), np.bool_)
    ready = tmp_path / "test-000000.npz"
    np.savez(ready, image=np.full(shape, 7, np.uint8), labels=labels, masks=labels)
    before = ready.stat().st_mtime_ns
    make_set(tmp_path, "test", SHARD, processes=1)
    assert ready.stat().st_mtime_ns == before
    assert (load_set(tmp_path, "test", 5).image == 7).all()
    assert len(load_set(tmp_path, "test", 5).labels) == 5


def test_missing_shards_are_rendered_by_other_processes(tmp_path: Path) -> None:
    make_set(tmp_path, "test", 1, processes=1)
    made = load_set(tmp_path, "test", 3)
    assert np.array_equal(made.image[2], make_sample(dataset.SEEDS["test"] + 2).image)
