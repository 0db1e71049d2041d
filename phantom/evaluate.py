"""Measures the demonstration model on phantoms that it has never seen, and chooses its thresholds.

Thresholds come from the validation set (Youden's index), everything else from the test set. Whole films, cropped and
resized by TorchXRayVision's own code, show that what holds for the rendered squares holds for images as they arrive.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phantom.card import card_text
from phantom.chest.findings import LABELS, draw_chest
from phantom.chest.radiograph import render
from phantom.dataset import SEEDS, WORK, Sample, load_set, make_set
from phantom.network import INPUT_RANGE, load_network, predict
from phantom.progress import progress

MODEL = Path(__file__).resolve().parent.parent / "models" / "phantom"
PAGE = MODEL.parent.parent / "docs" / "phantom.md"
TABLE_BEGIN, TABLE_END = "<!-- evaluation -->", "<!-- end of evaluation -->"
VERSION = "1"
SERVING_SIZE = 224
BOOTSTRAP, BOOTSTRAP_SEED = 2000, 7
FILM = (1250, 1024)  # rows, columns of a 43 x 35 cm film at 0.34 mm
FILM_SEED = 4_000_000
# A third of the grades each.
GRADE_BANDS = {"subtle": (0.0, 1 / 3), "moderate": (1 / 3, 2 / 3), "obvious": (2 / 3, 1.0)}


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve with its 95 % confidence interval (percentile bootstrap over phantoms)."""

    value: float
    low: float
    high: float
    positives: int


def auc(score: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney); ties count half. NaN if one class is missing."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def area(score: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> Area:
    """The area with its interval."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    draws = generator.integers(0, len(truth), (BOOTSTRAP, len(truth)))
    values = [auc(score[draw], truth[draw]) for draw in draws]
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Area(auc(score, truth), float(low), float(high), int(truth.sum()))


def roc(score: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """False positive rate, true positive rate and threshold, from the strictest threshold on."""
    order = np.argsort(-score, kind="stable")
    hits, misses = np.cumsum(truth[order]), np.cumsum(~truth[order])
    return misses / max(misses[-1], 1), hits / max(hits[-1], 1), score[order].astype(np.float64)


def youden_threshold(score: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """The score at which sensitivity plus specificity is greatest, rounded to three places inside (0, 1)."""
    false_rate, true_rate, threshold = roc(score, truth)
    best = int(np.argmax(true_rate - false_rate))
    # Between the last score that counts as present and the next one, so that rounding moves nobody across.
    following = threshold[min(best + 1, len(threshold) - 1)]
    return float(np.clip(round((threshold[best] + following) / 2, 3), 0.001, 0.999))


def film_scores(network: Any, count: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores and truth of whole films, prepared by TorchXRayVision's own crop and resize."""
    import torch
    import torchxrayvision

    crop = torchxrayvision.datasets.XRayCenterCrop()
    resize = torchxrayvision.datasets.XRayResizer(SERVING_SIZE)
    scores, truth = [], []
    for seed in progress(range(FILM_SEED, FILM_SEED + count), count, "whole films"):
        radiograph = render(draw_chest(seed), *FILM)
        image = radiograph.pixels.astype(np.float32) / 4095 * (2 * INPUT_RANGE) - INPUT_RANGE
        prepared = resize(crop(image[None])).astype(np.float32)
        with torch.inference_mode():
            scores.append(torch.sigmoid(network(torch.from_numpy(prepared[None])))[0].numpy())
        truth.append([label in radiograph.truth.labels for label in LABELS])
    return np.array(scores), np.array(truth)


def _by_grade(scores: NDArray[np.float32], index: int, label: str) -> dict[str, Any]:
    """Areas for the subtle, the moderate and the obvious cases, each against all phantoms without the finding."""
    chests = [draw_chest(SEEDS["test"] + number) for number in range(len(scores))]
    absent = np.array([label not in chest.labels for chest in chests])
    grades = np.array([f.grade if (f := chest.find(label)) else np.nan for chest in chests])
    bands = {}
    for name, (low, high) in GRADE_BANDS.items():
        present = (grades >= low) & (grades < high if high < 1 else grades <= high)
        chosen = absent | present
        bands[name] = {"auc": _round(auc(scores[chosen, index], present[chosen])), "positives": int(present.sum())}
    return bands


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def evaluate(network: Any, validation: Sample, test: Sample, films: int) -> dict[str, Any]:
    """The whole evaluation, as it is written to evaluation.json."""
    tuned = predict(network, validation.image, SERVING_SIZE)
    scores = predict(network, test.image, SERVING_SIZE)
    film, film_truth = film_scores(network, films)
    findings: dict[str, Any] = {}
    for index, label in enumerate(LABELS):
        truth = test.labels[:, index]
        threshold = youden_threshold(tuned[:, index], validation.labels[:, index])
        found = area(scores[:, index], truth)
        called = scores[:, index] >= threshold
        findings[label] = {
            "auc": _round(found.value),
            "auc_95": [_round(found.low), _round(found.high)],
            "positives": found.positives,
            "threshold": threshold,
            "sensitivity": _round(float(called[truth].mean())),
            "specificity": _round(float((~called[~truth]).mean())),
            "auc_films": _round(auc(film[:, index], film_truth[:, index])),
        }
        if label not in ("Lung Lesion", "Lung Opacity"):
            findings[label]["by_grade"] = _by_grade(scores, index, label)
    return {
        "test": {"phantoms": len(test.image), "first_seed": SEEDS["test"]},
        "validation": {"phantoms": len(validation.image), "first_seed": SEEDS["validation"]},
        "films": {"phantoms": films, "first_seed": FILM_SEED, "rows": FILM[0], "columns": FILM[1]},
        "bootstrap": {"resamples": BOOTSTRAP, "seed": BOOTSTRAP_SEED},
        "findings": findings,
        "roc": {
            label: [[round(float(v), 4) for v in rates[:: max(1, len(rates) // 100)]] for rates in curve[:2]]
            for label, curve in ((label, roc(scores[:, i], test.labels[:, i])) for i, label in enumerate(LABELS))
        },
    }


def table(findings: dict[str, Any]) -> str:
    """The findings as lines of text."""
    lines = [f"{'finding':28} {'AUC':>6} {'95 % interval':>15} {'sens.':>6} {'spec.':>6} {'films':>6}"]
    for label, row in sorted(findings.items(), key=lambda item: -item[1]["auc"]):
        low, high = row["auc_95"]
        lines.append(
            f"{label:28} {row['auc']:6.3f}   {low:.3f} to {high:.3f} {row['sensitivity']:6.2f} {row['specificity']:6.2f}"
            f" {row['auc_films'] if row['auc_films'] is not None else float('nan'):6.3f}"
        )
    return "\n".join(lines)


def _cell(area_value: float | None) -> str:
    return "" if area_value is None else f"{area_value:.3f}"


def markdown_table(evaluation: dict[str, Any]) -> str:
    """The evaluation as a Markdown table, best findings first."""
    lines = [
        "| Finding | AUC (95 % interval) | subtle | moderate | obvious | whole films | sensitivity | specificity | cases |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label, row in sorted(evaluation["findings"].items(), key=lambda item: -item[1]["auc"]):
        low, high = row["auc_95"]
        bands = row.get("by_grade", {})
        cells = [
            f"{row['auc']:.3f} ({low:.3f} to {high:.3f})",
            *(_cell(bands.get(name, {}).get("auc")) for name in GRADE_BANDS),
            _cell(row["auc_films"]),
            f"{row['sensitivity']:.2f}",
            f"{row['specificity']:.2f}",
            str(row["positives"]),
        ]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def compact_json(value: Any) -> str:
    """JSON with one line per field, but lists of numbers on one line each."""
    text = json.dumps(value, indent=1)
    return re.sub(r"\[[\s\d.,+-]+\]", lambda match: re.sub(r"\s+", " ", match[0]), text) + "\n"


def put_into_page(page: Path, table_text: str) -> None:
    """Replaces what stands between the page's two markers."""
    before, rest = page.read_text().split(TABLE_BEGIN)
    after = rest.split(TABLE_END)[1]
    page.write_text(f"{before}{TABLE_BEGIN}\n{table_text}{TABLE_END}{after}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: renders what is missing of the sets, measures, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the rendered sets")
    parser.add_argument("--weights", type=Path, default=MODEL / "weights.npz")
    parser.add_argument("--write", action="store_true", help="write evaluation.json, model.toml and the docs' table")
    parser.add_argument("--validation", type=int, default=800)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    sets = options.work / "sets"
    for name in ("validation", "test"):
        make_set(sets, name, getattr(options, name), options.processes)
    validation, test = (load_set(sets, name, getattr(options, name)) for name in ("validation", "test"))
    result = evaluate(load_network(options.weights), validation, test, options.films)
    print(table(result["findings"]))
    if options.write:
        folder = options.weights.parent
        (folder / "evaluation.json").write_text(compact_json(result))
        (folder / "model.toml").write_text(card_text(result, options.weights, VERSION, SERVING_SIZE))
        put_into_page(PAGE, markdown_table(result))
        print(f"written: {folder}/evaluation.json, model.toml and the table of {PAGE.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
