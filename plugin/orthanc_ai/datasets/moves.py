"""Images on their way to where they belong: as often as somebody pulls the plug."""

import os
from collections.abc import Mapping
from pathlib import Path

from ..batches.run import Run


def move(run: Run, stage: Path, targets: Mapping[str, str]) -> None:
    """Move files into the output of a run; those that an earlier run has moved stay where they are.

    Parameters
    ----------
    stage
        The folder in which they are.
    targets
        Path below the output by the name in `stage`.

    Raises
    ------
    InterruptedBatch
    OSError
    """
    folders: set[Path] = set()
    for name, target in targets.items():
        run.check_end()
        file, place = stage / name, run.output / target
        if place.parent not in folders:
            place.parent.mkdir(parents=True, exist_ok=True)
            folders.add(place.parent)
        if file.exists():
            file.replace(place)
    os.sync()
