"""Files that a worker asks for while it is at a task, on their way to it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from .handover import Handover, Shared
from .server import ServerError

MAXIMUM_FILES = 1000
"""Files that one task may ask for. What is asked for beyond that is not given."""

MAXIMUM_BYTES = 512 * 2**20
"""Memory for files that a worker cannot read from Orthanc's storage directory. Others are not given."""


@contextmanager
def handed_over(
    file: Callable[[str], Shared | bytes | None], wanted: Iterable[str], *, doing_without: bool
) -> Iterator[Mapping[str, Shared]]:
    """Files for as long as a worker needs them.

    Parameters
    ----------
    file
        Gives a file, or its place, by SOP Instance UID; ``None`` if it is gone.
    wanted
        SOP Instance UIDs.
    doing_without
        Whether files that Orthanc cannot read are left out.

    Yields
    ------
    Where they lie. Those that are gone or too many are left out.

    Raises
    ------
    ServerError
        If Orthanc cannot read one, and it is not to be left out.
    """
    memory = Handover()
    left = MAXIMUM_BYTES
    places: dict[str, Shared] = {}
    try:
        for uid in list(wanted)[:MAXIMUM_FILES]:
            try:
                found = file(uid)
            except ServerError:
                if not doing_without:
                    raise
                continue
            if isinstance(found, bytes):
                if len(found) > left:
                    continue
                left -= len(found)
                found = memory.add(found)
            if found is not None:
                places[uid] = found
        yield places
    finally:
        memory.close()
