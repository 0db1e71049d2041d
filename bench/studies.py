"""How soon a large CT study is judged once it is complete, what that takes, and what highdicom takes for the same headers.

A study of 5,000 instances in 12 series, tiny images with whole headers, is stored in a server that has nothing else to do.
The clock runs from the stable event in Orthanc's change log until the report can be queried.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from bench.answers import FOLDER, machine, spread, table, write_json
from bench.processes import memory, peak_mib
from bench.senders import CLIENTS
from bench.servers import fresh_server, settle
from bench.watch import Watch
from orthanc_ai.outcomes import CARDIAC_METADATA
from phantom.ct import PROTOCOLS, Kind, ct_series
from phantom.progress import progress
from tests.live.orthanc import ROOT, Orthanc

QUESTION = "From the stable event of a large CT study to its report"

REQUIRED_S = 5.0
"""So soon a study of 5,000 instances in 12 series must be judged."""

SMALL: Sequence[tuple[Kind, int]] = (
    ("localizer", 1),
    ("calcium_score", 40),
    ("chest", 50),
    ("multiphase", 31),
    ("multiphase", 124),
)
"""Kinds of series and their positions; each of the others is a coronary angiogram."""

MATRIX = 4
"""Rows and columns. Pixels are of no interest here, as long as nobody reads them."""

WATCH_S = 0.02
TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Run:
    """One study judged.

    Attributes
    ----------
    report_s, outcome_s
        From the stable event until the report was in the index, and until the outcome was.
    stages_s
        Of the worker, as the server's log names them.
    server_mib, server_peak_mib
        Resident memory of the server before the study became stable, and its peak until the outcome.
    worker_peak_mib
        Of all workers together.
    """

    report_s: float
    outcome_s: float
    stages_s: dict[str, float]
    server_mib: float
    server_peak_mib: float
    worker_peak_mib: float


def positions(instances: int, series: int) -> list[tuple[Kind, int]]:
    """Kinds of series and their positions, so many instances in all."""
    made = list(SMALL)
    rest = instances - sum(count * max(1, len(PROTOCOLS[kind].phases)) for kind, count in made)
    angiograms = series - len(made)
    if angiograms < 1 or rest < angiograms**2:
        raise ValueError(f"{instances} instances are too few, or {series} series")
    # All of different length, so that they are different series.
    lengths = [rest // angiograms - angiograms // 2 + number for number in range(angiograms - 1)]
    return [*made, *(("ccta", length) for length in (*lengths, rest - sum(lengths)))]


def files(instances: int, series: int) -> Iterator[bytes]:
    """The study's DICOM files."""
    for kind, count in positions(instances, series):
        for image in ct_series(kind, matrix=MATRIX, slices=count, examination="bench"):
            buffer = BytesIO()
            image.save_as(buffer, enforce_file_format=True)
            yield buffer.getvalue()


def store(orthanc: Orthanc, paths: Sequence[Path]) -> None:
    """``POST /instances``, several connections at once."""

    def send(mine: Sequence[Path]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
        for path in mine:
            connection.request("POST", "/instances", path.read_bytes(), {"Expect": ""})
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"Orthanc answers {answer.status}")
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, [paths[k::CLIENTS] for k in range(CLIENTS)]))


def judge(orthanc: Orthanc, paths: Sequence[Path]) -> Run:
    """Store a study, and wait until it is judged."""
    with Watch(orthanc, WATCH_S) as watch:
        store(orthanc, paths)
        images = watch.wait_for_reports((), len(paths), TIMEOUT_S)
        before = memory(orthanc.pid)
        assert before is not None
        # From here on, the peak is that of judging: proc(5), clear_refs.
        Path(f"/proc/{orthanc.pid}/clear_refs").write_text("5")
        watch.wait_for_reports(images, 1, TIMEOUT_S)
        [study] = orthanc.find("Study", {})
        orthanc.wait_until(
            lambda: orthanc.outcome("studies", study["ID"], CARDIAC_METADATA) is not None, "no outcome", TIMEOUT_S
        )
        done = time.perf_counter()
        [report] = watch.wait_for_reports(images, 1, TIMEOUT_S).values()
        stable = watch.stable_studies[study["ID"]]
        run = Run(
            report_s=report - stable,
            outcome_s=done - stable,
            stages_s=stages(orthanc.log_text()),
            server_mib=before.rss,
            server_peak_mib=peak_mib([orthanc.pid]),
            worker_peak_mib=peak_mib(orthanc.workers()),
        )
        with suppress(TimeoutError):
            settle(orthanc, watch)
    return run


def stages(log: str) -> dict[str, float]:
    """Seconds of each stage of the worker, from the line of the latest study that was judged."""
    lines = re.findall(r"AI: cardiac-ct: REPORTED in [\d.]+ s (.*)", log)
    return {name: int(value) / 1000 for name, value in re.findall(r"([\w-]+)=(\d+)ms", lines[-1])} if lines else {}


def beside(folder: Path) -> dict[str, Any]:
    """What highdicom, and the rules alone, take for the same files, in a process of its own: `bench.volumes`."""
    command = [sys.executable, "-m", "bench.volumes", str(folder)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
    return answer


def main(arguments: list[str]) -> int:
    """Run it; the exit status is 0 if the study is judged as soon as it must be."""
    parser = argparse.ArgumentParser(prog="bench studies", description=__doc__)
    parser.add_argument("--instances", type=int, default=5000)
    parser.add_argument("--series", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER / "studies.tmp", help="for the archives")
    parser.add_argument("--name", default="studies", help="of the file that is written")
    options = parser.parse_args(arguments)
    about = machine()
    images = options.folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(
        progress(files(options.instances, options.series), options.instances, "making images")
    ):
        paths.append(images / f"{number:05}.dcm")
        paths[-1].write_bytes(content)
    runs = []
    for number in range(options.rounds):
        with fresh_server(options.folder / "server", plugin=True) as orthanc:
            runs.append(judge(orthanc, paths))
        print(f"round {number + 1}/{options.rounds}: report after {runs[-1].report_s:.2f} s", file=sys.stderr)
    print("the same files by highdicom, and by the rules alone", file=sys.stderr)
    others = beside(images)
    found = spread([run.report_s for run in runs])
    rows = [
        (
            "plugin: from the stable event to the report",
            f"{found['median']:.2f}",
            f"{found['min']:.2f}-{found['max']:.2f}",
        ),
        *(
            (f"plugin: {name}", f"{values['median']:.2f}", f"{values['min']:.2f}-{values['max']:.2f}")
            for name, values in (
                ("from the stable event to the outcome", spread([run.outcome_s for run in runs])),
                *(
                    (f"worker, {stage}", spread([run.stages_s.get(stage, 0.0) for run in runs]))
                    for stage in runs[-1].stages_s
                ),
            )
        ),
        *((name, f"{seconds:.2f}", "") for name, seconds in others["seconds"].items()),
    ]
    print(table((f"{options.instances} instances in {options.series} series", "seconds", "least-most"), rows))
    peaks = [
        ("server before", f"{max(run.server_mib for run in runs):.0f}"),
        ("server, peak until the outcome", f"{max(run.server_peak_mib for run in runs):.0f}"),
        ("workers together, peak", f"{max(run.worker_peak_mib for run in runs):.0f}"),
        ("highdicom, peak", f"{others['peak_mib']:.0f}"),
    ]
    print(table(("", "MiB"), peaks))
    print(f"highdicom makes a volume of {others['volumes']} of {others['series']} series")
    answer = {
        "question": QUESTION,
        "machine": about,
        "instances": options.instances,
        "series": options.series,
        "required_s": REQUIRED_S,
        "report_s": found,
        "runs": [asdict(run) for run in runs],
        "beside": others,
    }
    print(write_json(options.name, answer))
    return int(found["median"] > REQUIRED_S)
