"""``POST /ai/.../overlays``: heat maps, outlines and lines as DICOM objects, which viewers show."""

from collections.abc import Iterable
from datetime import UTC, datetime

from ..codes import Code
from ..outcomes import OVERLAYS_METADATA
from ..server import Level, Resource, Server
from ..xray.select import is_xray
from .analyze import Queued, queued
from .context import Context
from .findings import xrays
from .http import Problem
from .identify import identify
from .reading import tag


def ask(context: Context, level: Level, identifier: str) -> Queued:
    """Have the overlays of all X-rays of a resource written.

    That stays so: an image that is analysed again gets them anew.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``, ``NOTHING_TO_ANALYZE``.
    """
    server = context.server
    resource = identify(server, level, identifier)
    found = False
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for image in _images(server, level, resource):
        found = True
        if OVERLAYS_METADATA not in image.metadata:
            server.set_metadata("instance", image.identifier, OVERLAYS_METADATA, now)
    if not found:
        raise Problem(Code.NOTHING_TO_ANALYZE)
    # Asked for last: the recipe of an image depends on its metadata.
    return queued(level, resource, context.queue.request(level, resource.identifier))


def _images(server: Server, level: Level, resource: Resource) -> Iterable[Resource]:
    """The X-rays below a resource; a CT series of a thousand slices is not even looked into."""
    if level == "instance":
        return [resource] if is_xray(tag(resource, "Modality"), resource.metadata.get("SopClassUid", "")) else []
    series = [resource] if level == "series" else server.children(level, resource.identifier, "series")
    return (image for one in series for image in xrays(server, one))
