"""Models that are ready to be served: an ONNX file in the cache and a note of what it was made from.

Nothing here needs torch or unpickles anything, so the server may import it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from ..codes import Code
from ..files import sha256_of, write_atomically
from .card import ModelCard, Weights
from .errors import ModelError

EXPORT_SCHEMA = 3
"""Version of the export. What an older version exported is exported anew."""

PREPARED_FILE = "prepared.json"

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Preparable(Protocol):
    """The card of a model of any kind."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def weights(self) -> Weights: ...  # noqa: D102
    @property
    def network(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Prepared[C: Preparable = ModelCard]:
    """A model that is ready to be served.

    Attributes
    ----------
    card
        The card, with the thresholds in force.
    weights_digest
        SHA-256 (hex) of the weights file.
    weights
        The weights file.
    onnx
        The exported network; its input and outputs are described in docs/models.md.
    onnx_digest
        SHA-256 (hex) of `onnx`.
    versions
        Library to version, of what exported it.
    """

    card: C
    weights_digest: str
    weights: Path
    onnx: Path
    onnx_digest: str
    versions: dict[str, str]


class _Note(BaseModel):
    """``prepared.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    card: str
    network_digest: _Sha256
    weights_digest: _Sha256
    weights: str
    onnx: str
    onnx_sha256: _Sha256
    versions: dict[str, str]


def load_prepared[C: Preparable](card: C, cache: Path) -> Prepared[C]:
    """Find a model in the cache and check the digest of its ONNX file.

    Parameters
    ----------
    card
        The model wanted; its thresholds do not matter here.
    cache
        The folder given to ``python3 -m orthanc_ai.models.prepare``.

    Raises
    ------
    ModelError
        ``MODEL_MISSING`` if it has to be prepared first, ``MODEL_TAMPERED`` if the ONNX file is not the one that was
        exported, ``MODEL_INVALID`` if the note about it is unreadable.
    """
    file = cache / card.name / PREPARED_FILE
    try:
        note = _Note.model_validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(Code.MODEL_MISSING, f"{card.name} has not been prepared") from error
    except (OSError, ValidationError) as error:
        raise ModelError(Code.MODEL_INVALID, f"{file} cannot be read; delete it to prepare the model anew") from error
    if note.card != card.name or note.network_digest != network_digest(card):
        raise ModelError(Code.MODEL_MISSING, f"{card.name} was prepared from another card and has to be prepared anew")
    onnx = file.parent / note.onnx
    if not onnx.is_file():
        raise ModelError(Code.MODEL_MISSING, f"{onnx} is gone and has to be exported anew")
    if sha256_of(onnx) != note.onnx_sha256:
        message = f"{onnx} is not the file that was exported; delete it and {file} if you know why"
        raise ModelError(Code.MODEL_TAMPERED, message)
    return Prepared(card, note.weights_digest, file.parent / note.weights, onnx, note.onnx_sha256, note.versions)


def save_prepared[C: Preparable](prepared: Prepared[C], cache: Path) -> None:
    """Write the note that `load_prepared` reads."""
    folder = cache / prepared.card.name
    # Relative, so that the cache may be moved; embedded weights lie elsewhere, and an absolute path joins as itself.
    beside = prepared.weights.is_relative_to(folder)
    note = _Note(
        card=prepared.card.name,
        network_digest=network_digest(prepared.card),
        weights_digest=prepared.weights_digest,
        weights=str(prepared.weights.relative_to(folder) if beside else prepared.weights.resolve()),
        onnx=prepared.onnx.name,
        onnx_sha256=prepared.onnx_digest,
        versions=prepared.versions,
    )
    content = note.model_dump_json(indent=2) + "\n"
    write_atomically(folder / PREPARED_FILE, content.encode())


def network_digest(card: Preparable) -> str:
    """SHA-256 (hex) of what the exported network depends on: not of titles, thresholds or intended use."""
    meaning = {"schema": EXPORT_SCHEMA, **card.network}
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()
