"""Model cards: what a model looks for, in whom, and where its weights come from.

A card is ``models/<name>/model.toml``; docs/models.md describes every field. The codes of the findings are not in
the card but in ``models/findings.toml``, the one table for all models.
"""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from ..concepts import Concept
from .errors import CardError

CARD_FILE = "model.toml"
FINDINGS_FILE = "findings.toml"

# Pixels of the input image, along each side, in a cell of the last feature map: both architectures halve it five times.
_CELL = 32

Architecture = Literal["densenet121", "resnet50"]
Loader = Literal["torchxrayvision", "arrays"]


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a network that the model offers as a finding.

    Attributes
    ----------
    label
        The model's own name of the output.
    finding, site
        What is looked for, and where in the body.
    threshold
        The score from which on the finding counts as present, 0 to 1.
    index
        Its place in the network's output vector.
    operating_point
        The plain sigmoid value that the network's forward pass maps to a score of 0.5.
    """

    label: str
    finding: Concept
    site: Concept
    threshold: float
    index: int
    operating_point: float


@dataclass(frozen=True, slots=True)
class IntendedUse:
    """For whom and for which images a model is meant.

    Attributes
    ----------
    text
        In words, for people.
    views
        Values of View Position (0018,5101), PS3.3 section C.8.7.1.1.3.
    minimum_age_years, maximum_age_years
        Inclusive; ``None`` for no limit.
    """

    text: str
    views: tuple[str, ...]
    minimum_age_years: float | None
    maximum_age_years: float | None


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model's weights come from.

    Attributes
    ----------
    loader
        ``torchxrayvision``: TorchXRayVision downloads and unpickles `file` by the card's name. ``arrays``: `file`
        lies beside the card and holds a state dict as plain arrays (NumPy's npz), which is read without pickle.
    file
        File name, without folders.
    sha256
        For ``arrays``: the file's digest, enforced.
    unconfirmed_sha256
        For ``torchxrayvision``: a digest stated by a third party, compared and reported, never enforced.
    """

    loader: Loader
    file: str
    sha256: str | None
    unconfirmed_sha256: str | None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A validated card, see the module and docs/models.md.

    Attributes
    ----------
    name
        The card's folder; the model's name in settings and routes.
    demonstration
        Reports carry scores but no presence, and say so.
    input_size
        Side of the square input image in pixels.
    network_outputs
        Length of the network's output vector, of which `outputs` are offered.
    """

    name: str
    title: str
    version: str
    manufacturer: str
    licence: str
    source: str
    demonstration: bool
    architecture: Architecture
    input_size: int
    network_outputs: int
    weights: Weights
    intended_use: IntendedUse
    outputs: tuple[Output, ...]

    @property
    def grid_side(self) -> int:
        """Cells of the network's last feature map, and so of an activation map, along each side of the input image."""
        return self.input_size // _CELL

    @property
    def network(self) -> Mapping[str, Any]:
        """What the exported network depends on: not titles, thresholds or intended use."""
        return {
            "name": self.name,
            "architecture": self.architecture,
            "input_size": self.input_size,
            "network_outputs": self.network_outputs,
            "weights": dataclasses.asdict(self.weights),
            "operating_points": {output.index: output.operating_point for output in self.outputs},
        }

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything the card says; comments and layout of the file do not count."""
        meaning = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(meaning.encode("ascii")).hexdigest()


# ---- The files as they are written ----------------------------------------------------------------------------

# LO, PS3.5 section 6.2: at most 64 characters, no backslash; these texts become attributes of the reports.
LongString = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\\\x00-\x1f]+$")]
_ShortString = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[^\\\x00-\x1f]+$")]
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
_Fraction = Annotated[float, Field(gt=0, lt=1)]
_Years = Annotated[float, Field(ge=0, le=130)]


class Table(BaseModel):
    """A part of a file: unknown fields are errors, values are never coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _ConceptTable(Table):
    value: _ShortString
    scheme: _ShortString
    meaning: LongString

    def concept(self) -> Concept:
        return Concept(self.value, self.scheme, self.meaning)


class _FindingTable(Table):
    finding: _ConceptTable
    site: _ConceptTable


class _NetworkTable(Table):
    architecture: Architecture
    # What is left of another size at its edge, no cell of the last feature map covers.
    input_size: Annotated[int, Field(ge=_CELL, le=2048, multiple_of=_CELL)]
    outputs: Annotated[int, Field(ge=1, le=1000)]


class _WeightsTable(Table):
    loader: Loader
    file: FileName
    sha256: _Sha256 | None = None
    unconfirmed_sha256: _Sha256 | None = None


class _IntendedUseTable(Table):
    text: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    views: Annotated[list[Literal["PA", "AP"]], Field(min_length=1)]
    minimum_age_years: _Years | None = None
    maximum_age_years: _Years | None = None


class _OutputTable(Table):
    label: LongString
    index: Annotated[int, Field(ge=0)]
    operating_point: _Fraction
    threshold: _Fraction


class _CardTable(Table):
    format: Literal[1]
    title: LongString
    version: LongString
    manufacturer: LongString
    licence: LongString
    source: Annotated[str, StringConstraints(min_length=1)]
    demonstration: bool
    network: _NetworkTable
    weights: _WeightsTable
    intended_use: _IntendedUseTable
    outputs: Annotated[list[_OutputTable], Field(min_length=1)]


_FINDINGS: TypeAdapter[dict[str, _FindingTable]] = TypeAdapter(dict[str, _FindingTable])
_CARD: TypeAdapter[_CardTable] = TypeAdapter(_CardTable)


# ---- Reading them ----------------------------------------------------------------------------------------------


def load_card(models: Path, name: str) -> ModelCard:
    """Read and validate one card.

    Parameters
    ----------
    models
        The folder that holds ``findings.toml`` and one folder per model.
    name
        The model's folder.

    Raises
    ------
    CardError
        If there is no such card or anything in it is wrong.
    """
    file = models / name / CARD_FILE
    if name not in card_names(models):
        raise CardError(f"{file}: there is no such model card; allowed: {', '.join(card_names(models)) or 'none'}")
    table = validated(_CARD, file)
    findings = validated(_FINDINGS, models / FINDINGS_FILE)
    _check(file, table, findings)
    weights, use = table.weights, table.intended_use
    return ModelCard(
        name=name,
        title=table.title,
        version=table.version,
        manufacturer=table.manufacturer,
        licence=table.licence,
        source=table.source,
        demonstration=table.demonstration,
        architecture=table.network.architecture,
        input_size=table.network.input_size,
        network_outputs=table.network.outputs,
        weights=Weights(weights.loader, weights.file, weights.sha256, weights.unconfirmed_sha256),
        intended_use=IntendedUse(use.text, tuple(use.views), use.minimum_age_years, use.maximum_age_years),
        outputs=tuple(
            Output(
                label=output.label,
                finding=findings[output.label].finding.concept(),
                site=findings[output.label].site.concept(),
                threshold=output.threshold,
                index=output.index,
                operating_point=output.operating_point,
            )
            for output in table.outputs
        ),
    )


def card_names(models: Path) -> tuple[str, ...]:
    """Names of the cards in a models folder, sorted."""
    return tuple(sorted(file.parent.name for file in models.glob(f"*/{CARD_FILE}")))


def with_thresholds(card: ModelCard, thresholds: Mapping[str, float]) -> ModelCard:
    """The same card with other thresholds, and therefore another digest.

    Parameters
    ----------
    thresholds
        Label to threshold, between 0 and 1; labels that are left out keep the card's threshold.

    Raises
    ------
    CardError
        If a label is not one of the card's, or a threshold is out of range.
    """
    labels = [output.label for output in card.outputs]
    for label, threshold in thresholds.items():
        if label not in labels:
            raise CardError(f"thresholds of {card.name}: found {label!r}; allowed: {', '.join(labels)}")
        if not 0 < threshold < 1:
            raise CardError(f"thresholds of {card.name}.{label}: found {threshold}; allowed: between 0 and 1")
    outputs = tuple(
        dataclasses.replace(output, threshold=float(thresholds.get(output.label, output.threshold)))
        for output in card.outputs
    )
    return dataclasses.replace(card, outputs=outputs)


def validated[T](adapter: TypeAdapter[T], file: Path) -> T:
    """Read a TOML file.

    Raises
    ------
    CardError
        With a line for each wrong field.
    """
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return adapter.validate_python(content)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{file}: cannot be read: {error}") from error
    except ValidationError as error:
        raise CardError("\n".join(_sentence(file, fault) for fault in error.errors())) from error


def _sentence(file: Path, fault: Any) -> str:
    field = ".".join(str(part) for part in fault["loc"])
    found = "nothing" if fault["type"] == "missing" else repr(fault["input"])
    return f"{file}: {field}: found {found}; allowed: {fault['msg']}"


def _check(file: Path, table: _CardTable, findings: Mapping[str, _FindingTable]) -> None:
    """Refuse what each field by itself allows but the card as a whole does not."""
    labels = [output.label for output in table.outputs]
    indexes = [output.index for output in table.outputs]
    for position, (label, index) in enumerate(zip(labels, indexes, strict=True)):
        if label not in findings:
            raise CardError(f"{file}: outputs.{position}.label: found {label!r}; allowed: {', '.join(findings)}")
        if label in labels[:position]:
            raise CardError(f"{file}: outputs.{position}.label: found {label!r} again; allowed: each label once")
        if index >= table.network.outputs or index in indexes[:position]:
            allowed = f"each index once, 0 to {table.network.outputs - 1}"
            raise CardError(f"{file}: outputs.{position}.index: found {index}; allowed: {allowed}")
    weights, use = table.weights, table.intended_use
    if weights.loader == "arrays" and weights.sha256 is None:
        raise CardError(f"{file}: weights.sha256: found nothing; allowed: the SHA-256 of {weights.file}")
    if weights.loader == "arrays" and table.network.architecture != "densenet121":
        raise CardError(f"{file}: network.architecture: found {table.network.architecture}; allowed: densenet121")
    if weights.loader == "torchxrayvision" and weights.sha256 is not None:
        raise CardError(f"{file}: weights.sha256: found {weights.sha256}; allowed: nothing, the digest is locked")
    low, high = use.minimum_age_years, use.maximum_age_years
    if low is not None and high is not None and low > high:
        raise CardError(f"{file}: intended_use.maximum_age_years: found {high}; allowed: {low} or more")
