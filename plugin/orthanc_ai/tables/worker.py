"""Tables, the half that runs in a worker."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydicom import FileDataset
from pydicom.dataset import Dataset

from ..analyses import Answer, Task
from ..batches.crew import answer_of_disk, answer_to
from ..deidentify.options import Options
from ..deidentify.pseudonyms import Pseudonyms
from .orders import ImageOrder, TableOrder
from .parts import piece
from .rows import Shown, rows_of
from .wanted import Wanted


class TableMaker:
    """Makes rows of images, and tables of rows."""

    def read(self, task: Task) -> Answer:
        """Carry out the `orders.ImageOrder`s, or the one `orders.TableOrder`, that are the task's payload."""
        try:
            match task.payload:
                case [TableOrder() as order]:
                    # Most workers never make a table, and so need not load what writes them.
                    from .assemble import assemble

                    return answer_to([assemble(order)])
                case orders:
                    return answer_to(write_rows(orders))
        except OSError as error:
            return answer_of_disk(error)


def write_rows(orders: Sequence[ImageOrder]) -> list[dict[str, Any]]:
    """Write the rows of some images into one file, so that nobody but the disk has them on their way.

    Returns
    -------
    For each image: ``file``, where its rows are; ``rows``, how many; ``codes``, how many have which; ``widths``, how many
    values the longest cell of each split tag has, by path.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    first = orders[0]
    wanted, shown = Wanted.of(first.request), _shown(first)
    layout = wanted.layout
    before = len(layout.before)
    split = [(before + place, tag.path) for place, tag in enumerate(layout.tags) if layout.is_split(tag)]
    file = piece(first.folder, first.number)
    file.parent.mkdir(parents=True, exist_ok=True)
    results = []
    with file.open("w", encoding="utf-8") as stream:
        for order in orders:
            codes, widths, count = Counter[str](), dict[str, int](), 0
            for row in rows_of(order, wanted, shown):
                count += 1
                if code := row[before - 1]:
                    codes[code] += 1
                for place, path in split:
                    widths[path] = max(widths.get(path, 1), len(row[place] or ()))
                json.dump(row, stream, separators=(",", ":"), allow_nan=False)
                stream.write("\n")
            results.append({"file": str(file), "rows": count, "codes": dict(codes), "widths": widths})
    return results


def _shown(order: ImageOrder) -> Shown:
    """What gives the header whose texts may be shown."""
    if order.request["deidentify"] is None:
        return lambda dataset: (dataset, None)
    from ..deidentify.dataset import deidentify

    if order.key is None:
        raise ValueError("no key of the pseudonyms")
    options, pseudonyms = Options.of(order.request["deidentify"]), Pseudonyms(order.key)

    def shown(dataset: FileDataset) -> tuple[Dataset, str]:
        made = deidentify(dataset, options, pseudonyms)
        return made.dataset, made.patient

    return shown
