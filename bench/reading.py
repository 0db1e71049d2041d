"""What the plugin's worker spends on a film of each kind, stage by stage, with no server around it.

``python3 -m bench.reading FOLDER TIMES`` reads the films of a folder with the plugin's own reader and prints JSON.
"""

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.mixture import Film
from tests.live.orthanc import MODELS_CACHE, ROOT


def by_kind(films: Sequence[Film], times: int) -> dict[str, dict[str, float]]:
    """Median processor seconds by stage, by name of the kind of film; in a process of its own, as a worker is one."""
    command = [sys.executable, "-m", "bench.reading", str(times), *(str(film.path) for film in films)]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
    return {film.kind.name: answer[str(film.path)] for film in films}


def _read(times: int, paths: Sequence[str]) -> dict[str, dict[str, float]]:
    from orthanc_ai.analyses import XRAY, Task
    from orthanc_ai.codes import Code
    from orthanc_ai.models.card import load_card
    from orthanc_ai.models.prepared import load_prepared
    from orthanc_ai.settings import AI
    from orthanc_ai.xray.analysis import RadiographReader

    settings = AI(model="phantom", models_directory=ROOT / "models", cache_directory=MODELS_CACHE)
    weights = load_prepared(load_card(settings.models_directory, settings.model), MODELS_CACHE).weights_digest
    reader = RadiographReader(settings)
    taken = {}
    for path in paths:
        stages = defaultdict(list)
        for _ in range(times + 1):
            answer = reader.read(Task(XRAY, Path(path).read_bytes(), "bench", weights=weights))
            if answer.outcome.code is not Code.REPORTED:
                raise RuntimeError(f"{path}: {answer.outcome.code} {answer.outcome.detail}")
            for stage, seconds in answer.cpu_seconds.items():
                stages[stage].append(seconds)
        # The first time of each warms caches, and of all loads the model.
        taken[path] = {stage: statistics.median(values[1:]) for stage, values in stages.items()}
    return taken


if __name__ == "__main__":
    print(json.dumps(_read(int(sys.argv[1]), sys.argv[2:])))
