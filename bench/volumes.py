"""What others take to find out whether series are volumes, from the files: highdicom; and this project's rules alone.

``python3 -m bench.volumes FOLDER`` prints JSON.
"""

import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import highdicom
import pydicom

from bench.processes import peak_mib
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_study

type Series = list[pydicom.Dataset]


def read(folder: Path, *, pixels: bool) -> dict[str, Series]:
    """The files of a folder by Series Instance UID."""
    series: dict[str, Series] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path, stop_before_pixels=not pixels)
        series[dataset.SeriesInstanceUID].append(dataset)
    return series


def is_volume(series: Series) -> bool:
    """Whether highdicom finds positions of a volume, from the headers."""
    spacing, found = highdicom.spatial.get_series_volume_positions(series)
    return spacing is not None and found is not None


def makes_volume(series: Series) -> bool:
    """Whether highdicom makes a volume, pixels included."""
    try:
        highdicom.get_volume_from_series(series)
    except (ValueError, AttributeError):
        # It gives no reason but this text, and a localizer has no positions.
        return False
    return True


def main(folder: Path) -> None:
    """Print what each takes."""
    seconds = {}
    started = time.perf_counter()
    headers = read(folder, pixels=False)
    seconds["pydicom: reading the headers of the files"] = time.perf_counter() - started
    started = time.perf_counter()
    found = [is_volume(series) for series in headers.values() if len(series) > 1]
    seconds["highdicom: positions of a volume, from these headers"] = time.perf_counter() - started
    started = time.perf_counter()
    judge_study(Header.from_dataset(dataset) for series in headers.values() for dataset in series)
    seconds["the rules alone, from these headers"] = time.perf_counter() - started
    del headers
    started = time.perf_counter()
    made = [makes_volume(series) for series in read(folder, pixels=True).values()]
    seconds["highdicom: volumes with their pixels, from the files"] = time.perf_counter() - started
    answer = {
        "seconds": seconds,
        "series": len(made),
        "volumes": sum(made),
        "positions_of_volumes": sum(found),
        "peak_mib": peak_mib([os.getpid()]),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
