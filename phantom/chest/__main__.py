"""Writes chest phantoms as DICOM files: ``python3 -m phantom.chest OUT --count 10``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phantom.chest.findings import PREVALENCE
from phantom.dicom import chest_dx
from phantom.progress import progress


def write_films(
    folder: Path, count: int, seed: int, rows: int, columns: int, findings: Sequence[str] | None
) -> list[Path]:
    """Writes `count` films with seeds from `seed` on, shows progress, and returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in progress(range(seed, seed + count), count, "chest phantoms"):
        file = folder / f"chest-{number:07d}.dcm"
        chest_dx(number, rows, columns, findings).save_as(file, enforce_file_format=True)
        files.append(file)
    return files


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m phantom.chest", description="Write chest phantoms as DICOM files."
    )
    parser.add_argument("folder", type=Path, help="where the files go; made if missing")
    parser.add_argument("--count", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first; the next ones count on (0)")
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument(
        "--finding",
        action="append",
        choices=sorted(PREVALENCE),
        help="build this into each; may be repeated; drawn by seed if absent",
    )
    parser.add_argument("--healthy", action="store_true", help="build nothing in")
    options = parser.parse_args(arguments)
    findings = [] if options.healthy else options.finding
    write_films(options.folder, options.count, options.seed, options.rows, options.columns, findings)


if __name__ == "__main__":
    main()
