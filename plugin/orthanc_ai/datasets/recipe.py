"""What a dataset is to be: the request of its batch, in our own terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..catalog.selection import Selection
from ..images.size import Size
from .labels import Labels, read_labels
from .orders import Format
from .readers import Rule

By = Literal["finding", "label", "reader", "modality", "bodyPart", "role"]
"""What the classes of a dataset are told by."""

Layout = Literal["flat", "folders"]


def labels_of(request: Mapping[str, Any]) -> Labels:
    """Read the labels of a request.

    Raises
    ------
    LabelsError
    """
    return read_labels(
        request["csv"].encode(), key=request["key"], columns=request["columns"], delimiter=request["delimiter"]
    )


@dataclass(frozen=True, slots=True)
class Classes:
    """By what the images fall into classes.

    Attributes
    ----------
    by
        ``finding``: the highest score that reaches its threshold; ``label``: a column of the researcher's own; ``reader``: what
        readers say of one finding; ``role``: what a CT series is for.
    name
        Of the only finding that counts, or of the column.
    """

    by: By
    name: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines a dataset for a given content of the archive.

    Attributes
    ----------
    selection
        Which images.
    format, size, scaling
        How they are written; see `orders.Making`.
    layout
        ``flat``: one folder of images; ``folders``: one for each split, with one for each class.
    classes
        ``None``: the images fall into no classes.
    split
        How they are divided: ``ratios`` and ``seed``; ``None``: not at all.
    stratify
        By what the sides are to have equal shares; ``None``: by nothing.
    labels
        The researcher's own; ``None`` if there are none.
    readers
        How readers' statements become labels; ``None``: not at all.
    privacy
        How they are de-identified, see `deidentify.options.Options.to_json`.
    grows
        Batch of the earlier dataset that this one extends; empty if there is none.
    """

    selection: Selection
    format: Format
    size: Size | None
    scaling: Mapping[str, Any]
    layout: Layout
    classes: Classes | None
    split: Mapping[str, Any] | None
    stratify: Classes | None
    labels: Labels | None
    readers: Rule | None
    privacy: Mapping[str, Any]
    grows: str

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Recipe":
        """Read the request of a batch, which was checked when it was taken in."""
        return cls(
            selection=Selection.of(request["selection"]),
            format=request["format"],
            size=Size.of(request["size"]) if request["size"] else None,
            scaling=request["scaling"],
            layout=request["layout"],
            classes=Classes(**request["classes"]) if request["classes"] else None,
            split=request["split"],
            stratify=Classes(**request["split"]["stratify"])
            if request["split"] and request["split"]["stratify"]
            else None,
            labels=labels_of(request["labels"]) if request["labels"] else None,
            # A batch from before there were any does not say so.
            readers=Rule.of(request["readers"]) if request.get("readers") else None,
            privacy=request["deidentify"],
            grows=request["grows"],
        )
