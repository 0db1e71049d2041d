"""Pictures of the answers, as SVG."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def ratios(path: Path, by_case: Mapping[str, Sequence[float]], required: float, aim: float) -> Path:
    """Every round's ratio, with the median of each case."""
    figure, axes = plt.subplots(figsize=(7, 1.2 + 0.7 * len(by_case)), layout="constrained")
    for place, values in enumerate(reversed(list(by_case.values()))):
        axes.scatter(
            values, [place] * len(values), alpha=0.5, color="C0", label="one pair of rounds" if not place else None
        )
        middle = statistics.median(values)
        axes.plot([middle, middle], [place - 0.3, place + 0.3], color="C0", label="median" if not place else None)
        axes.annotate(f"{middle:.2f}", (middle, place + 0.32), ha="center", color="C0")
    axes.axvline(required, color="C3", linestyle="--", label=f"required: {required:.2f}")
    axes.axvline(aim, color="C2", linestyle=":", label=f"aim: {aim:.2f}")
    axes.set_yticks(range(len(by_case)), list(reversed(list(by_case))))
    axes.set_ylim(-0.6, len(by_case) - 0.2)
    axes.set_xlabel("films per second with the busy plugin / without the plugin")
    axes.legend(fontsize="small", loc="best")
    return _save(figure, path)


def growth(path: Path, counts: Sequence[int], lines: Mapping[str, Sequence[float]], warm_up: float) -> Path:
    """Memory over the number of films."""
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for name, values in lines.items():
        axes.plot(counts, values, label=name)
    axes.axvspan(0, warm_up, color="0.9", label="warm-up")
    axes.set_xlabel("films analysed")
    axes.set_ylabel("MiB")
    axes.set_xlim(0, counts[-1])
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small", loc="best")
    return _save(figure, path)


def parts(path: Path, groups: Sequence[Mapping[str, Mapping[str, float]]]) -> Path:
    """Processor milliseconds for an image: groups of bars, each cut into its parts, each group on a scale of its own."""
    sizes = [len(bars) for bars in groups]
    figure, panels = plt.subplots(
        len(groups), squeeze=False, figsize=(8, 0.8 * len(groups) + 0.5 * sum(sizes)), height_ratios=sizes,
        layout="constrained",
    )  # fmt: skip
    for axes, bars in zip(panels.flat, groups, strict=True):
        names = list(dict.fromkeys(name for bar in bars.values() for name in bar))
        colors = {name: f"C{number}" for number, name in enumerate(names)}
        for place, bar in enumerate(reversed(list(bars.values()))):
            left = 0.0
            for name, value in bar.items():
                axes.barh(place, value, left=left, color=colors[name])
                left += value
            axes.annotate(f" {left:.0f}", (left, place), va="center")
        axes.set_yticks(range(len(bars)), list(reversed(list(bars))))
        axes.set_xlim(0, 1.1 * max(sum(bar.values()) for bar in bars.values()))
        patches = [mpl.patches.Patch(color=colors[name], label=name) for name in names]
        axes.legend(handles=patches, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    panels.flat[-1].set_xlabel("processor time for an image, ms")
    return _save(figure, path)


def curves(path: Path, counts: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[float]]], what: str) -> Path:
    """Several values over a number that grows tenfold, each panel with its own lines."""
    figure, grid = plt.subplots(
        (len(panels) + 1) // 2, 2, figsize=(9, 3 * ((len(panels) + 1) // 2)), layout="constrained"
    )
    for axes, (title, lines) in zip(grid.flat, panels.items(), strict=False):
        for name, values in lines.items():
            axes.plot(counts, values, marker="o", label=name)
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts], minor=False)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(what)
        axes.set_title(title, fontsize="medium")
        if len(lines) > 1:
            axes.legend(fontsize="small", loc="best")
    return _save(figure, path)


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
    return path
