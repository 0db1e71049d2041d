"""How fast the catalogue answers, by the size of the archive.

A server is started on an archive of each size (`bench.archive`), the catalogue loads, and one client asks each question in
turn over one connection.
"""

import argparse
import http.client
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.answers import FOLDER, machine, percentile, table, write_json
from bench.archive import Archive
from bench.growth import server_on
from bench.processes import memory
from tests.live.orthanc import Orthanc

QUESTION = "Milliseconds from question to answer of the catalogue, by the number of films in the archive"

SIZES = (1_000, 10_000)

COUNT_MS, PAGE_MS = 100.0, 200.0
"""Medians that counts and pages of 100 entries may take, at all of these sizes."""

REQUIRED_MS: Mapping[str, float] = {
    "counts": COUNT_MS,
    "now": 25.0,
    "throughput": COUNT_MS,
    "drift": 500.0,
    "operator": 600.0,
}
"""The same by how a question's name begins; all others are pages. `/ai/now` is what each open page asks every two seconds."""

ROUNDS = 25
PAUSE_S = 0.01
LOAD_S = 600.0

FINDING = "Cardiomegaly"

LABEL = "bench"
LABELLED = 2
"""Every other study bears a label."""

COUNTS: Mapping[str, str] = {
    "no filter": "",
    "modality": "modality=DX",
    "body part": "bodyPart=CHEST",
    "dates": "studyDate=20180101-20191231",
    "description": "seriesDescription=*pa*",
    "patient": "patientID=ARCHIVE-00000007",
    "outcome": "code=REPORTED",
    "score": f"finding={FINDING}&minimum=0.9",
    "model": "model=phantom",
    "label": f"label={LABEL}",
    "role": "role=CCTA",
    "many": f"modality=DX,CR&studyDate=20180101-&seriesDescription=*pa*&finding={FINDING}&minimum=0.5",
}
"""Filters of counts, which are taken at all levels at once."""

SORTS: Mapping[str, tuple[str, ...]] = {
    "patients": ("patientID", "studyDate", "received"),
    "studies": ("patientID", "studyDate", "description", "received"),
    "series": ("patientID", "studyDate", "description", "modality", "received"),
    "images": ("patientID", "studyDate", "description", "modality", "received"),
}


def questions() -> dict[str, str]:
    """Paths by what they stand for."""
    asked = {f"counts, {name}": f"/ai/catalog/counts{'?' * bool(one)}{one}" for name, one in COUNTS.items()}
    for collection, sorts in SORTS.items():
        path = f"/ai/catalog/{collection}"
        asked |= {f"{collection} by {sort}": f"{path}?limit=100&sort={sort}" for sort in sorts}
        asked[f"{collection} with a score"] = f"{path}?limit=100&finding={FINDING}&minimum=0.5"
    asked["images by score"] = f"/ai/catalog/images?limit=100&finding={FINDING}&sort=score"
    asked["images as CSV"] = "/ai/catalog/images?limit=100&format=csv"
    return asked | operation()


def operation() -> dict[str, str]:
    """What the operator's page asks, and the page itself, by what they stand for."""
    return {
        "now": "/ai/now",
        "throughput": "/ai/throughput",
        "worklist": "/ai/worklist?limit=100",
        "worklist, newest": "/ai/worklist?limit=100&sort=newest",
        "worklist of a finding": f"/ai/worklist?limit=100&finding={FINDING}&above=true",
        "worklist, filters": "/ai/worklist?limit=100&modality=DX&studyDate=20180101-20191231&corrected=false",
        "drift": "/ai/drift",
        "drift of a finding": f"/ai/drift?finding={FINDING}",
        "drift by month and station": "/ai/drift?by=stationName&interval=month",
        "operator's page": "/ai?format=html",
        "operator's page, its live part": "/ai?format=html&live=true",
    }


class Client:
    """One connection."""

    def __init__(self, orthanc: Orthanc) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)

    def ask(self, path: str) -> tuple[int, bytes, float]:
        """Status, body, milliseconds."""
        started = time.perf_counter()
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        return answer.status, body, 1000 * (time.perf_counter() - started)

    def good(self, path: str) -> tuple[bytes, float]:
        """Body and milliseconds.

        Raises
        ------
        RuntimeError
            If the answer is not 200.
        """
        status, body, taken = self.ask(path)
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {path}: {status} {body[:200]!r}")
        return body, taken

    def put(self, path: str) -> None:
        """Put nothing to a path."""
        self._connection.request("PUT", path, b"")
        self._connection.getresponse().read()

    def middle(self, path: str, pages: int) -> str:
        """Path of a page some pages behind another one."""
        for _ in range(pages):
            path = json.loads(self.good(path)[0])["next"] or path
        return path


def measure(archive: Archive, size: int, folder: Path, rounds: int) -> dict[str, Any]:
    """What one server takes."""
    with server_on(archive, size, folder) as orthanc:
        orthanc.launch()
        orthanc.wait_for_http("/ai/status")
        orthanc.wait_idle()
        client = Client(orthanc)
        for study in orthanc.get("/studies")[::LABELLED]:
            client.put(f"/studies/{study}/labels/{LABEL}")
        started = time.perf_counter()
        while client.ask("/ai/catalog/counts")[0] != http.HTTPStatus.OK:
            if time.perf_counter() - started > LOAD_S:
                raise RuntimeError(f"the catalogue is not loaded after {LOAD_S:.0f} s")
            time.sleep(PAUSE_S)
        load_s = time.perf_counter() - started
        counts = json.loads(client.good("/ai/catalog/counts")[0])
        if set(counts.values()) != {size}:
            raise RuntimeError(f"the catalogue counts {counts}, not {size} films of as many patients")
        paths = questions()
        for collection in SORTS:
            first = f"/ai/catalog/{collection}?limit=100"
            paths[f"{collection}, middle"] = client.middle(first, size // 200)
        taken: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                taken[name].append(client.good(path)[1])
                time.sleep(PAUSE_S)
        used = memory(orthanc.pid)
    return {"size": size, "load_s": load_s, "rss_mib": used.rss if used else None, "milliseconds": taken}


def main(arguments: list[str]) -> int:
    """Run it; 0 if every median is as required at every size."""
    parser = argparse.ArgumentParser(prog="bench catalog", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="films in the archives")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, default=FOLDER / "growth.tmp", help="for the archives; it is kept")
    parser.add_argument("--name", default="catalog", help="of the file that is written")
    options = parser.parse_args(arguments)
    about = machine()
    archive = Archive(options.folder / "archive")
    for size in sorted(options.sizes):
        if size not in archive.sizes:
            archive.grow(size)
    servers = [measure(archive, size, options.folder / "server", options.rounds) for size in sorted(options.sizes)]
    names = list(servers[0]["milliseconds"])
    medians = {name: [percentile(one["milliseconds"][name], 0.5) for one in servers] for name in names}
    sizes = [f"{one['size']:,} films" for one in servers]
    rows = [(name, *(f"{one:.1f}" for one in medians[name]), f"{_required(name):.0f}") for name in names]
    print(table(("median ms", *sizes, "required"), rows))
    for one in servers:
        print(
            f"{one['size']:,} films: loaded {one['load_s']:.1f} s after the server was idle; {one['rss_mib']:.0f} MiB in all"
        )
    answer = {"question": QUESTION, "machine": about, "required_ms": {**REQUIRED_MS, "pages": PAGE_MS}}
    print(write_json(options.name, answer | {"medians": medians, "servers": servers}))
    return 0 if all(max(medians[name]) <= _required(name) for name in names) else 1


def _required(name: str) -> float:
    return next((one for beginning, one in REQUIRED_MS.items() if name.startswith(beginning)), PAGE_MS)
