"""Volumes, the half that runs in a worker."""

import errno

from ..analyses import Answer, Task
from ..cardiac.select import Rules
from ..cardiac.words import Words
from ..codes import Code
from ..outcomes import Outcome
from ..settings import AI
from .errors import VolumeError
from .orders import PlanOrder


class VolumeWriter:
    """Finds the volumes of a series, and writes them."""

    def __init__(self, settings: AI) -> None:
        self._rules = Rules(words=Words.with_cardiac(settings.cardiac_ct.words))

    def read(self, task: Task) -> Answer:
        """Carry out the `orders.PlanOrder` or `orders.PhaseOrder` that is the task's payload.

        The answer's outcome is ``ACCEPTED`` for a plan, ``EXPORTED`` for a phase, and else says what is wrong. ``STORE_FAILED``
        has the error number of the operating system as its detail.
        """
        # Most workers never write a volume, and so need not load what writes them.
        from .export import plan, write_phase

        order = task.payload
        try:
            if isinstance(order, PlanOrder):
                return Answer(Outcome(Code.ACCEPTED, task.recipe, data=plan(order, self._rules)))
            return Answer(Outcome(Code.EXPORTED, task.recipe, data=write_phase(order)))
        except VolumeError as error:
            return Answer(Outcome(error.code, task.recipe, str(error)))
        except OSError as error:
            return Answer(Outcome(Code.STORE_FAILED, task.recipe, str(error.errno or errno.EIO)))
