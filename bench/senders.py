"""Two ways in, with as many clients as saturate a small server."""

import http.client
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.live.orthanc import Orthanc

CLIENTS = 4
"""Clients at once: as many associations as Orthanc serves at a time (`DicomThreadsCount`)."""

DCMSEND = "/usr/bin/dcmsend"
"""DCMTK's sender: far cheaper than a Python one, which would take the processor from the server."""


def by_c_store(orthanc: Orthanc, films: Sequence[Path]) -> None:
    """C-STORE, `CLIENTS` associations at once.

    Raises
    ------
    RuntimeError
        If a film was not taken.
    """
    senders = [
        subprocess.Popen(
            [DCMSEND, "-aet", "STORESCU", "-aec", "ORTHANC", "127.0.0.1", str(orthanc.dicom_port), *films[k::CLIENTS]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for k in range(CLIENTS)
    ]
    for sender in senders:
        output, _ = sender.communicate()
        if sender.returncode:
            raise RuntimeError(f"dcmsend: {output.decode()[-500:]}")


def by_c_store_timed(orthanc: Orthanc, films: Sequence[Path], clients: int = CLIENTS) -> dict[Path, float]:
    """C-STORE as by `by_c_store`; when the sender had the answer to each film (`time.perf_counter`).

    Raises
    ------
    RuntimeError
        If a film was not taken.
    """

    def send(mine: Sequence[Path]) -> list[float]:
        to = ["-aet", "STORESCU", "-aec", "ORTHANC", "127.0.0.1", str(orthanc.dicom_port)]
        command = [DCMSEND, "-v", *to, *map(str, mine)]
        ends: list[float] = []
        lines: list[str] = []
        # DCMTK writes each line at once, and sends the files in the order that they are named in.
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sender:
            assert sender.stdout is not None
            for line in sender.stdout:
                lines.append(line)
                if "Received C-STORE Response (Success)" in line:
                    ends.append(time.perf_counter())
        if sender.returncode or len(ends) != len(mine):
            raise RuntimeError(f"dcmsend: {''.join(lines)[-500:]}")
        return ends

    shares = [films[k::clients] for k in range(min(clients, len(films)))]
    with ThreadPoolExecutor(len(shares)) as pool:
        ends = list(pool.map(send, shares))
    return {film: at for share, times in zip(shares, ends, strict=True) for film, at in zip(share, times, strict=True)}


def by_http(orthanc: Orthanc, films: Sequence[Path]) -> None:
    """``POST /instances``, `CLIENTS` connections at once.

    Raises
    ------
    RuntimeError
        If a film was not taken.
    """

    def send(mine: Sequence[Path]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
        for film in mine:
            connection.request("POST", "/instances", film.read_bytes(), {"Expect": ""})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"POST /instances: {answer.status} {body.decode()[:200]}")
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send, (films[k::CLIENTS] for k in range(CLIENTS))))


WAYS: Mapping[str, Callable[[Orthanc, Sequence[Path]], None]] = {"C-STORE": by_c_store, "HTTP": by_http}
