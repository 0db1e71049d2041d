"""Trains the demonstration model on phantoms.

Most passes over the set run on small images, the last ones at the serving size. Besides the labels, the network learns
on the way where each finding lies, from maps at two of its depths; what reads those maps is thrown away afterwards. An
interrupted training goes on from its last checkpoint when it is started again.
"""

import argparse
import json
import math
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from phantom import evaluate
from phantom.augment import augment
from phantom.chest.findings import LABELS
from phantom.dataset import BUILT, WORK, load_set, make_set
from phantom.evaluate import MODEL, auc, compact_json
from phantom.network import predict, save_weights
from phantom.trainee import Average, Trainee, map_loss


@dataclass(frozen=True)
class Stage:
    """A part of the training with a learning rate that falls from its highest value to nearly nothing.

    Attributes
    ----------
    size : int
        Side of the images in pixels.
    passes : int
        Passes over the training set.
    batch : int
        Images per step.
    rate : float
        The highest learning rate.
    """

    size: int
    passes: int
    batch: int
    rate: float


STAGES = (Stage(112, 4, 32, 1.5e-3), Stage(224, 1, 24, 6e-4), Stage(224, 2, 24, 5e-4))
SEED = 20
MAP_WEIGHT = 1.0
WEIGHT_DECAY = 0.02
GRADIENT_LIMIT = 2.0
WARM_UP_STEPS = 60
FINAL_RATE = 0.02  # as a share of the highest
CHECKPOINT_SECONDS = 60.0
LINE_SECONDS = 10.0


def learning_rate(stage: Stage, done: float, step: int) -> float:
    """Half a cosine after a short warm-up.

    Parameters
    ----------
    done : float
        Share of the stage that is done, 0 to 1.
    step : int
        Steps of the stage so far.
    """
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return stage.rate * warm * (FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * done)) / 2)


class Training:
    """One training with its state, which a checkpoint keeps.

    Parameters
    ----------
    sets : Path
        Folder of the rendered sets.
    work : Path
        Folder for the checkpoint, `history.json` and the weights after each pass.
    stages : tuple of Stage
    count, validation : int
        How many phantoms of the two sets to use.
    """

    def __init__(self, sets: Path, work: Path, stages: tuple[Stage, ...], count: int, validation: int) -> None:
        torch.manual_seed(SEED)
        drawn = load_set(sets, "train", count)
        self.images, self.masks = drawn.image, torch.from_numpy(drawn.masks)
        self.labels = torch.from_numpy(drawn.labels).float()
        self.held = load_set(sets, "validation", validation)
        self.work = work
        self.plan = [(stage, number) for stage in stages for number in range(stage.passes)]
        self.trainee = Trainee(len(LABELS), len(BUILT)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Average(self.trainee.network)
        self.optimizer = torch.optim.AdamW(self.trainee.parameters(), weight_decay=WEIGHT_DECAY)
        self.history: list[dict[str, Any]] = []
        self.begin = (0, 0)  # pass and step to go on from
        self.checkpoint = work / "checkpoint.pt"
        work.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists():
            self._restore()

    def _restore(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True)
        self.trainee.load_state_dict(saved["trainee"])
        self.average.network.load_state_dict(saved["average"])
        self.average.steps = saved["average_steps"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.history = json.loads(saved["history"])
        self.begin = (saved["pass"], saved["step"])
        print(f"going on from pass {self.begin[0] + 1}, step {self.begin[1] + 1}", file=sys.stderr)

    def _save(self, number: int, step: int) -> None:
        state = {
            "trainee": self.trainee.state_dict(),
            "average": self.average.network.state_dict(),
            "average_steps": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "history": json.dumps(self.history),
            "pass": number,
            "step": step,
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def run(self) -> Path:
        """Trains to the end; returns the weights after the last pass (16 bits)."""
        for number in range(self.begin[0], len(self.plan)):
            self._one_pass(number, self.begin[1] if number == self.begin[0] else 0)
        return self._weights(len(self.plan))

    def _weights(self, passes: int) -> Path:
        return self.work / f"pass{passes}.npz"

    def _one_pass(self, number: int, first: int) -> None:
        stage, passes = self.plan[number]
        if passes == 0 and first == 0:
            self.average.forget(self.trainee.network)
        count = len(self.images)
        steps = count // stage.batch
        order = np.random.default_rng((SEED, number)).permutation(count)
        generator = torch.Generator().manual_seed(SEED * 1000 + number)
        self.trainee.train()
        losses: list[float] = []
        start = saved = shown = time.monotonic()
        for step in range(first, steps):
            rate = learning_rate(stage, (passes + step / steps) / stage.passes, passes * steps + step)
            part = np.sort(order[step * stage.batch : (step + 1) * stage.batch])
            losses.append(self._step(part, stage.size, rate, generator))
            now = time.monotonic()
            if now - shown > LINE_SECONDS or step + 1 == steps:
                shown = now
                left = (now - start) / (step + 1 - first) * self._steps_left(number, step)
                where = f"pass {number + 1}/{len(self.plan)} at {stage.size} pixels, step {step + 1}/{steps}"
                loss = f"loss {np.mean(losses[-40:]):.4f}"
                print(f"{where}, {loss}, {left / 60:.0f} min left", file=sys.stderr, flush=True)
            if now - saved > CHECKPOINT_SECONDS:
                saved = now
                self._save(number, step + 1)
        self._finish_pass(number, float(np.mean(losses)) if losses else float("nan"))

    def _steps_left(self, number: int, step: int) -> float:
        """Steps to the end, counted in steps of the current stage by their pixels."""
        count = len(self.images)
        stage = self.plan[number][0]
        rest = (count // stage.batch - step - 1) * stage.batch * stage.size**2
        rest += sum(count // later.batch * later.batch * later.size**2 for later, _ in self.plan[number + 1 :])
        return rest / (stage.batch * stage.size**2)

    def _step(self, part: NDArray[np.int64], size: int, rate: float, generator: torch.Generator) -> float:
        x, fine, coarse = augment(torch.from_numpy(self.images[part]), self.masks[part], size, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, fine_logits, coarse_logits = self.trainee(x.to(memory_format=torch.channels_last))
        loss = functional.binary_cross_entropy_with_logits(logits.float(), self.labels[part])
        maps = map_loss(fine_logits, fine) + map_loss(coarse_logits, coarse)
        self.optimizer.zero_grad(set_to_none=True)
        (loss + MAP_WEIGHT * maps).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trainee.parameters(), GRADIENT_LIMIT)
        self.optimizer.step()
        self.average.add(self.trainee.network)
        return float(loss.detach())

    def _finish_pass(self, number: int, loss: float) -> None:
        stage = self.plan[number][0]
        scores = predict(self.average.network, self.held.image, stage.size)
        areas = {label: round(auc(scores[:, i], self.held.labels[:, i]), 4) for i, label in enumerate(LABELS)}
        self.history.append({"stage": asdict(stage), "pass": number + 1, "loss": round(loss, 4), "auc": areas})
        text = ", ".join(f"{label} {value:.3f}" for label, value in areas.items())
        print(f"after pass {number + 1}, AUC on the validation set: {text}", file=sys.stderr, flush=True)
        save_weights(self.average.network.state_dict(), self._weights(number + 1))
        (self.work / "history.json").write_text(compact_json(self.history))
        self._save(number + 1, 0)


def main() -> None:
    """Command line: renders what is missing of the sets, trains, installs the weights and evaluates them."""
    parser = argparse.ArgumentParser(description="Train the demonstration model on phantoms.")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for sets and checkpoints (about 1 GB)")
    parser.add_argument("--train", type=int, default=8000, help="phantoms to train on")
    parser.add_argument("--validation", type=int, default=800, help="phantoms to watch the training on")
    parser.add_argument("--processes", type=int, default=2, help="processes that render")
    options = parser.parse_args()
    sets = options.work / "sets"
    for name in ("validation", "train"):
        make_set(sets, name, getattr(options, name), options.processes)
    run = options.work / "run"
    weights = Training(sets, run, STAGES, options.train, options.validation).run()
    shutil.copyfile(weights, MODEL / "weights.npz")
    shutil.copyfile(run / "history.json", MODEL / "training.json")
    evaluate.main(["--work", str(options.work), "--validation", str(options.validation), "--write"])


if __name__ == "__main__":
    main()
