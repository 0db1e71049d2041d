"""Whether a model's scores are still spread as in the first weeks: a new device or another exposure shows here first.

The measure is the population stability index (PSI), the symmetric Kullback-Leibler divergence of two histograms, over the
tenths of the first weeks. Usual limits are 0.1 and 0.25 (N. Siddiqi, Credit Risk Scorecards, Wiley 2006). They say nothing
about chance: with few images the index is large where nothing has changed. Without a change, the index is spread like
(1/N + 1/M) times chi-squared of bins - 1 degrees of freedom, N and M the numbers of images (B. Yurdakul and J. Naranjo,
Statistical properties of the population stability index, Journal of Risk Model Validation 14(4), 2020). So what is above a limit
counts only if it is also above what chance gives in one of a thousand.
"""

import math
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain, pairwise
from statistics import NormalDist
from typing import Literal, NamedTuple

from .distributions import Interval, period
from .question import JOINED, of_series
from .rows import Rows
from .selection import MILLION, Selection
from .worklist import of_source

Grouping = Literal["stationName", "remoteAET"]
"""What images are told apart by: the Station Name of their series, or the application entity that sent them."""

BINS = 10
"""Tenths of the reference, as it is usual."""

LEAST_REFERENCE = 100
"""Images from which on a reference is one: ten in each bin, so that its own chance is not all that is seen."""

LEAST = 50
"""Images of a period from which on it is compared: five are expected in each bin, as chi-squared asks for (W. G. Cochran,
Biometrics 10 (1954) 417)."""

REFERENCE_PERIODS = 4
"""Periods that a reference has, unless it needs more to be one."""

MODERATE, LARGE = 0.1, 0.25
"""Siddiqi's limits."""

CHANCE = 0.001
"""Of a thousand comparisons with nothing to find, one is marked: a model has 18 findings, a year 52 weeks."""

_HALF = 0.5
"""Added to each bin, or an empty one would make the index infinite; of a reference of 100 images it is half a percent."""

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles by which a period is described."""

type _Days = tuple[date, date]

type _Buckets = dict[_Days, dict[str, list[Sequence[int]]]]
"""Scores of X-rays by period and group, as a sample has them."""

type _Key = tuple[str, str, int, str, str]

_NO_SCORE = -1


class Shift(StrEnum):
    """What is to be thought of a period."""

    REFERENCE = "reference"
    TOO_FEW = "too few"
    NONE = "none"
    MODERATE = "moderate"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Period:
    """Scores of a finding in a week, or whatever the interval is.

    Attributes
    ----------
    first, last
        Days, ISO 8601.
    quantiles
        Of the scores, at `SHARES`, by linear interpolation.
    index
        Population stability index against the reference; ``None`` of the reference and of too few images.
    chance
        What chance alone exceeds in `CHANCE` of all cases; ``None`` like the index.
    """

    first: str
    last: str
    images: int
    quantiles: tuple[float, ...]
    index: float | None
    chance: float | None
    shift: Shift


@dataclass(frozen=True, slots=True)
class Drift:
    """How the scores of one finding by one model, of one group of images, have been spread.

    Attributes
    ----------
    weights
        First digits of their digest; empty of outcomes that do not say. Other weights are another model.
    group
        Of the grouping that was asked for; empty without one, and of images that do not say.
    reference
        Number of images that it is compared with; 0 while there are not enough for a reference.
    periods
        In their order; those without images are left out.
    """

    label: str
    model: str
    weights: str
    demonstration: bool
    group: str
    threshold: float | None
    reference: int
    periods: tuple[Period, ...]


class Sample(NamedTuple):
    """What drift is told from: the X-rays of one day that were read, as far as they are alike.

    Attributes
    ----------
    date
        Study Date.
    images
        Number of X-rays.
    scores
        Of one X-ray after the other, in millionths, in the order of the labels; -1 where there is none. 4 bytes each, since an
        archive may hold millions.
    """

    model: str
    weights: str
    demonstration: bool
    group: str
    date: str
    images: int
    scores: Sequence[int]


@dataclass(frozen=True, slots=True)
class Samples:
    """X-rays, in no order.

    Attributes
    ----------
    labels
        Names of the findings, by which the scores are ordered.
    thresholds
        The highest that was in force, by model and weights, in millionths, in the same order.
    """

    labels: Sequence[str]
    xrays: Sequence[Sample]
    thresholds: Mapping[tuple[str, str], Sequence[int | None]]


def samples(rows: Rows, selection: Selection, source: str = "", grouping: Grouping | None = None) -> Samples:
    """The X-rays that a selection means; of its filters on outcomes, the model and the finding count.

    Parameters
    ----------
    rows
        The tables, made ready for the selection (`Catalog.reading`).
    source
        Station Name, or application entity title.
    """
    labels = {one: n for one, n in rows.labels.items() if selection.finding in ("", one)}
    shared, of = of_series(selection), of_source(source)
    model, values = ("xray.model = ?", (selection.model,)) if selection.model else ("1", ())
    group = {"stationName": "series.station", "remoteAET": "xray.aet", None: "''"}[grouping]
    scores = "".join(f", COALESCE(xray.s{number}, {_NO_SCORE})" for number in labels.values())
    found = rows.database.execute(
        f"SELECT xray.model, xray.weights, xray.demonstration, {group}, study.date{scores} "
        f"FROM {JOINED} JOIN xray ON xray.series = series.key "
        f"WHERE xray.excess IS NOT NULL AND {shared.text} AND {of.text} AND {model}",
        (*shared.values, *of.values, *values),
    )
    counted: Counter[_Key] = Counter()
    read: defaultdict[_Key, array[int]] = defaultdict(lambda: array("i"))
    for row in found:
        key = row[:5]
        counted[key] += 1
        read[key].extend(row[5:])
    thresholds = "".join(f", MAX(t{number})" for number in labels.values())
    highest = rows.database.execute(
        f"SELECT model, weights{thresholds} FROM xray WHERE excess IS NOT NULL GROUP BY model, weights"
    )
    return Samples(
        tuple(labels),
        [Sample(*key[:2], bool(key[2]), *key[3:], counted[key], scores) for key, scores in read.items()],
        {(name, weights): row for name, weights, *row in highest},
    )


def drifts(found: Samples, interval: Interval, *, latest: int | None = None) -> list[Drift]:
    """How each finding's scores have been spread, model by model and group by group.

    All groups of a model are compared with one reference, that of all of them: a new device is one that differs from the
    others, not from itself. Images without a Study Date are in none of it.

    Parameters
    ----------
    latest
        How many periods to describe after the reference; ``None`` for all.
    """
    by_model: dict[tuple[str, str], list[Sample]] = {}
    for one in found.xrays:
        by_model.setdefault((one.model, one.weights), []).append(one)
    made: list[Drift] = []
    for key, xrays in by_model.items():
        thresholds = found.thresholds.get(key) or (None,) * len(found.labels)
        buckets: _Buckets = {}
        for one in xrays:
            if days := period(one.date, interval):
                buckets.setdefault(days, {}).setdefault(one.group, []).append(one.scores)
        groups = sorted({one.group for one in xrays})
        for position, label in enumerate(found.labels):
            of_label = slice(position, None, len(found.labels))
            if any(score != _NO_SCORE for one in xrays for score in one.scores[of_label]):
                made += _of_finding(label, of_label, thresholds[position], xrays[0], buckets, groups, latest)
    return made


def _of_finding(
    label: str,
    place: slice,
    threshold: int | None,
    model: Sample,
    buckets: _Buckets,
    groups: Sequence[str],
    latest: int | None,
) -> Iterator[Drift]:
    """One finding by the model of an X-ray."""
    scores: dict[_Days, dict[str, list[int]]] = {}
    for days, by_group in sorted(buckets.items()):
        for group, found in by_group.items():
            ordered = sorted(chain.from_iterable(one[place] for one in found))
            if values := ordered[bisect_left(ordered, 0) :]:
                scores.setdefault(days, {})[group] = values
    first, reference = _reference((days, chain.from_iterable(scores[days].values())) for days in scores)
    edges = _edges(reference)
    expected = histogram(reference, edges)
    later = [days for days in scores if days not in first]
    shown = [*first, *(later if latest is None else later[max(0, len(later) - latest) :])]
    alone = len(groups) == 1
    for group in groups:
        yield Drift(
            label=label,
            model=model.model,
            weights=model.weights,
            demonstration=model.demonstration,
            group=group,
            threshold=None if threshold is None else threshold / MILLION,
            reference=len(reference),
            periods=tuple(
                _period(days, scores[days][group], edges, expected, is_reference=alone and days in first)
                for days in shown
                if group in scores[days]
            ),
        )


def _reference(periods: Iterable[tuple[_Days, Iterable[int]]]) -> tuple[Sequence[_Days], Sequence[int]]:
    """The first periods, and their scores, sorted; without scores if they are too few."""
    chosen: list[_Days] = []
    scores: list[int] = []
    for days, values in periods:
        if len(chosen) >= REFERENCE_PERIODS and len(scores) >= LEAST_REFERENCE:
            break
        chosen.append(days)
        scores += values
    return chosen, sorted(scores) if len(scores) >= LEAST_REFERENCE else ()


def _edges(ordered: Sequence[int]) -> list[int]:
    """Inner edges of the bins: tenths of sorted scores, each once."""
    return sorted({ordered[len(ordered) * k // BINS] for k in range(1, BINS)} - {ordered[0]}) if ordered else []


def histogram(ordered: Sequence[int], edges: Sequence[int]) -> list[int]:
    """How many of sorted scores are in each bin; a bin has its lower edge."""
    ends = [0, *(bisect_left(ordered, edge) for edge in edges), len(ordered)]
    return [end - begin for begin, end in pairwise(ends)]


def stability_index(expected: Sequence[int], found: Sequence[int]) -> float:
    """Population stability index of two histograms with the same bins; 0 if they are alike."""
    of_expected, of_found = (sum(one) + _HALF * len(one) for one in (expected, found))
    total = 0.0
    for one, other in zip(expected, found, strict=True):
        p, q = (one + _HALF) / of_expected, (other + _HALF) / of_found
        total += (q - p) * math.log(q / p)
    return total


def chance(expected: int, found: int, bins: int) -> float:
    """What the index exceeds in `CHANCE` of all cases, if both numbers of images come from one distribution."""
    return (1 / expected + 1 / found) * chi_squared(1 - CHANCE, bins - 1) if bins > 1 else 0.0


def chi_squared(share: float, degrees: int) -> float:
    """Quantile of chi-squared by Wilson and Hilferty, to 3 % where it is used (Proc Natl Acad Sci 17 (1931) 684)."""
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + NormalDist().inv_cdf(share) * math.sqrt(part)) ** 3)


def quantile(ordered: Sequence[int], share: float) -> float:
    """Quantile of sorted scores by linear interpolation, as a score of 0 to 1."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return (ordered[low] + (place - low) * (ordered[high] - ordered[low])) / MILLION


def _period(
    days: _Days, ordered: Sequence[int], edges: Sequence[int], expected: Sequence[int], *, is_reference: bool
) -> Period:
    index = limit = None
    if is_reference:
        shift = Shift.REFERENCE
    elif not any(expected) or len(ordered) < LEAST:
        shift = Shift.TOO_FEW
    else:
        index = stability_index(expected, histogram(ordered, edges))
        limit = chance(sum(expected), len(ordered), len(expected))
        shift = _shift(index, limit)
    first, last = (day.isoformat() for day in days)
    return Period(first, last, len(ordered), tuple(quantile(ordered, one) for one in SHARES), index, limit, shift)


def _shift(index: float, limit: float) -> Shift:
    if index <= limit or index < MODERATE:
        return Shift.NONE
    return Shift.LARGE if index >= LARGE else Shift.MODERATE
