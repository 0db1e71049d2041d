"""Exports of volumes."""

from ...codes import Code
from ...volumes.orders import VOLUMES
from .. import volumes
from ..route import Route
from .batches import of_batches


def of_volumes() -> list[Route]:
    """Their routes."""
    return [
        *of_batches(
            VOLUMES,
            "an export of CT volumes",
            volumes.VolumesRequest,
            volumes.begin_export,
            problems=(Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER),
        ),
        Route(
            "GET",
            f"/ai/{VOLUMES}/{{id}}/manifest",
            "What an export holds, and what it does not",
            lambda context, call: volumes.read_manifest(context, call.path["id"]),
            volumes.Manifest,
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{VOLUMES}/{{id}}/zip",
            "Everything that an export has made so far",
            lambda context, call: volumes.download_all(context, call.path["id"]),
            None,
            media_type="application/zip",
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{VOLUMES}/{{id}}/files/{{file}}",
            "One file of an export",
            lambda context, call: volumes.download_file(context, call.path["id"], call.path["file"]),
            None,
            media_type="application/octet-stream",
            problems=(Code.NOT_FOUND,),
        ),
    ]
