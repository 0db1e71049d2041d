"""Datasets."""

from ...codes import Code
from ...datasets.orders import DATASETS
from .. import datasets
from ..route import Route
from .batches import of_batches


def of_datasets() -> list[Route]:
    """Their routes."""
    return [
        *of_batches(
            DATASETS,
            "a dataset of images",
            datasets.DatasetRequest,
            datasets.begin_dataset,
            problems=(
                Code.NOT_FOUND,
                Code.AMBIGUOUS_IDENTIFIER,
                Code.KEY_DESTROYED,
                Code.LABELS_UNREADABLE,
                Code.LABELS_CONTRADICT,
            ),
        ),
        Route(
            "GET",
            f"/ai/{DATASETS}/{{id}}/manifest",
            "What a dataset holds, what was left out, and from what it was made",
            lambda context, call: datasets.read_manifest(context, call.path["id"]),
            None,
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{DATASETS}/{{id}}/zip",
            "The whole dataset",
            lambda context, call: datasets.download_all(context, call.path["id"]),
            None,
            media_type="application/zip",
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{DATASETS}/{{id}}/files/{{file}}",
            "One file of a dataset",
            lambda context, call: datasets.download_file(context, call.path["id"], call.path["file"]),
            None,
            media_type="application/octet-stream",
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{DATASETS}/{{id}}/images/{{name}}",
            "What is known of an image, by the name of its file",
            lambda context, call: datasets.read_image(context, call.path["id"], call.path["name"]),
            datasets.ImageView,
            problems=(Code.NOT_FOUND,),
        ),
    ]
