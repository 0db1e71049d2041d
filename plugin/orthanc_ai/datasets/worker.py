"""Datasets, the half that runs in a worker."""

from .. import workers
from ..analyses import Answer, Task
from ..batches.crew import answer_of_disk, answer_to
from ..settings import AI
from .orders import DATASETS


class DatasetWriter:
    """Writes images."""

    def read(self, task: Task) -> Answer:
        """Carry out the `orders.ImageOrder`s that are the task's payload."""
        # Most workers never write a dataset, and so need not load what writes them.
        from .image import write_instance

        try:
            return answer_to([write_instance(order) for order in task.payload])
        except OSError as error:
            return answer_of_disk(error)


def start(settings_json: str) -> None:
    """Make a worker process ready that writes datasets and does nothing else."""
    workers.contain(AI.model_validate_json(settings_json))
    from . import image  # noqa: F401  # so that the first image need not wait for it

    workers.register(DATASETS, DatasetWriter())
