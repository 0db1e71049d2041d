"""Tables of tags of archives of 1,000 and 10,000 films: rows per second, and what the server and its workers take for it.

Films of 64 x 64 pixels (`bench.archive`): what is measured is what each row costs beside its pixels. The table has the usual
columns, statistics and one window, is de-identified, and is written in all three formats.
"""

import argparse
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.answers import FOLDER, machine, table, write_json
from bench.archive import Archive
from bench.growth import server_on
from bench.processes import CPUS, cpu_seconds, memory, peak_mib
from tests.live.orthanc import Orthanc
from tools.serve import NO_DELAY

QUESTION = "Rows per second of a table of tags, and the memory of the server, by the number of images"

SIZES = (1_000, 10_000)

REQUEST: dict[str, Any] = {"windows": ["lung"], "formats": ["csv", "parquet", "sqlite"]}

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a table of an archive took.

    Attributes
    ----------
    rows_s
        Rows per second, from the request to the finished files.
    server_cpu_ms, workers_cpu_ms
        Processor time for each row.
    before_mib, peak_mib
        Resident memory of the server before, and the most that it has had.
    worker_mib
        The most that one worker has had.
    file_mib
        Size of the files together.
    """

    rows: int
    seconds: float
    rows_s: float
    server_cpu_ms: float
    workers_cpu_ms: float
    before_mib: float
    peak_mib: float
    worker_mib: float
    file_mib: float


def measure(orthanc: Orthanc) -> Answer:
    """Make one table of everything that a server has."""
    used = memory(orthanc.pid)
    assert used is not None
    server, workers, largest = cpu_seconds([orthanc.pid]), dict[int, float](), 0.0
    started = time.perf_counter()
    path = orthanc.post("/ai/tables", REQUEST)["path"]
    while not (batch := orthanc.get(path))["ended"]:
        for worker in orthanc.workers():
            workers[worker] = max(workers.get(worker, 0.0), cpu_seconds([worker]))
            largest = max(largest, peak_mib([worker]))
        time.sleep(POLL_S)
    seconds = time.perf_counter() - started
    if batch["state"] != "done" or batch["summary"]["codes"]:
        raise RuntimeError(f"the table is not whole: {batch}")
    rows = batch["summary"]["rows"]
    return Answer(
        rows=rows,
        seconds=seconds,
        rows_s=rows / seconds,
        server_cpu_ms=1000 * (cpu_seconds([orthanc.pid]) - server) / rows,
        workers_cpu_ms=1000 * sum(workers.values()) / rows,
        before_mib=used.rss,
        peak_mib=peak_mib([orthanc.pid]),
        worker_mib=largest,
        file_mib=sum(file["bytes"] for file in batch["summary"]["files"].values()) / 1024**2,
    )


def main(arguments: list[str]) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="bench tables", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="films in the archives")
    parser.add_argument("--folder", type=Path, default=FOLDER / "tables.tmp", help="for archives and servers")
    parser.add_argument("--keep", action="store_true", help="keep the archives, and use them if they are there")
    options = parser.parse_args(arguments)
    os.environ.update(NO_DELAY)  # as the servers do
    about = machine()
    if not options.keep:
        shutil.rmtree(options.folder, ignore_errors=True)
    archive = Archive(options.folder / "archive")
    answers = []
    for size in sorted(set(options.sizes)):
        if size not in archive.sizes:
            archive.grow(size)
        with server_on(archive, size, options.folder / "server") as orthanc:
            orthanc.launch()
            orthanc.wait_for_http("/ai/status")
            orthanc.wait_idle()
            answers.append(measure(orthanc))
    if not options.keep:
        shutil.rmtree(options.folder)
    shown = [
        (name, [f"{getattr(one, field):,.{digits}f}" for one in answers])
        for name, field, digits in (
            ("rows per second", "rows_s", 0),
            ("server, CPU ms per row", "server_cpu_ms", 2),
            ("workers, CPU ms per row", "workers_cpu_ms", 2),
            ("server before, MiB", "before_mib", 0),
            ("server at most, MiB", "peak_mib", 0),
            ("a worker at most, MiB", "worker_mib", 0),
            ("files, MiB", "file_mib", 1),
        )
    ]
    print(table(["images", *(f"{one.rows:,}" for one in answers)], [[name, *values] for name, values in shown]))
    print(f"{CPUS} processors, load at the start {about['load_at_start']:.1f}")
    print(write_json("tables", {"question": QUESTION, "machine": about, "answers": [asdict(one) for one in answers]}))
    return 0
