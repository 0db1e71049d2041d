"""What grows with the archive: the same new films come to archives of 1,000, 10,000 and 50,000 analysed ones.

Each archive holds small films, their reports and what became of each, as it looks at a site after so many analyses
(`bench.archive`). A round starts a server on a copy of one archive's index and asks the routes while it is idle; sends
films one at a time, each when the report of the one before is there; then sends many at once and waits for all reports.
The rounds go up and down through the sizes, so that what changes slowly on the machine favours none.
"""

import argparse
import http.client
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pydicom
from pynetdicom import AE

from bench import picture
from bench.answers import FOLDER, machine, percentile, table, write_json
from bench.archive import Archive, orthanc_id
from bench.films import Films
from bench.processes import CPUS, cpu_seconds, machine_cpu_seconds, memory, own_cpu_seconds
from bench.senders import CLIENTS, by_c_store, by_http
from orthanc_ai.outcomes import XRAY_METADATA
from phantom.progress import progress
from tests.live.orthanc import CALLING_AET, Orthanc, read_configuration
from tools.serve import NO_DELAY

QUESTION = "What the new films of an archive cost and take, by the number of films that it holds"

SIZES = (1_000, 10_000, 50_000)

REQUIRED = 0.90
"""Least share of the smallest archive's reports per second that the largest one must reach."""

ROWS, COLUMNS = 512, 420
"""Of the new films: small, so that what the index costs is not lost among pixels."""

NEW = 300
SINGLES = 30

WARM_UP = 8
"""Films that are analysed before the timing, so that every worker has its model."""

POLL_S = 0.005
"""Between two questions whether a report is there; each costs the server some 0.3 ms."""

WATCH_S = 0.05
"""The same while many films are analysed."""

ASKED = 200
ASKED_S = 4.0
"""Each route is asked so often, or for so long."""

TIMEOUT_S = 600.0


def routes(size: int) -> dict[str, str]:
    """The routes that are asked, by what they stand for."""
    return {
        "status": "/ai/status",
        "findings": "/ai/findings",
        "findings, filtered": "/ai/findings?label=Cardiomegaly&minimum=0.9",
        "findings, deep": f"/ai/findings?cursor={size // 2}",
        "jobs": "/ai/jobs",
    }


@dataclass(frozen=True, slots=True)
class Round:
    """What one server did in one round.

    Attributes
    ----------
    size
        Films in the archive before.
    start_s
        Until the server answered.
    films, seconds
        Sent at once, and until the last report was there.
    server_cpu, workers_cpu, others_cpu
        Processor seconds meanwhile: of the server, of its workers, of everything else but the sender.
    single_ms
        From the end of each single C-STORE until its report could be found.
    route_ms
        From question to answer, by route.
    rss
        Memory of the server at the end, MiB.
    """

    size: int
    start_s: float
    films: int
    seconds: float
    server_cpu: float
    workers_cpu: float
    others_cpu: float
    single_ms: list[float]
    route_ms: dict[str, list[float]]
    rss: float

    @property
    def rate(self) -> float:
        """Reports per second."""
        return self.films / self.seconds


@contextmanager
def server_on(archive: Archive, size: int, folder: Path) -> Iterator[Orthanc]:
    """A server with the plugin on a copy of an archive's index, not started yet; afterwards it is killed.

    What it stores goes into the archive's storage folder, where no other index knows of it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    archive.copy_index(size, folder / "index")
    options = {
        "StableAge": read_configuration()["StableAge"],
        "StorageDirectory": str(archive.storage),
        "IndexDirectory": str((folder / "index").resolve()),
    }
    orthanc = Orthanc(folder, options=options)
    try:
        yield orthanc
    finally:
        orthanc.kill()
        shutil.rmtree(folder)


def run_round(archive: Archive, size: int, films: Sequence[Path], folder: Path) -> Round:
    """One round: `WARM_UP` films, `SINGLES`, and the rest at once."""
    warm_up, singles, many = films[:WARM_UP], films[WARM_UP : WARM_UP + SINGLES], films[WARM_UP + SINGLES :]
    with server_on(archive, size, folder) as orthanc:
        os.sync()  # what was written before is not this round's
        started = time.perf_counter()
        orthanc.launch()
        orthanc.wait_for_http("/ai/status")
        start_s = time.perf_counter() - started
        by_http(orthanc, warm_up)
        wait_for(orthanc, warm_up)
        orthanc.wait_idle()
        route_ms = {name: ask(orthanc, path) for name, path in routes(size).items()}
        single_ms = one_by_one(orthanc, singles)
        orthanc.wait_idle()
        before, started = _cpu(orthanc), time.perf_counter()
        by_c_store(orthanc, many)
        wait_for(orthanc, many)
        seconds, after = time.perf_counter() - started, _cpu(orthanc)
        ended = orthanc.get("/ai/status")["queue"]["ended"]
        if ended.get("REPORTED") != len(films) or sum(ended.values()) != len(films):
            raise RuntimeError(f"{len(films)} films were to be reported, and nothing else: {ended}")
        used = memory(orthanc.pid)
    server, workers, senders, everything = (late - early for early, late in zip(before, after, strict=True))
    others = max(0.0, everything - server - workers - senders)
    assert used is not None
    return Round(size, start_s, len(many), seconds, server, workers, others, single_ms, route_ms, used.rss)


def _cpu(orthanc: Orthanc) -> tuple[float, float, float, float]:
    """Processor time so far: of the server, its workers, this process and its senders, and the whole machine."""
    return cpu_seconds([orthanc.pid]), cpu_seconds(orthanc.workers()), own_cpu_seconds(), machine_cpu_seconds()


def identifier_of(film: Path) -> str:
    """Orthanc's identifier of a film."""
    header = pydicom.dcmread(film, stop_before_pixels=True)
    return orthanc_id(header.PatientID, header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID)


def wait_for(orthanc: Orthanc, films: Sequence[Path]) -> None:
    """Wait until the outcome of every film can be found.

    Raises
    ------
    TimeoutError
        If that takes more than `TIMEOUT_S`.
    """
    until = time.monotonic() + TIMEOUT_S
    for film in films:
        path = f"/instances/{identifier_of(film)}/metadata/{XRAY_METADATA}"
        while get(orthanc, path) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"no outcome after {TIMEOUT_S:.0f} s:\n{orthanc.log_text()[-2000:]}")
            time.sleep(WATCH_S)


def get(orthanc: Orthanc, path: str) -> bytes | None:
    """Body of a path; ``None`` if there is no such thing.

    Raises
    ------
    RuntimeError
        If the answer is neither 200 nor 404.
    """
    connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status not in (http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND):
        raise RuntimeError(f"GET {path}: {answer.status}")
    return body if answer.status == http.HTTPStatus.OK else None


def ask(orthanc: Orthanc, path: str) -> list[float]:
    """Ask a route again and again over one connection; milliseconds until each answer.

    Raises
    ------
    RuntimeError
        If an answer is not 200.
    """
    taken: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
    until = time.perf_counter() + ASKED_S
    while len(taken) < ASKED and (started := time.perf_counter()) < until:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        taken.append(1000 * (time.perf_counter() - started))
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {path}: {answer.status}")
    connection.close()
    return taken


def one_by_one(orthanc: Orthanc, films: Sequence[Path]) -> list[float]:
    """Send films by C-STORE, each once the outcome of the one before is there; milliseconds until each report.

    A report is there when Orthanc shows a second series in the film's study.
    """
    taken: list[float] = []
    datasets = [pydicom.dcmread(film) for film in films]
    entity = AE(ae_title=CALLING_AET)
    entity.add_requested_context(datasets[0].SOPClassUID, datasets[0].file_meta.TransferSyntaxUID)
    for film, dataset in zip(films, datasets, strict=True):
        study = orthanc_id(dataset.PatientID, dataset.StudyInstanceUID)
        association = entity.associate("127.0.0.1", orthanc.dicom_port, ae_title="ORTHANC")
        status = association.send_c_store(dataset)
        sent = time.perf_counter()
        if status.get("Status") != 0:
            raise RuntimeError(f"C-STORE: {status}")
        while len(json.loads(get(orthanc, f"/studies/{study}") or b'{"Series":[]}')["Series"]) < 2:
            if time.perf_counter() - sent > TIMEOUT_S:
                raise TimeoutError(f"no report after {TIMEOUT_S:.0f} s:\n{orthanc.log_text()[-2000:]}")
            time.sleep(POLL_S)
        taken.append(1000 * (time.perf_counter() - sent))
        association.release()
        wait_for(orthanc, [film])
    return taken


def summary(size: int, rounds: Sequence[Round]) -> dict[str, Any]:
    """What the rounds of a size say together: medians, and percentiles of all that was timed singly."""
    mine = [one for one in rounds if one.size == size]
    single = [taken for one in mine for taken in one.single_ms]
    return {
        "size": size,
        "reports_per_s": statistics.median(one.rate for one in mine),
        "server_cpu_ms": statistics.median(1000 * one.server_cpu / one.films for one in mine),
        "workers_cpu_ms": statistics.median(1000 * one.workers_cpu / one.films for one in mine),
        "processors_of_others": statistics.median(one.others_cpu / one.seconds for one in mine),
        "single_ms": _percentiles(single),
        "route_ms": {
            name: _percentiles([taken for one in mine for taken in one.route_ms[name]]) for name in mine[0].route_ms
        },
        "start_s": statistics.median(one.start_s for one in mine),
        "server_rss_mib": statistics.median(one.rss for one in mine),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}


def share(rounds: Sequence[Round], smallest: int, largest: int) -> float:
    """Reports per second of the largest archive as a share of the smallest one's, by rounds that belong together."""
    small, large = ([one.rate for one in rounds if one.size == size] for size in (smallest, largest))
    return statistics.median(mine / other for mine, other in zip(large, small, strict=True))


def show(summaries: Sequence[Mapping[str, Any]]) -> str:
    """The answer as a table: what is measured in rows, the sizes in columns."""

    def both(values: Mapping[str, float]) -> str:
        return f"{values['p50']:.1f} / {values['p99']:.1f}"

    rows = [
        ("reports per second", [f"{one['reports_per_s']:.2f}" for one in summaries]),
        ("server, CPU ms per film", [f"{one['server_cpu_ms']:.1f}" for one in summaries]),
        ("workers, CPU ms per film", [f"{one['workers_cpu_ms']:.1f}" for one in summaries]),
        ("one film to its report, ms, p50 / p99", [both(one["single_ms"]) for one in summaries]),
        *(
            (f"{name}, ms, p50 / p99", [both(one["route_ms"][name]) for one in summaries])
            for name in summaries[0]["route_ms"]
        ),
        ("start, s", [f"{one['start_s']:.1f}" for one in summaries]),
        ("server, MiB", [f"{one['server_rss_mib']:.0f}" for one in summaries]),
        ("index, MiB", [f"{one['index_mib']:.0f}" for one in summaries]),
        ("others, processors", [f"{one['processors_of_others']:.2f}" for one in summaries]),
    ]
    return table(("films in the archive", *(f"{one['size']:,}" for one in summaries)), [(a, *b) for a, b in rows])


def order(sizes: Sequence[int], rounds: int) -> list[int]:
    """The sizes up, then down, and so on."""
    return [size for k in range(rounds) for size in sorted(sizes, reverse=bool(k % 2))]


def draw(path: Path, summaries: Sequence[Mapping[str, Any]]) -> Path:
    """The answer as a picture."""
    sizes = [one["size"] for one in summaries]
    panels = {
        "reports per second": {"all": [one["reports_per_s"] for one in summaries]},
        "CPU, ms per film": {
            "server": [one["server_cpu_ms"] for one in summaries],
            "workers": [one["workers_cpu_ms"] for one in summaries],
        },
        "one film to its report, ms": {k: [one["single_ms"][k] for one in summaries] for k in ("p50", "p99")},
        "answers, ms, p50": {
            name: [one["route_ms"][name]["p50"] for one in summaries] for name in summaries[0]["route_ms"]
        },
    }
    return picture.curves(path, sizes, panels, "films in the archive")


def main(arguments: list[str]) -> int:
    """Run it; 0 if the largest archive does not slow the analysis down too much."""
    parser = argparse.ArgumentParser(prog="bench growth", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="films in the archives")
    parser.add_argument("--new", type=int, default=NEW, help="films sent at once in each round")
    parser.add_argument("--rounds", type=int, default=2, help="rounds for each size")
    parser.add_argument("--folder", type=Path, default=FOLDER / "growth.tmp", help="for films, archives and servers")
    parser.add_argument("--keep", action="store_true", help="keep the archives, and use them if they are there")
    parser.add_argument("--name", default="growth", help="of the files that are written")
    options = parser.parse_args(arguments)
    if options.new < CLIENTS:
        parser.error(f"--new: at least {CLIENTS}, one for each client")
    sizes = sorted(set(options.sizes))
    os.environ.update(NO_DELAY)  # as the servers do
    about = machine()
    if not options.keep:
        shutil.rmtree(options.folder, ignore_errors=True)
    archive = Archive(options.folder / "archive")
    for size in sizes:
        if size not in archive.sizes:
            archive.grow(size)
    films = Films(ROWS, COLUMNS).write(options.folder / "films", range(WARM_UP + SINGLES + options.new))
    rounds: list[Round] = []
    plan = order(sizes, options.rounds)
    for size in progress(plan, len(plan), "rounds"):
        rounds.append(run_round(archive, size, films, options.folder / "server"))
        print(f"  {size} films: {rounds[-1].rate:.2f} reports/s", file=sys.stderr)
    summaries = [summary(size, rounds) | {"index_mib": archive.index_mib(size)} for size in sizes]
    shutil.rmtree(options.folder / "films" if options.keep else options.folder)
    reached = share(rounds, sizes[0], sizes[-1])
    print(show(summaries))
    print(f"others: processors used by everything else, of {CPUS}")
    print(f"{sizes[-1]:,} films against {sizes[0]:,}: {reached:.3f} of the reports per second; required {REQUIRED:.2f}")
    answer = {
        "question": QUESTION,
        "machine": about,
        "required": REQUIRED,
        "reached": reached,
        "summary": summaries,
        "rounds": [asdict(one) for one in rounds],
    }
    print(write_json(options.name, answer))
    print(draw(FOLDER / f"{options.name}.svg", summaries))
    return 0 if reached >= REQUIRED else 1
