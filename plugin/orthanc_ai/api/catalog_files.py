"""``/ai/catalog/files/{file}``: images of all datasets by the names of their files."""

from ..codes import Code
from ..datasets.lookup import find_in_all
from ..datasets.orders import DATASETS
from .context import Context
from .datasets import ImageView
from .http import Problem
from .views import View


class NamedFile(View):
    """An image of a dataset."""

    dataset: str
    """The dataset, as `/ai/datasets` names it."""
    image: ImageView


class NamedFiles(View):
    """Images with one file name, each of another dataset, the oldest first."""

    files: list[NamedFile]


def files(context: Context, name: str) -> NamedFiles:
    """What the datasets say of the images whose files have a name.

    Parameters
    ----------
    name
        Of the file; folders before it do not matter.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    found = find_in_all(context.batches[DATASETS], name.rpartition("/")[2])
    listed = [NamedFile(dataset=dataset, image=ImageView.model_validate(entry)) for dataset, entry in found]
    if not listed:
        raise Problem(Code.NOT_FOUND, "No dataset that is complete has an image of this name.")
    return NamedFiles(files=listed)
