"""How fast a dataset is exported, beside a bare loop over the same files with as many processes.

The archive holds phantoms of one size, uncompressed. In each round, the plugin exports them as PNG by the window of their
headers, and the bare loop (`bench.bare_dataset`) reads them where Orthanc keeps them, scales and writes them. The clock of the
plugin runs from the request until the dataset is complete: selected from the index, written, de-identified, divided by
patient, and described with the digests of all files.
"""

import argparse
import http.client
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from bench.answers import FOLDER, machine, spread, table, write_json
from bench.films import Films
from bench.processes import cpu_seconds
from phantom.progress import progress
from tests.live.orthanc import ROOT, Orthanc

QUESTION = "How fast a dataset is exported, beside a bare loop"

REQUIRED_SHARE = 0.7
"""Of the speed of the bare loop."""

CLIENTS = 4
ASK_S = 0.02
TIMEOUT_S = 3600.0

SETTLED_S = 120
QUIET_S = 3
IDLE_SHARE = 0.1
"""Of a processor; at rest the server takes a few hundredths."""

# With a key that is kept, all rounds have the same manifest.
REQUEST: dict[str, Any] = {"split": {"seed": 1}, "deidentify": {"keepKey": True}}

AI: dict[str, Any] = {"XRay": {"Enabled": False}, "CardiacCT": {"Enabled": False}}
"""Nothing else is to be done meanwhile."""


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of both, and the digest of the manifest."""

    plugin_s: float
    bare_s: float
    manifest: str

    @property
    def share(self) -> float:
        """Speed of the plugin by that of the bare loop."""
        return self.bare_s / self.plugin_s


def fill(orthanc: Orthanc, films: Films, count: int) -> None:
    """Store films, several connections at once."""
    making = Lock()

    def send(numbers: Sequence[int]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
        for number in numbers:
            with making:
                film = films.film(number)
            connection.request("POST", "/instances", film, {"Expect": ""})
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"Orthanc answers {answer.status}")
        connection.close()
        return len(numbers)

    parts = [range(first, min(first + 50, count)) for first in range(0, count, 50)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in progress(pool.map(send, parts), len(parts), "storing"):
            pass


def settle(orthanc: Orthanc) -> None:
    """Wait until the server has done with what has come: stable studies, the catalogue's tables."""
    before, quiet = cpu_seconds([orthanc.pid]), 0
    for _ in range(SETTLED_S):
        time.sleep(1)
        now = cpu_seconds([orthanc.pid])
        quiet = quiet + 1 if now - before < IDLE_SHARE else 0
        before = now
        if quiet == QUIET_S:
            return
    raise TimeoutError("the server does not come to rest")


def export(orthanc: Orthanc, count: int) -> tuple[float, str]:
    """Seconds that a dataset takes, and the digest of its manifest. It is removed again."""
    began = time.perf_counter()
    path = orthanc.post("/ai/datasets", REQUEST)["path"]
    while True:
        batch = orthanc.get(path)
        if batch["ended"]:
            break
        if time.perf_counter() - began > TIMEOUT_S:
            raise TimeoutError("the dataset does not end")
        time.sleep(ASK_S)
    seconds = time.perf_counter() - began
    if batch["state"] != "done" or batch["summary"]["images"] != count:
        raise RuntimeError(f"the dataset is {batch['state']}: {batch['summary']}")
    orthanc.request("DELETE", path)
    return seconds, str(batch["summary"]["manifest"])


def bare(paths: Path, folder: Path, processes: int) -> float:
    """Seconds that the bare loop takes, in processes of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "bench.bare_dataset", str(paths), str(folder), str(processes)]
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT)
    seconds = time.perf_counter() - began
    shutil.rmtree(folder)
    return seconds


def main(arguments: list[str]) -> int:
    """Run it; the exit status is 0 if the export is as fast as it must be."""
    parser = argparse.ArgumentParser(prog="bench datasets", description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument(
        "--side", type=int, default=1024, help="rows and columns of the phantoms: about those of make demo"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=FOLDER / "datasets.tmp", help="for the archive")
    parser.add_argument("--name", default="datasets", help="of the file that is written")
    options = parser.parse_args(arguments)
    about = machine()
    folder = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    films = Films(options.side, options.side)
    orthanc = Orthanc(folder / "server", ai={**AI, "Workers": options.processes})
    rounds: list[Round] = []
    try:
        orthanc.start()
        fill(orthanc, films, options.images)
        stored = [one for one in (orthanc.folder / "db").glob("*/*/*") if one.stat().st_size > options.side**2]
        paths = folder / "files.txt"
        paths.write_text("\n".join(map(str, stored)))
        if len(stored) != options.images:
            raise RuntimeError(f"{len(stored)} files are stored, not {options.images}")
        for number in range(options.rounds):
            # In turns, so that what else the machine does falls upon both.
            settle(orthanc)
            first = bare(paths, folder / "bare", options.processes) if number % 2 else None
            plugin, digest = export(orthanc, options.images)
            loop = first or bare(paths, folder / "bare", options.processes)
            rounds.append(Round(plugin, loop, digest))
            said = f"plugin {plugin:.2f} s, bare loop {loop:.2f} s: {rounds[-1].share:.0%}"
            print(f"round {number + 1}/{options.rounds}: {said}", file=sys.stderr)
    finally:
        orthanc.kill()
        shutil.rmtree(folder, ignore_errors=True)
    share = statistics.median(one.share for one in rounds)
    rows = [
        (
            name,
            f"{found['median']:.2f}",
            f"{found['min']:.2f}-{found['max']:.2f}",
            f"{options.images / found['median']:.0f}",
        )
        for name, found in (
            ("plugin, from the request to the complete dataset", spread([one.plugin_s for one in rounds])),
            ("bare loop", spread([one.bare_s for one in rounds])),
        )
    ]
    what = f"{options.images} phantoms of {options.side} x {options.side}, {options.processes} processes"
    print(table((what, "seconds", "least-most", "images/s"), rows))
    print(
        f"share of the bare loop's speed, median of {options.rounds} rounds: {share:.0%} (required {REQUIRED_SHARE:.0%})"
    )
    same = len({one.manifest for one in rounds}) == 1
    print(f"manifests of all rounds: {'the same' if same else 'DIFFERENT'}")
    answer = {"question": QUESTION, "machine": about, "required_share": REQUIRED_SHARE, "share": share}
    asked = {"images": options.images, "side": options.side, "processes": options.processes}
    print(
        write_json(options.name, {**answer, **asked, "same_manifest": same, "rounds": [asdict(one) for one in rounds]})
    )
    return int(share < REQUIRED_SHARE or not same)
