"""Sets of phantoms on disk, for training and evaluation: rendered once, by several processes, with progress."""

import argparse
import concurrent.futures
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phantom.chest.body import stream
from phantom.chest.findings import LABELS, PREVALENCE, draw_chest
from phantom.chest.radiograph import DETECTOR_MM, render
from phantom.progress import progress

# Seeds of the sets lie far apart: no phantom is in two of them.
SEEDS = {"train": 1_000_000, "validation": 2_000_000, "test": 3_000_000}
# Where `make train-phantom` keeps its sets and checkpoints: beside the box, outside version control.
WORK = Path(__file__).resolve().parent.parent / ".box" / "phantom-training"
SIZE = 256
MASK_SIZE = 32
SHARD = 100  # phantoms per file
# The centre crop of a 35 x 43 cm film is 35 cm wide, that of a 43 x 43 cm film 43 cm.
FIELDS_MM = ((350.0, 0.6), (DETECTOR_MM, 0.4))
BUILT = tuple(PREVALENCE)


@dataclass(frozen=True)
class Sample:
    """One phantom as the network sees it.

    Attributes
    ----------
    image : uint8 array of shape (SIZE, SIZE)
    labels : bool array of shape (len(LABELS),)
    masks : bool array of shape (len(BUILT), MASK_SIZE, MASK_SIZE)
        Where each finding that is built (not derived) shows.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.bool_]
    masks: NDArray[np.bool_]


def field_of(seed: int) -> float:
    """Side in mm of the square that is left of this seed's film after the centre crop."""
    sizes, shares = zip(*FIELDS_MM, strict=True)
    return float(stream(seed, "field").choice(sizes, p=shares))


def make_sample(seed: int) -> Sample:
    """Renders the phantom of a seed for the network."""
    chest = draw_chest(seed)
    radiograph = render(chest, SIZE, SIZE, field_of(seed))
    image = (radiograph.pixels >> 4).astype(np.uint8)
    labels = np.array([label in radiograph.truth.labels for label in LABELS])
    masks = np.zeros((len(BUILT), MASK_SIZE, MASK_SIZE), np.bool_)
    block = SIZE // MASK_SIZE
    for label, place in radiograph.truth.places.items():
        masks[BUILT.index(label)] = place.mask.reshape(MASK_SIZE, block, MASK_SIZE, block).any(axis=(1, 3))
    return Sample(image, labels, masks)


def _make_shard(task: tuple[Path, range]) -> int:
    path, seeds = task
    samples = [make_sample(seed) for seed in seeds]
    arrays = {key: np.stack([getattr(sample, key) for sample in samples]) for key in ("image", "labels", "masks")}
    new = path.with_suffix(".new.npz")
    np.savez(new, **arrays)  # type: ignore[arg-type]
    new.replace(path)
    return len(samples)


def make_set(folder: Path, name: str, count: int, processes: int) -> None:
    """Renders a set into `folder`, in shards; those that are there already stay.

    Parameters
    ----------
    name : str
        "train", "validation" or "test"; decides the seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = SEEDS[name]
    tasks = [
        (path, range(first + start, first + start + SHARD))
        for start in range(0, count, SHARD)
        if not (path := _shard(folder, name, start)).exists()
    ]
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        for _ in progress(pool.map(_make_shard, tasks), len(tasks), f"shards of {SHARD} phantoms for {name}"):
            pass


def load_set(folder: Path, name: str, count: int) -> Sample:
    """The first `count` phantoms of a set, stacked along a new first axis."""
    shards = [np.load(_shard(folder, name, start)) for start in range(0, count, SHARD)]
    image, labels, masks = (
        np.concatenate([shard[key] for shard in shards])[:count] for key in ("image", "labels", "masks")
    )
    return Sample(image, labels, masks)


def _shard(folder: Path, name: str, start: int) -> Path:
    return folder / f"{name}-{start:06d}.npz"


def main() -> None:
    """Command line: renders the sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=8000)
    parser.add_argument("--validation", type=int, default=800)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    for name in ("validation", "test", "train"):
        make_set(options.folder, name, getattr(options, name), options.processes)


if __name__ == "__main__":
    main()
