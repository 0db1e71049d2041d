"""Cards of models that outline structures: ``models/<name>/segmentation.toml``, see docs/models.md.

They are no cards of models that score findings, so `AI.Model` cannot name them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from .card import FileName, LongString, Table, Weights, validated
from .errors import CardError

SEGMENTATION_FILE = "segmentation.toml"

STRUCTURES = ("Right Lung", "Left Lung", "Heart")
"""What an exported network gives, in this order."""


SEGMENTATION = "chestx-det-pspnet"
"""Name of the model that outlines heart and lungs where the settings ask for one."""


@dataclass(frozen=True, slots=True)
class SegmentationCard:
    """A validated card.

    Attributes
    ----------
    name
        The card's folder.
    input_size
        Side of the square input image in pixels.
    structures
        What is outlined, in the order of the network's outputs.
    weights
        As of a `card.ModelCard`.
    address
        Where they are fetched from.
    intended_use
        In words, for people.
    """

    name: str
    title: str
    version: str
    manufacturer: str
    licence: str
    source: str
    input_size: int
    structures: tuple[str, ...]
    weights: Weights
    address: str
    intended_use: str

    @property
    def network(self) -> Mapping[str, Any]:
        """What the exported network depends on."""
        return {
            "name": self.name,
            "input_size": self.input_size,
            "structures": self.structures,
            "weights": self.weights.file,
        }


class _NetworkTable(Table):
    # The network pools an eighth of it in sixths and coarser.
    input_size: Annotated[int, Field(ge=64, le=2048, multiple_of=64)]
    structures: Annotated[list[LongString], Field(min_length=1)]


class _WeightsTable(Table):
    file: FileName
    address: Annotated[str, StringConstraints(pattern=r"^https://")]


class _UseTable(Table):
    text: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _CardTable(Table):
    format: Literal[1]
    title: LongString
    version: LongString
    manufacturer: LongString
    licence: LongString
    source: Annotated[str, StringConstraints(min_length=1)]
    network: _NetworkTable
    weights: _WeightsTable
    intended_use: _UseTable


_CARD: TypeAdapter[_CardTable] = TypeAdapter(_CardTable)


def load_segmentation_card(models: Path, name: str) -> SegmentationCard:
    """Read and validate one card.

    Raises
    ------
    CardError
        If there is no such card or anything in it is wrong.
    """
    if name not in segmentation_card_names(models):
        allowed = ", ".join(segmentation_card_names(models)) or "none"
        raise CardError(f"{models / name / SEGMENTATION_FILE}: there is no such card; allowed: {allowed}")
    table = validated(_CARD, models / name / SEGMENTATION_FILE)
    return SegmentationCard(
        name=name,
        title=table.title,
        version=table.version,
        manufacturer=table.manufacturer,
        licence=table.licence,
        source=table.source,
        input_size=table.network.input_size,
        structures=tuple(table.network.structures),
        weights=Weights("torchxrayvision", table.weights.file, None, None),
        address=table.weights.address,
        intended_use=table.intended_use.text,
    )


def segmentation_card_names(models: Path) -> tuple[str, ...]:
    """Names of the cards in a models folder, sorted."""
    return tuple(sorted(file.parent.name for file in models.glob(f"*/{SEGMENTATION_FILE}")))
