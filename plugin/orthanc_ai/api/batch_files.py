"""The files that a batch has made, on their way out: one of them, or all as an archive."""

from collections.abc import Mapping
from pathlib import Path

from ..codes import Code
from .batches import missing
from .context import Context
from .downloads import chunks_of, is_finished, media_type, zipped
from .http import Problem, Response


def folder_of(context: Context, kind: str, identifier: str) -> Path:
    """The folder of what a batch has made so far.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    folder = context.batches[kind].output(identifier)
    if folder is None:
        raise missing(kind)
    return folder


def one_file(folder: Path, name: str) -> Response:
    """One file of a batch.

    Parameters
    ----------
    name
        Path below the folder; it may be anything that somebody has typed.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    not_there = Problem(Code.NOT_FOUND, "There is no such file; the manifest names those that there are.")
    try:
        folder, file = folder.resolve(), (folder / name).resolve()
        if not file.is_relative_to(folder) or not is_finished(file.relative_to(folder)):
            raise not_there
        size, chunks = chunks_of(file)
    except (OSError, ValueError):
        # It is not there, is a folder, or its name is none: too long, or with a zero in it.
        raise not_there from None
    # Whoever gets less than this knows that it is not all.
    headers = _saved_as(file.name) | {"Content-Length": str(size)}
    return Response(b"", media_type(file), headers=headers, chunks=chunks)


def all_files(folder: Path, name: str, further: Mapping[str, bytes]) -> Response:
    """Everything in a folder that is finished, as a ZIP archive.

    Parameters
    ----------
    name
        Of the archive, without ending, and of the folder in it.
    further
        Files by name that are not, or not as they are to be, in the folder.
    """
    headers = _saved_as(f"{name}.zip")
    return Response(b"", "application/zip", headers=headers, chunks=zipped(folder, name, further))


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
