"""What the worker processes of test_workers do in place of reading images: cheap, and good or bad as they are told."""

import hashlib
import os
import signal
import time

from orthanc_ai import workers
from orthanc_ai.analyses import Answer, Task
from orthanc_ai.codes import Code
from orthanc_ai.models.errors import DeviceLostError
from orthanc_ai.outcomes import Outcome
from orthanc_ai.settings import AI

CHEAP = "cheap"


class Obedient:
    """Does what the payload says."""

    def read(self, task: Task) -> Answer:
        match task.payload:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "abort":
                os.abort()
            case "sleep":
                time.sleep(60)
            case "eat":
                bytearray(10**12)
            case "raise":
                raise ValueError("Doe^Jane")
            case "lose":
                raise DeviceLostError("EOFError")
            case bytes():
                return Answer(Outcome(Code.REPORTED, task.recipe, detail=hashlib.sha256(task.payload).hexdigest()))
        return Answer(Outcome(Code.REPORTED, task.recipe, detail=str(os.getpid()), data={"nice": os.nice(0)}))


def start(settings_json: str) -> None:
    """As the real workers start, but without the analyses."""
    workers.contain(AI.model_validate_json(settings_json))
    workers._readers[CHEAP] = Obedient()


def start_badly(_: str) -> None:
    """A worker that cannot be made ready."""
    os._exit(3)
