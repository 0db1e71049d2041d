"""How fast `/ai` answers while inference runs.

One client asks each route in turn over one connection, first while a backlog is analysed, then while films arrive as
well, as fast as the server takes them.
"""

import argparse
import http.client
import itertools
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.answers import FOLDER, machine, percentile, table, write_json
from bench.films import Films
from bench.senders import by_http
from bench.servers import check_busy, fresh_server, wait_until_busy
from tests.live.orthanc import Orthanc

QUESTION = "Milliseconds from question to answer, for each route, while inference runs"

REQUIRED_MS = 50.0
"""The 99th percentile while inference runs."""

ROUTES = ("/ai/status", "/ai/findings", "/ai/jobs")

ROWS, COLUMNS = 512, 420

ANALYSED_PER_S = 30
"""More than two workers analyse: so many films per second of the measurement keep them busy throughout."""

PAUSE_S = 0.005
"""Between two questions, as a person's browser leaves more."""


def ask(orthanc: Orthanc, routes: Sequence[str], seconds: float) -> dict[str, list[float]]:
    """Ask for a while; milliseconds by route.

    Raises
    ------
    RuntimeError
        If an answer is not 200.
    """
    taken: dict[str, list[float]] = {route: [] for route in routes}
    connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
    until = time.perf_counter() + seconds
    for route in itertools.cycle(routes):
        started = time.perf_counter()
        if started > until:
            break
        connection.request("GET", route)
        answer = connection.getresponse()
        answer.read()
        taken[route].append(1000 * (time.perf_counter() - started))
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {route}: {answer.status}")
        time.sleep(PAUSE_S)
    connection.close()
    return taken


@contextmanager
def arriving(orthanc: Orthanc, films: Sequence[Path], seconds: float) -> Iterator[None]:
    """Films arrive meanwhile, from several clients."""
    pace = len(films) / seconds
    errors: list[Exception] = []

    def send() -> None:
        until = time.perf_counter() + seconds
        batch = max(1, round(pace))
        for k in range(0, len(films), batch):
            if time.perf_counter() > until:
                return
            try:
                by_http(orthanc, films[k : k + batch])
            except Exception as error:  # noqa: BLE001 - handed to the thread that waits
                errors.append(error)
                return

    sender = threading.Thread(target=send)
    sender.start()
    yield
    sender.join()
    if errors:
        raise errors[0]


def main(arguments: list[str]) -> int:
    """Run it; 0 if every route is quick enough while inference runs."""
    parser = argparse.ArgumentParser(prog="bench responses", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the two measurements")
    parser.add_argument("--routes", nargs="+", default=ROUTES)
    parser.add_argument("--folder", type=Path, default=FOLDER / "responses.tmp", help="for films and archive")
    parser.add_argument("--name", default="responses", help="of the file that is written")
    options = parser.parse_args(arguments)
    about = machine()
    films = Films(ROWS, COLUMNS)
    backlog = round(ANALYSED_PER_S * options.seconds)
    arrivals = round(10 * ANALYSED_PER_S * options.seconds)
    paths = films.write(options.folder / "films", range(backlog + arrivals))
    taken = {}
    with fresh_server(options.folder / "server", plugin=True) as orthanc:
        by_http(orthanc, paths[:backlog])
        wait_until_busy(orthanc)
        taken["inference"] = ask(orthanc, options.routes, options.seconds)
        check_busy(orthanc)
        with arriving(orthanc, paths[backlog:], options.seconds):
            taken["inference and arrivals"] = ask(orthanc, options.routes, options.seconds)
        check_busy(orthanc)
    shutil.rmtree(options.folder / "films")
    rows = [
        {
            "meanwhile": meanwhile,
            "route": route,
            "asked": len(times),
            "p50_ms": percentile(times, 0.5),
            "p99_ms": percentile(times, 0.99),
            "max_ms": max(times),
        }
        for meanwhile, by_route in taken.items()
        for route, times in by_route.items()
    ]
    text = [
        (
            f"{row['route']}, {row['meanwhile']}",
            str(row["asked"]),
            *(f"{row[k]:.1f}" for k in ("p50_ms", "p99_ms", "max_ms")),
        )
        for row in rows
    ]
    print(table(("", "asked", "p50 ms", "p99 ms", "max ms"), text))
    print(f"required while inference runs: p99 {REQUIRED_MS:.0f} ms")
    answer = {"question": QUESTION, "machine": about, "required_ms": REQUIRED_MS}
    print(write_json(options.name, answer | {"summary": rows, "milliseconds": taken}))
    return 0 if all(percentile(times, 0.99) <= REQUIRED_MS for times in taken["inference"].values()) else 1
