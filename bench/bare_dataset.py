"""A bare loop: reads, scales and writes images with some processes, and does nothing else.

``python3 -m bench.bare_dataset LIST FOLDER PROCESSES`` reads the DICOM files that the file LIST names, one in a line, and writes
them as PNG, gray levels of 8 bits by the window of the header. The processes have the priority of the plugin's workers: on a
busy machine the two could not be compared else.
"""

import os
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import imagecodecs
import pydicom

from orthanc_ai.images.frame import read_frame
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling

CHUNK = 16
LEVEL = 1


def write(folder: Path, path: str) -> None:
    """One image."""
    shown, _ = levels(read_frame(pydicom.dcmread(path)), Scaling())
    folder.joinpath(f"{Path(path).name}.png").write_bytes(imagecodecs.png_encode(shown, level=LEVEL))


def main(paths: list[str], folder: Path, processes: int) -> None:
    """All of them."""
    folder.mkdir(parents=True)
    os.nice(19)
    with Pool(processes) as pool:
        for _ in pool.imap_unordered(partial(write, folder), paths, CHUNK):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text().split(), Path(sys.argv[2]), int(sys.argv[3]))
