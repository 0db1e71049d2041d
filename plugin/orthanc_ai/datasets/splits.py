"""Splits of a dataset: every patient stands on one side, and so does every picture.

What belongs together is found first. Two images do if anything says that they are of one patient: a Patient ID that both
have, whoever issued it, an Other Patient ID, the same study, series or SOP Instance UID, or the same pixels. Everything that
hangs together in this way is one *group*, and a group is on one side. Names and birth dates are not compared: they are shared
by many and mistyped by most.

A dataset that grows keeps the sides of the earlier one. Evidence may then come up that joins two patients who stand on
different sides already. They are not moved, since a model may have been trained; the images that join them are left out.
"""

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ..codes import Code
from .members import Member

FORMAT = 1
"""Version of the form in which a division is kept."""

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

MOST_SIDES = 10

_SIDE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_RATIO_TOLERANCE = 1e-6  # of a sum of decimal fractions in binary


@dataclass(frozen=True, slots=True)
class Plan:
    """How a dataset is to be divided.

    Attributes
    ----------
    ratios
        By side, which part of all groups it gets; they add up to 1.
    seed
        Another one gives another division.

    Raises
    ------
    ValueError
        If the ratios are no division of a whole.
    """

    ratios: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_RATIOS))
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse ratios that divide nothing."""
        if not 1 <= len(self.ratios) <= MOST_SIDES:
            raise ValueError(f"a split has 1 to {MOST_SIDES} sides")
        for side, ratio in self.ratios.items():
            if not _SIDE.fullmatch(side):
                raise ValueError("a side is called by small letters, digits, - and _")
            if not (math.isfinite(ratio) and 0 < ratio <= 1):
                raise ValueError(f"the ratio of {side} is not above 0 and at most 1")
        if abs(math.fsum(self.ratios.values()) - 1) > _RATIO_TOLERANCE:
            raise ValueError("the ratios do not add up to 1")


@dataclass(frozen=True, slots=True)
class Earlier:
    """The sides of a dataset that grows.

    Attributes
    ----------
    sides
        By everything that made up its groups, on which side it stands.
    counts
        By stratum and side, how many groups stand there.
    """

    sides: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` has written.

        Raises
        ------
        ValueError
            If it is of another version.
        """
        if content.get("format") != FORMAT:
            raise ValueError("the division of the earlier dataset is of another version")
        return cls(content["sides"], content["counts"])

    def to_json(self) -> dict[str, Any]:
        """The sides in JSON types. They name patients: they belong into the private folder of the dataset."""
        return {
            "format": FORMAT,
            "sides": dict(sorted(self.sides.items())),
            "counts": {stratum: dict(sorted(by.items())) for stratum, by in sorted(self.counts.items())},
        }


@dataclass(frozen=True, slots=True)
class Division:
    """On which side each image of a dataset stands.

    Attributes
    ----------
    sides
        By the key of the image.
    groups
        By the key of the image, the name of its group: a digest that says nothing but that images belong together.
    left_out
        By the key of the image, why it stands nowhere: ``SPLIT_CONFLICT`` or ``PIXELS_UNIFORM``.
    counts
        By stratum and side, how many groups stand there, those of the earlier dataset included.
    """

    sides: Mapping[str, str]
    groups: Mapping[str, str]
    left_out: Mapping[str, Code]
    counts: Mapping[str, Mapping[str, int]]
    _members: Sequence[Member] = field(repr=False, compare=False)
    _before: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def earlier(self) -> Earlier:
        """What the next dataset must know to keep the sides. It is put together when it is asked for: it is large."""
        tokens = {
            token: self.sides[member.key]
            for member in self._members
            if member.key in self.sides
            for token in _evidence(member)
        }
        return Earlier({**self._before, **tokens}, self.counts)


def refuse_lost_sides(plan: Plan, earlier: Earlier) -> None:
    """Refuse a plan that lacks a side on which somebody stands already.

    Raises
    ------
    ValueError
    """
    lost = set(earlier.sides.values()) - set(plan.ratios)
    if lost:
        raise ValueError(f"the earlier dataset has a side that this one has not: {', '.join(sorted(lost))}")


def divide(members: Iterable[Member], plan: Plan, earlier: Earlier | None = None) -> Division:
    """Divide a dataset.

    The result depends on what the members are and on the seed; not on their order, and not on their keys.

    Parameters
    ----------
    members
        Of several with one key, the last counts.
    earlier
        The sides of the dataset that this one grows from; what stands there stays there.

    Raises
    ------
    ValueError
        If `earlier` has a side that the plan does not have.
    """
    earlier = earlier or Earlier()
    refuse_lost_sides(plan, earlier)
    by_key = {member.key: member for member in members}
    # A picture of one value tells nothing, and would join all patients that have one.
    left_out = {key: Code.PIXELS_UNIFORM for key, member in by_key.items() if member.uniform}
    judged = [member for key, member in sorted(by_key.items()) if key not in left_out]

    evidence = _joining(judged, earlier.sides)

    sides: dict[str, str] = {}
    groups: dict[str, str] = {}
    fresh: list[tuple[str, str, list[Member]]] = []
    for cluster in _clusters(judged, evidence, earlier.sides):
        found = {earlier.sides[token] for member in cluster for token in evidence[member.key] if token in earlier.sides}
        if len(found) > 1:
            left_out |= {member.key: Code.SPLIT_CONFLICT for member in cluster}
        elif found:
            (side,) = found
            sides |= {member.key: side for member in cluster}
        else:
            fresh.append((_stratum(cluster), _name(cluster, str(plan.seed)), cluster))

    counts = defaultdict(Counter, {stratum: Counter(by) for stratum, by in earlier.counts.items()})
    of_all = sum(counts.values(), Counter[str]())
    # Strata one after the other, each shuffled by the seed.
    for stratum, _, cluster in sorted(fresh, key=lambda one: one[:2]):
        side = _neediest(plan.ratios, counts[stratum], of_all)
        counts[stratum][side] += 1
        of_all[side] += 1
        sides |= {member.key: side for member in cluster}

    kept = [member for member in judged if member.key in sides]
    for cluster in _clusters(kept, evidence, {}):
        name = _name(cluster)
        groups |= {member.key: name for member in cluster}
    return Division(sides, groups, left_out, dict(counts), judged, earlier.sides)


def _evidence(member: Member) -> Iterator[str]:
    """Everything that an image shares with others of its patient. Patients, UIDs and pixels have names of their own."""
    yield from (f"patient {identifier}" for identifier in member.patients)
    yield from member.uids
    yield from (f"pixels {digest}" for digest in {member.pixels, member.picture} - {""})
    if not (member.patients or member.uids or member.pixels or member.picture):
        yield f"image {member.key}"


def _joining(members: Sequence[Member], earlier: Mapping[str, str]) -> dict[str, list[str]]:
    """By the key of each member, the evidence that joins it to another one or to what stands on a side already.

    UIDs that only images of one and the same patient have join nothing that the patient does not join. Left in, one image of
    a new study that belongs elsewhere would take the rest of the study along.
    """
    times = Counter(token for member in members for token in _evidence(member))
    whose: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for member in members:
        for uid in member.uids:
            if times[uid] > 1:
                whose[uid].add(member.patients)
    needless = {uid for uid, patients in whose.items() if len(patients) == 1 and frozenset() not in patients}

    def joins(token: str) -> bool:
        return token in earlier or (times[token] > 1 and token not in needless)

    return {member.key: [token for token in _evidence(member) if joins(token)] for member in members}


def _clusters(
    members: Iterable[Member], evidence: Mapping[str, Iterable[str]], settled: Mapping[str, str]
) -> list[list[Member]]:
    """Members that hang together by evidence that is not settled: what stands on a side joins nobody to anybody else."""
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while (above := parent.setdefault(one, one)) != one:
            parent[one] = one = parent[above]
        return one

    # Keys and evidence must not be mistaken for one another.
    for member in members:
        own = root(f"= {member.key}")
        for token in evidence[member.key]:
            if token not in settled:
                parent[root(token)] = own
    clusters: defaultdict[str, list[Member]] = defaultdict(list)
    for member in members:
        clusters[root(f"= {member.key}")].append(member)
    return list(clusters.values())


def _stratum(cluster: Iterable[Member]) -> str:
    return " | ".join(sorted({member.stratum for member in cluster}))


def _name(cluster: Sequence[Member], *salt: str) -> str:
    """A name that a group keeps as long as it has the same patients, whichever of their images are there."""
    patients = {f"patient {identifier}" for member in cluster for identifier in member.patients}
    named_by = patients or {token for member in cluster for token in _evidence(member)}
    return min(_digest(*salt, token) for token in named_by)


def _neediest(ratios: Mapping[str, float], own: Counter[str], of_all: Counter[str]) -> str:
    """The side that lacks most to its share: of the stratum, and of all groups."""

    def lack(side: str) -> tuple[float, float, str]:
        of_stratum = ratios[side] * (own.total() + 1) - own[side]
        return of_stratum + ratios[side] * (of_all.total() + 1) - of_all[side], ratios[side], side

    return max(ratios, key=lack)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
