"""What `throughput` compares, each measured on films that arrive by C-STORE, in a server of its own.

Server, workers, client and senders share the machine's processors. A run begins when everything is warm (workers started,
models loaded), and its time ends with the last report; its processor time is read when the server has nothing more to do,
so that what Orthanc and its DICOMweb plugin do with each series that has become stable is in it.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.clients import client
from bench.mixture import Film
from bench.processes import children_cpu_seconds, cpu_seconds, machine_cpu_seconds, own_cpu_seconds, peak_mib
from bench.senders import by_c_store_timed
from bench.servers import settle, timed_server
from bench.watch import Watch
from orthanc_ai.metrics import PREFIX
from tests.live.orthanc import ROOT, Orthanc

STABLE_AGE_S = 2
"""`StableAge` of the servers. The product's is longer; the work is the same, and here it is seen before the run ends."""

TIMEOUT_S = 180.0

STAGES = ("header", "load", "decode", "resize", "reduce", "digest", "infer", "ratio", "report")
"""Stages of a worker, as the plugin's metrics name them."""

IDLE_PAUSE_S = 0.5
"""Between a report and the next image into an idle server."""

STEADY_PER_S = 2.0
"""Films in a second of the steady stream: more than the busiest hour of a large hospital."""

ASK_STEADILY_S = 0.02
"""Between two looks for reports in the steady stream: how exact its times are."""

ASK_S = 0.003
"""Between two questions for the report of an image in an idle server."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one subject did in one round.

    Attributes
    ----------
    seconds
        From the first film on its way to the last report; without reports, to the last film's answer.
    latencies
        For each film, from the end of its C-STORE to its report being in the index, s.
    cpu
        Processor seconds of ``server``, ``workers``, ``client`` and ``senders``.
    stages
        Processor seconds of the workers by stage.
    peak_mib
        Largest resident memory of ``server``, ``workers`` and ``client``.
    start_seconds
        From the start of the server's process until it took images by HTTP and by DICOM.
    others
        Processors that everything else on the machine took meanwhile.
    """

    subject: str
    films: int
    seconds: float
    cpu: Mapping[str, float]
    latencies: Sequence[float] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    peak_mib: Mapping[str, float] = field(default_factory=dict)
    start_seconds: float = 0.0
    others: float = 0.0


def product(
    folder: Path,
    films: Sequence[Film],
    warm_up: Sequence[Film],
    reports: Path | None,
    *,
    idle: Sequence[Film] = (),
    steady: Sequence[Film] = (),
) -> tuple[Run, list[float]]:
    """Orthanc with the plugin, in the product's own configuration.

    Parameters
    ----------
    warm_up
        Films that are read before.
    reports
        Where the reports are written to as files, if wanted.
    idle
        Films that come afterwards one at a time, each when the report of the one before is there.
    steady
        Films that come after that, `STEADY_PER_S` in a second.

    Returns
    -------
    The run, and for each film of `idle` and of `steady` the seconds from the end of its C-STORE to its report.
    """
    with (
        timed_server(folder, plugin=True, options={"StableAge": STABLE_AGE_S}) as (orthanc, start),
        Watch(orthanc) as w,
    ):
        by_c_store_timed(orthanc, [film.path for film in warm_up])
        w.wait_for_reports({film.instance for film in warm_up}, len(warm_up), TIMEOUT_S)
        settle(orthanc, w)
        stages = stages_so_far(orthanc, len(warm_up))
        run = _run("product", orthanc, w, films, start)
        after = stages_so_far(orthanc, len(warm_up) + len(films))
        run = replace(run, stages={name: after[name] - stages[name] for name in STAGES})
        if reports is not None:
            _write_reports(orthanc, films, reports)
        return run, [_one_image(orthanc, film) for film in idle] + _stream(orthanc, w, steady)


def orthanc_alone(folder: Path, films: Sequence[Film], warm_up: Sequence[Film], reports: Path) -> tuple[Run, Run]:
    """The same Orthanc without the plugin: storing the films, then storing reports that come by HTTP."""
    files = sorted(reports.glob("*.dcm"))
    with (
        timed_server(folder, plugin=False, options={"StableAge": STABLE_AGE_S}) as (orthanc, start),
        Watch(orthanc) as w,
    ):
        by_c_store_timed(orthanc, [film.path for film in warm_up])
        settle(orthanc, w)
        storing = _run("Orthanc alone", orthanc, w, films, start, reports=False)
        before, began = cpu_seconds([orthanc.pid]), time.perf_counter()
        orthanc.upload(files)
        seconds = time.perf_counter() - began
        settle(orthanc, w)
        used = {"server": cpu_seconds([orthanc.pid]) - before}
        return storing, Run("storing reports", len(files), seconds, used)


def client_way(folder: Path, films: Sequence[Film], warm_up: Sequence[Film], weights: Path, *, load_each: bool) -> Run:
    """Orthanc without the plugin, and a script beside it."""
    name = "client, loads each time" if load_each else "client, keeps its model"
    with (
        timed_server(folder, plugin=False, options={"StableAge": STABLE_AGE_S}) as (orthanc, start),
        client(orthanc, weights, load_each=load_each) as script,
        Watch(orthanc) as watch,
    ):
        by_c_store_timed(orthanc, [film.path for film in warm_up])
        watch.wait_for_reports({film.instance for film in warm_up}, len(warm_up), TIMEOUT_S)
        settle(orthanc, watch)
        return _run(name, orthanc, watch, films, start, script=script)


def bare_model(onnx: Path, seconds: float) -> dict[str, Any]:
    """What `bare_model.py` prints."""
    script = Path(__file__).with_name("bare_model.py")
    command = [sys.executable, str(script), str(onnx), str(seconds)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    return answer


def _run(
    subject: str,
    orthanc: Orthanc,
    watch: Watch,
    films: Sequence[Film],
    start: float,
    *,
    reports: bool = True,
    script: int | None = None,
) -> Run:
    """Send films, wait for their reports, and until all is quiet."""
    known = {*watch.instances, *(film.instance for film in films)}
    everything = machine_cpu_seconds() - own_cpu_seconds()
    before, began = _cpu(orthanc, script), time.perf_counter()
    sent = by_c_store_timed(orthanc, [film.path for film in films])
    ended = max(sent.values())
    latencies: list[float] = []
    if reports:
        seen = watch.wait_for_reports(known, len(films), TIMEOUT_S)
        ended = max(seen.values())
        latencies = _latencies(orthanc, films, sent, seen)
    settle(orthanc, watch)
    after = _cpu(orthanc, script)
    cpu = {name: after[name] - before[name] for name in after}
    everything = machine_cpu_seconds() - own_cpu_seconds() - everything - (sum(cpu.values()) - cpu["senders"])
    others = max(0.0, everything) / (time.perf_counter() - began)
    peak = {"server": peak_mib([orthanc.pid]), "workers": peak_mib(orthanc.workers())}
    peak["client"] = peak_mib([script] if script else [])
    return Run(subject, len(films), ended - began, cpu, latencies, peak_mib=peak, start_seconds=start, others=others)


def _cpu(orthanc: Orthanc, script: int | None) -> dict[str, float]:
    return {
        "server": cpu_seconds([orthanc.pid]),
        "workers": cpu_seconds(orthanc.workers()),
        "client": cpu_seconds([script] if script else []),
        "senders": children_cpu_seconds(),
    }


def stages_so_far(orthanc: Orthanc, jobs: int) -> dict[str, float]:
    """Processor seconds by stage so far, as soon as so many jobs are counted: metrics are written every few seconds."""
    name = f"{PREFIX}xray_findings"

    def counted() -> bool:
        return (orthanc.metric(f"{name}_infer_seconds_count") or 0) >= jobs

    orthanc.wait_until(counted, "the metrics do not count the jobs", 30)
    return {stage: orthanc.metric(f"{name}_{stage}_cpu_seconds_sum") or 0.0 for stage in STAGES}


def _reports_by_study(orthanc: Orthanc) -> list[tuple[str, str]]:
    """Orthanc identifiers of study and instance of each report."""
    found = orthanc.find("Series", {"Modality": "SR"})
    return [(series["ParentStudy"], instance) for series in found for instance in series["Instances"]]


def _write_reports(orthanc: Orthanc, films: Sequence[Film], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    instances = dict(_reports_by_study(orthanc))
    for film in films:
        content = orthanc.request("GET", f"/instances/{instances[film.study]}/file").content
        (folder / f"{film.path.stem}.dcm").write_bytes(content)


def _stream(orthanc: Orthanc, watch: Watch, films: Sequence[Film]) -> list[float]:
    """Send films steadily; seconds from the end of each C-STORE until its report is in the index."""
    if not films:
        return []
    known = {*watch.instances, *(film.instance for film in films)}
    watch.pause_s = ASK_STEADILY_S
    sending = []
    began = time.perf_counter()
    with ThreadPoolExecutor(len(films)) as senders:
        for number, film in enumerate(films):
            time.sleep(max(0.0, began + number / STEADY_PER_S - time.perf_counter()))
            sending.append(senders.submit(by_c_store_timed, orthanc, [film.path]))
    sent = {path: at for one in sending for path, at in one.result().items()}
    seen = watch.wait_for_reports(known, len(films), TIMEOUT_S)
    return _latencies(orthanc, films, sent, seen)


def _latencies(
    orthanc: Orthanc, films: Sequence[Film], sent: Mapping[Path, float], seen: Mapping[str, float]
) -> list[float]:
    """Seconds from each film's end of C-STORE to when its report was seen."""
    studies = {instance: study for study, instance in _reports_by_study(orthanc)}
    ready = {studies[instance]: at for instance, at in seen.items()}
    return [ready[film.study] - sent[film.path] for film in films]


def _one_image(orthanc: Orthanc, film: Film) -> float:
    """Send one image into an idle server; seconds from the end of C-STORE until its report is found."""
    time.sleep(IDLE_PAUSE_S)
    question = json.dumps({"Level": "Series", "Query": {"StudyInstanceUID": film.study_uid, "Modality": "SR"}})
    connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
    (sent,) = by_c_store_timed(orthanc, [film.path]).values()
    while True:
        connection.request("POST", "/tools/find", question)
        found = json.loads(connection.getresponse().read())
        now = time.perf_counter()
        if found:
            connection.close()
            return now - sent
        if now - sent > TIMEOUT_S:
            raise TimeoutError(f"no report in {TIMEOUT_S:g} s")
        time.sleep(ASK_S)
