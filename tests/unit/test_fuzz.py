"""The fuzz targets run, and find nothing near their seeds."""

import subprocess
import sys

import pytest

from tests.fuzz import TARGETS

pytest.importorskip("atheris", reason="missing resource: atheris, of which there is no build for this Python")

RUNS = 300


@pytest.mark.parametrize("target", TARGETS)
def test_target_finds_nothing_near_its_seeds(target: str) -> None:
    # By a shell that forks: Linux counts what this process has ever taken as the peak of whatever it starts, and libFuzzer
    # would hold that against its limit.
    command = ["sh", "-c", '"$@"; exit $?', "sh"]
    command += [sys.executable, "-m", "tests.fuzz", target, "--lightly", f"-runs={RUNS}", "-seed=1"]
    fuzzing = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert fuzzing.returncode == 0, fuzzing.stderr[-3000:]
    assert f"stat::number_of_executed_units: {RUNS}" in fuzzing.stderr
