"""Writes heart phantoms as DICOM files with their truth: ``python3 -m phantom.heart OUT --count 3``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phantom.heart.dicom import write_heart
from phantom.heart.heart import ELSEWHERE, LESIONS, draw_heart
from phantom.heart.scan import (
    ANGIOGRAM,
    CALCIUM_SCAN,
    SMALL_ANGIOGRAM,
    SMALL_CALCIUM_SCAN,
    WITHOUT_CONTRAST,
    Scan,
    render,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m phantom.heart", description="Write heart phantoms as DICOM files with their truth."
    )
    parser.add_argument("folder", type=Path, help="where the files go; made if missing")
    parser.add_argument("--count", type=int, default=1, help="how many (1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first; the next ones count on (0)")
    parser.add_argument("--lesions", type=int, default=LESIONS, help=f"how many in each heart ({LESIONS})")
    parser.add_argument("--elsewhere", action="store_true", help="with calcium outside the coronary arteries")
    parser.add_argument("--small", action="store_true", help="coarse voxels: rendered and written in seconds")
    options = parser.parse_args(arguments)
    grids = (SMALL_ANGIOGRAM, SMALL_CALCIUM_SCAN) if options.small else (ANGIOGRAM, CALCIUM_SCAN)
    for seed in range(options.seed, options.seed + options.count):
        heart = draw_heart(seed, options.lesions, elsewhere=tuple(ELSEWHERE) if options.elsewhere else ())
        scans = [
            (scan, render(heart, grid, scan, quiet=False))
            for scan, grid in zip((Scan(), WITHOUT_CONTRAST), grids, strict=True)
        ]
        for folder in write_heart(options.folder / f"heart-{seed:07d}", heart, scans):
            print(folder)


if __name__ == "__main__":
    main()
