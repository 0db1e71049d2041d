"""How often readers agree with a model: a confusion table for each of its findings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .correction import Correction, Stated


@dataclass(slots=True)
class Table:
    """Readers' statements on one finding of one model, by what its score says.

    Of each reader, the latest statement on an image counts. So an image that two readers have looked at counts twice.

    Attributes
    ----------
    above_present, above_absent, below_present, below_absent
        Statements: whether the score reaches its threshold, and what the reader says.
    images
        On which somebody has said something.
    disputed
        Images on which readers disagree among themselves.
    """

    above_present: int = 0
    above_absent: int = 0
    below_present: int = 0
    below_absent: int = 0
    images: int = 0
    disputed: int = 0

    def add(self, statements: Sequence[Stated]) -> None:
        """Count the statements on one image."""
        for one in statements:
            self.above_present += one.above and one.present
            self.above_absent += one.above and not one.present
            self.below_present += not one.above and one.present
            self.below_absent += not one.above and not one.present
        self.images += 1
        self.disputed += len({one.present for one in statements}) > 1

    @property
    def statements(self) -> int:
        """How many count."""
        return self.above_present + self.above_absent + self.below_present + self.below_absent

    @property
    def agreeing(self) -> int:
        """In how many of them reader and score are on the same side."""
        return self.above_present + self.below_absent


type Key = tuple[str, bool, str]
"""Model, whether it is a demonstration, finding."""


class Agreement:
    """Tables of all findings of all models."""

    def __init__(self) -> None:
        self._tables: defaultdict[Key, Table] = defaultdict(Table)

    def add(self, corrections: Sequence[Correction]) -> None:
        """Count what was said of one image.

        Parameters
        ----------
        corrections
            Oldest first.
        """
        latest: defaultdict[Key, dict[tuple[str, bool], Stated]] = defaultdict(dict)
        for one in corrections:
            for stated in one.findings:
                latest[one.model, one.demonstration, stated.finding][one.reader, one.login] = stated
        for key, said in latest.items():
            self._tables[key].add(list(said.values()))

    def tables(self) -> list[tuple[Key, Table]]:
        """The tables, by model and finding."""
        return sorted(self._tables.items(), key=lambda one: one[0])
