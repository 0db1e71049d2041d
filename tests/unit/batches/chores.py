"""What the worker processes of test_crew do: good or bad, as the items say."""

import errno
import os
import signal
import time
from pathlib import Path

from orthanc_ai import workers
from orthanc_ai.analyses import Answer, Task
from orthanc_ai.batches.crew import answer_of_disk, answer_to
from orthanc_ai.settings import AI

CHORES = "chores"


class Obedient:
    """Notes down what it does, and does what the items say."""

    def read(self, task: Task) -> Answer:
        for _, chore, _ in task.payload:
            match chore:
                case "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "sleep":
                    time.sleep(60)
                case "raise":
                    raise ValueError("Doe^Jane")
                case "full":
                    return answer_of_disk(OSError(errno.ENOSPC, "Doe^Jane"))
                case "later":
                    time.sleep(0.5)
                case str() if chore.startswith("once "):
                    file = Path(chore.removeprefix("once "))
                    if not file.exists():
                        file.touch()
                        os.kill(os.getpid(), signal.SIGKILL)
        return answer_to([{"number": number, "process": os.getpid()} for number, *_ in task.payload])


def start(settings_json: str) -> None:
    """As the real workers start, but without the analyses."""
    workers.contain(AI.model_validate_json(settings_json))
    workers._readers[CHORES] = Obedient()
