"""From what a dataset was made: the request, the versions, the models; without anything that would name a patient."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..deidentify.pseudonyms import Pseudonyms
from ..deidentify.said import said_selection
from ..models.card import load_card
from ..models.errors import CardError
from ..server import Server
from .manifest import FORMAT
from .planned import Planned
from .readers import said_rule

LIBRARIES = ("numpy", "pydicom", "imagecodecs", "pillow")
"""Whose versions may change a pixel."""


def head_of(
    server: Server,
    models: Path,
    request: Mapping[str, Any],
    planned: Iterable[Planned],
    pseudonyms: Pseudonyms,
    earlier: str,
) -> dict[str, Any]:
    """What a manifest says of the dataset as a whole.

    Parameters
    ----------
    models
        Folder of the model cards.
    request
        Of the batch.
    earlier
        Digest of the manifest of the dataset that this one grows from; empty if there is none.
    """
    return {
        "format": FORMAT,
        "request": _request(request, pseudonyms, earlier),
        "versions": {
            "orthanc-ai": __version__,
            "orthanc": str((server.get("/system") or {}).get("Version", "")),
            "python": platform.python_version(),
            **{name: _version(name) for name in LIBRARIES},
        },
        "models": _models(models, planned),
    }


def _request(request: Mapping[str, Any], pseudonyms: Pseudonyms, earlier: str) -> dict[str, Any]:
    said = {**request, "grows": earlier}
    if request["labels"]:
        content = request["labels"]["csv"].encode()
        said["labels"] = {**request["labels"], "csv": pseudonyms.digest(hashlib.sha256(content).hexdigest())}
    if request.get("readers"):
        said["readers"] = said_rule(request["readers"], request["deidentify"]["enabled"], pseudonyms)
    if request["deidentify"]["enabled"]:
        said["selection"] = said_selection(request["selection"], pseudonyms)
    return said


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _models(models: Path, planned: Iterable[Planned]) -> list[dict[str, Any]]:
    """The models whose scores are in the dataset, with the digests of all that determined them."""
    recipes: dict[str, set[str]] = {}
    for one in planned:
        if one.chosen.model:
            recipes.setdefault(one.chosen.model, set()).add(one.chosen.recipe)
    return [_model(models, name) | {"recipes": sorted(recipes[name])} for name in sorted(recipes)]


def _model(models: Path, name: str) -> dict[str, Any]:
    try:
        card = load_card(models, name)
    except (CardError, OSError):
        # It was another server's, or its card has gone since.
        return {"name": name, "version": None, "card": None, "weights": None}
    return {"name": name, "version": card.version, "card": card.digest, "weights": card.weights.sha256}
