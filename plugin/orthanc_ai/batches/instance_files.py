"""`InstanceFiles`: the DICOM files of instances, where the workers of a batch can read them."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from ..handover import Shared
from ..server import Server, ServerError
from ..storage import Storage


class InstanceFiles:
    """Files that workers can read: in Orthanc's storage directory, or, where Orthanc keeps them otherwise, copies.

    Parameters
    ----------
    folder
        For the copies; `clear` removes it.
    """

    def __init__(self, server: Server, storage: Storage, folder: Path) -> None:
        self._server = server
        self._storage = storage
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)

    def place(self, instance: str) -> Shared | None:
        """Where the file of an instance is; ``None`` if it is gone or Orthanc cannot read it.

        Raises
        ------
        OSError
            If it cannot be copied, e.g. for a full disk.
        """
        try:
            found = self._storage.payload(self._server, instance)
        except ServerError:
            return None
        if found is None or isinstance(found, Shared):
            return found
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = self._copy(instance)
        copy.write_bytes(found)
        return Shared(str(copy))

    def release(self, instances: Iterable[str]) -> None:
        """Nobody needs the files of these instances any more."""
        for instance in instances:
            self._copy(instance).unlink(missing_ok=True)

    def clear(self) -> None:
        """Nobody needs any file any more."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _copy(self, instance: str) -> Path:
        return self._folder / f"{instance}.dcm"
