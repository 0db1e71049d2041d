"""Tables of tags."""

from ...codes import Code
from ...tables.orders import TABLES
from .. import tables_of_tags
from ..route import Route
from .batches import of_batches


def of_tables() -> list[Route]:
    """Their routes."""
    return [
        *of_batches(
            TABLES,
            "a table of tags and pixel statistics",
            tables_of_tags.TablesRequest,
            tables_of_tags.begin_table,
            problems=(Code.TAG_UNKNOWN, Code.TAG_WITHOUT_COLUMN, Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER),
        ),
        Route(
            "GET",
            f"/ai/{TABLES}/{{id}}/files/{{file}}",
            "One file of a table",
            lambda context, call: tables_of_tags.download_file(context, call.path["id"], call.path["file"]),
            None,
            media_type="application/octet-stream",
            problems=(Code.NOT_FOUND,),
        ),
    ]
