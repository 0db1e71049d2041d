"""How an archive is spread: over time, modalities, ages, sexes, body parts, findings and their scores. Exact counts.

It counts series, since that is where modality and body part stand, and the patients, studies and images that they are of.
Nothing is left out because it is rare or because a header is silent: what is not stated is a group of its own.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from ..ages import age_in_years, read_date

Interval = Literal["week", "month", "year"]

DECADE = 10

SCORE_BINS = 20
SCORE_EDGES: Sequence[float] = tuple(k / SCORE_BINS for k in range(SCORE_BINS + 1))
"""Scores are from 0 to 1: bins of 0.05, each with its lower edge and without its upper one, but for the last."""

_Z = 1.959963984540054
"""Standard normal quantile of 0.975, for intervals of 95 %."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series that is asked about; texts are as in the index, empty where it has none.

    Attributes
    ----------
    patient, study
        Numbers that are theirs alone.
    images
        How many of its images are asked about.
    """

    patient: int
    study: int
    images: int
    modality: str = ""
    body_part: str = ""
    study_date: str = ""
    sex: str = ""
    age: str = ""
    birth_date: str = ""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """X-rays that one model has given a score of one finding in one bin.

    Attributes
    ----------
    reached
        How many of them are at or above the threshold that was in force when they were read.
    lowest, highest
        Thresholds that were.
    """

    label: str
    model: str
    demonstration: bool
    bin: int
    images: int
    reached: int
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Group:
    """One bar: a value and how much there is of it.

    Attributes
    ----------
    value
        As the headers have it; empty if they state none, or none that can be read.
    first, last
        Where the value is a range, its ends, both included: days as ISO 8601, or years of age.
    part
        Of a bar that is divided, which part.
    """

    value: str
    patients: int
    studies: int
    series: int
    images: int
    first: str = ""
    last: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """Series of a modality that has no images."""

    modality: str
    series: int
    instances: int


@dataclass(frozen=True, slots=True)
class Finding:
    """How often a model has found something.

    Attributes
    ----------
    images
        X-rays with a score.
    reached
        Those whose score is at or above the threshold.
    share, low, high
        Reached of all, and its Wilson score interval of 95 % (E. B. Wilson, J Am Stat Assoc 22 (1927) 209), as if no two
        images were of one patient.
    thresholds
        The lowest and the highest that were in force when the images were read.
    histogram
        Images by score, in the bins of `SCORE_EDGES`.
    """

    label: str
    model: str
    demonstration: bool
    images: int
    reached: int
    share: float
    low: float
    high: float
    thresholds: tuple[float, float]
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Distributions:
    """All of it. Groups by what there is most of, but for time and age, which have their own order; unstated ones last."""

    total: Group
    time: tuple[Group, ...]
    modalities: tuple[Group, ...]
    ages: tuple[Group, ...]
    sexes: tuple[Group, ...]
    body_parts: tuple[Group, ...]
    outcomes: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]
    others: tuple[Other, ...]


@dataclass(slots=True)
class _Tally:
    patients: set[int] = field(default_factory=set)
    studies: set[int] = field(default_factory=set)
    series: int = 0
    images: int = 0

    def add(self, row: SeriesRow) -> None:
        self.patients.add(row.patient)
        self.studies.add(row.study)
        self.series += 1
        self.images += row.images

    def group(self, value: str, first: str = "", last: str = "", part: str = "") -> Group:
        return Group(value, len(self.patients), len(self.studies), self.series, self.images, first, last, part)


@dataclass(slots=True)
class _Scores:
    demonstration: bool = False
    histogram: list[int] = field(default_factory=lambda: [0] * SCORE_BINS)
    reached: int = 0
    lowest: float = math.inf
    highest: float = -math.inf

    def add(self, row: ScoreRow) -> None:
        self.demonstration |= row.demonstration
        self.histogram[row.bin] += row.images
        self.reached += row.reached
        self.lowest = min(self.lowest, row.lowest)
        self.highest = max(self.highest, row.highest)

    def finding(self, model: str, label: str) -> Finding:
        images = sum(self.histogram)
        low, high = wilson(self.reached, images)
        return Finding(
            label=label,
            model=model,
            demonstration=self.demonstration,
            images=images,
            reached=self.reached,
            share=self.reached / images,
            low=low,
            high=high,
            thresholds=(self.lowest, self.highest),
            histogram=tuple(self.histogram),
        )


def distribute(
    series: Iterable[SeriesRow],
    outcomes: Mapping[str, int] | None = None,
    scores: Iterable[ScoreRow] = (),
    others: Iterable[Other] = (),
    *,
    interval: Interval = "month",
) -> Distributions:
    """Put together.

    Parameters
    ----------
    series
        The series that are asked about, each once.
    outcomes
        X-rays by the code of their outcome.
    scores
        Their scores. The order of models and findings is kept.
    others
        What holds no images.
    """
    total = _Tally()
    time: dict[tuple[date, date] | None, _Tally] = {}
    modalities: dict[str, _Tally] = {}
    ages: dict[tuple[int, str], _Tally] = {}
    sexes: dict[str, _Tally] = {}
    body_parts: dict[str, _Tally] = {}
    for row in series:
        sex = _word(row.sex)
        total.add(row)
        time.setdefault(period(row.study_date, interval), _Tally()).add(row)
        modalities.setdefault(_word(row.modality), _Tally()).add(row)
        ages.setdefault((decade(row.age, row.birth_date, row.study_date), sex), _Tally()).add(row)
        sexes.setdefault(sex, _Tally()).add(row)
        body_parts.setdefault(_word(row.body_part), _Tally()).add(row)
    findings: dict[tuple[str, str], _Scores] = {}
    for one in scores:
        findings.setdefault((one.model, one.label), _Scores()).add(one)
    return Distributions(
        total=total.group(""),
        time=tuple(_time_groups(time, interval)),
        modalities=_by_size(modalities),
        ages=tuple(_age_groups(ages)),
        sexes=_by_size(sexes),
        body_parts=_by_size(body_parts),
        outcomes=tuple(sorted((outcomes or {}).items(), key=lambda item: (-item[1], item[0]))),
        findings=tuple(found.finding(*key) for key, found in findings.items()),
        others=tuple(others),
    )


@lru_cache(maxsize=1 << 16)
def period(study_date: str, interval: Interval) -> tuple[date, date] | None:
    """First and last day of the week (from Monday on, ISO 8601), month or year of a Study Date; ``None`` if it is none."""
    day = read_date(study_date)
    if day is None:
        return None
    if interval == "week":
        # Before the first day of the calendar and after the last, a week is cut short.
        first = date.fromordinal(max(1, day.toordinal() - day.weekday()))
        last = date.fromordinal(min(date.max.toordinal(), day.toordinal() - day.weekday() + 6))
        return first, last
    if interval == "month":
        return day.replace(day=1), _end_of_month(day)
    return date(day.year, 1, 1), date(day.year, 12, 31)


@lru_cache(maxsize=1 << 16)
def decade(stated: str, birth_date: str, study_date: str) -> int:
    """First year of the decade of the patient's age at the time of the study, 0, 10, 20 ...; -1 if it cannot be had."""
    age = age_in_years(stated, birth_date, (study_date,))
    return -1 if age is None else int(age) // DECADE * DECADE


def wilson(reached: int, images: int) -> tuple[float, float]:
    """Ends of the Wilson score interval of 95 % of a share; of nothing, everything is possible: (0, 1)."""
    if not images:
        return 0.0, 1.0
    share, squared = reached / images, _Z * _Z / images
    middle = (share + squared / 2) / (1 + squared)
    half = _Z * math.sqrt(share * (1 - share) / images + squared / (4 * images)) / (1 + squared)
    return (0.0 if reached == 0 else middle - half), (1.0 if reached == images else middle + half)


def _end_of_month(day: date) -> date:
    return date(day.year, 12, 31) if day.month == 12 else date(day.year, day.month + 1, 1) - timedelta(days=1)


@lru_cache(maxsize=1 << 12)
def _word(text: str) -> str:
    """A value of VR CS: spaces at its ends mean nothing, and lower case is not allowed (PS3.5 section 6.2)."""
    return text.strip(" \0").upper()


def _by_size(tallies: Mapping[str, _Tally]) -> tuple[Group, ...]:
    groups = [tally.group(value) for value, tally in tallies.items()]
    return tuple(sorted(groups, key=lambda one: (one.value == "", -one.studies, -one.images, one.value)))


def _time_groups(tallies: Mapping[tuple[date, date] | None, _Tally], interval: Interval) -> Iterable[Group]:
    for days in sorted(filter(None, tallies)):
        yield tallies[days].group(_name(days[0], interval), days[0].isoformat(), days[1].isoformat())
    if None in tallies:
        yield tallies[None].group("")


def _name(first: date, interval: Interval) -> str:
    if interval == "week":
        year, week, _ = first.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return first.isoformat()[: 7 if interval == "month" else 4]


def _age_groups(tallies: Mapping[tuple[int, str], _Tally]) -> Iterable[Group]:
    """By decade, and in it by sex, those of unknown age last."""
    for first, sex in sorted(tallies, key=lambda key: (key[0] < 0, *key)):
        tally = tallies[first, sex]
        if first < 0:
            yield tally.group("", part=sex)
        else:
            last = first + DECADE - 1
            yield tally.group(f"{first}\u2013{last}", str(first), str(last), part=sex)
