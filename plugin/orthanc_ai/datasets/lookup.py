"""Images of datasets by the names of their files, from the manifests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..batches.batch import State
from ..batches.batches import Batches
from .manifest import MANIFEST


def find_image(folder: Path, name: str) -> dict[str, Any] | None:
    """What the manifest of a dataset says of an image; ``None`` if there is none of this name.

    Parameters
    ----------
    folder
        Output of the dataset.
    name
        Of the file, without folders.

    Raises
    ------
    OSError
        If the manifest cannot be read, or is not there yet.
    """
    wanted = json.dumps(name)[1:]
    with folder.joinpath(MANIFEST).open(encoding="utf-8") as stream:
        # Each entry is a line by itself: none of the others needs to be taken apart.
        for line in stream:
            if wanted in line and line.startswith(' {"file"'):
                entry: dict[str, Any] = json.loads(line.rstrip().rstrip(","))
                if entry["file"].rpartition("/")[2] == name:
                    return entry
    return None


def find_in_all(batches: Batches, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Datasets that hold an image of this name, the oldest first, and what their manifests say of it."""
    for batch in batches.all():
        folder = batches.output(batch.identifier) if batch.state is State.DONE else None
        try:
            entry = find_image(folder, name) if folder else None
        except OSError:
            continue  # it was removed meanwhile
        if entry:
            yield batch.identifier, entry
