"""The container image, built from the real Dockerfile and run by its own ENTRYPOINT and CMD."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from .image import ENVIRONMENT, PRODUCT, Builder, Image, started_in

pytestmark = pytest.mark.image

STORAGE = Path("/var/tmp/orthanc-ai-image")
"""In the box, not in its /tmp in memory: layers take 3 GB. They are kept for the next run; `make clean` removes them."""

MAIN_LIVE_TEST = "tests/live/test_identity.py"
SERVICE = yaml.safe_load((PRODUCT / "docker-compose.yml").read_text())["services"]["orthanc-ai"]
"""How docker-compose.yml runs the image."""

REQUEST = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", 8042, timeout=10)
connection.request("GET", sys.argv[1])
answer = connection.getresponse()
print(answer.status)
print(answer.read().decode())
"""
USERS = {"RegisteredUsers": {"radiographer": "a long password"}, "AI": {"Operators": ["radiographer"]}}


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    builder = Builder(STORAGE)
    yield builder.build()
    builder.release()


@contextmanager
def running(command: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server in a network of its own, so that it can have the ports of the image's configuration."""
    alone = ["unshare", "--net", "sh", "-ec", 'ip link set lo up; exec "$@"', "sh", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(alone, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def inside(process: "subprocess.Popen[bytes]", *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command where the server runs, as ``docker exec`` does."""
    enter = ["nsenter", f"--target={process.pid}", "--net", "--mount", "--root", "--wdns=/opt/orthanc-ai"]
    return subprocess.run([*enter, *command], capture_output=True, text=True, timeout=60, check=False)


def request(process: "subprocess.Popen[bytes]", path: str) -> tuple[int, str]:
    """HTTP status and body of a request from inside, without credentials."""
    answer = inside(process, "/opt/venv/bin/python3", "-c", REQUEST, path)
    status, _, body = answer.stdout.partition("\n")
    return int(status or 0), body


def wait_until_healthy(process: "subprocess.Popen[bytes]", log: Path, *check: str) -> None:
    """Wait until the check is content."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        answer = inside(process, *check)
        if answer.returncode == 0:
            return
        time.sleep(0.5)
    pytest.fail(f"not healthy: {answer}\n{log.read_text()[-3000:]}")


def test_entrypoint_command_ports_and_volume_are_those_of_the_base(image: Image) -> None:
    assert (image.entrypoint, image.command) == (["Orthanc"], ["/etc/orthanc/"])
    assert image.ports == ["4242/tcp", "8042/tcp"]
    assert "/var/lib/orthanc/db" in image.volumes


def test_only_the_wanted_plugins_are_loaded(image: Image) -> None:
    wanted = {path.name for path in Path(image.root, "opt/orthanc-plugins").iterdir()}
    there = {path.name for path in Path(image.root, "usr/local/share/orthanc/plugins").iterdir()}
    assert wanted == {"libOrthancPython.so", "libOrthancDicomWeb.so", "libOrthancGdcm.so"}
    assert wanted < there


def test_as_built_it_serves_itself_and_holds_work_for_the_model_of_record(image: Image, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(image.start_command(), log) as process:
        wait_until_healthy(process, log, "/opt/venv/bin/python3", "-m", "tools.health", "/etc/orthanc/")
        status, body = request(process, "/ai/status")
        assert status == 200
        assert "densenet121-res224-all" in body
        assert request(process, "/ohif/")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0


def test_open_to_others_it_wants_a_registered_user(image: Image, tmp_path: Path) -> None:
    site = tmp_path / "site.json"
    site.write_text(json.dumps(USERS))
    log = tmp_path / "log"
    command = image.start_command([(site, SERVICE["secrets"][0]["target"])], SERVICE["command"])
    with running(command, log) as process:
        assert SERVICE["healthcheck"]["test"][0] == "CMD-SHELL"
        wait_until_healthy(process, log, "sh", "-c", SERVICE["healthcheck"]["test"][1])
        assert request(process, "/ai/status")[0] == 401
        assert request(process, "/system")[0] == 401


def test_open_to_others_it_does_not_start_without_users(image: Image, tmp_path: Path) -> None:
    with running(image.start_command(arguments=SERVICE["command"]), tmp_path / "log") as process:
        assert process.wait(60) != 0
    assert "RegisteredUsers" in (tmp_path / "log").read_text()


@pytest.mark.usefixtures("data")
def test_the_main_live_test_passes_in_the_image(image: Image, tmp_path: Path) -> None:
    description = tmp_path / "image.json"
    image.write(description)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", MAIN_LIVE_TEST]
    done = subprocess.run(
        command,
        cwd=PRODUCT,
        env=os.environ | {ENVIRONMENT: str(description)},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert started_in(description).exists(), "the tests did not ask for servers in the image (image.server_command)"
