"""Where Orthanc keeps the files of instances, so that a worker can read one without a detour through the server.

By the plugin SDK ten megabytes are copied three times before they are ours. Where Orthanc keeps its files in an ordinary
folder, a worker reads them from there, out of the page cache that Orthanc has just filled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .handover import Shared
from .server import Server


def storage_folder(configuration: Mapping[str, Any], folder: Path) -> Path:
    """Orthanc's storage directory.

    Parameters
    ----------
    configuration
        Of Orthanc, as a whole.
    folder
        Where relative paths begin: the folder of Orthanc's configuration.
    """
    return folder / str(configuration.get("StorageDirectory", "OrthancStorage"))


class Storage:
    """Files of instances.

    Parameters
    ----------
    folder
        Orthanc's storage directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_plain: bool | None = None

    def payload(self, server: Server, instance: str) -> Shared | bytes | None:
        """A place from which a worker can read an instance's file, or the file itself; ``None`` if it is gone.

        Raises
        ------
        ServerError
            If Orthanc cannot read it.
        """
        path = self._path(server, instance)
        # What is not there may have gone, or lie elsewhere: Orthanc knows, and says what is wrong.
        return Shared(str(path)) if path is not None and path.is_file() else server.file(instance)

    def _path(self, server: Server, instance: str) -> Path | None:
        if self._is_plain is None:
            system = server.get("/system") or {}
            self._is_plain = system.get("StorageAreaPlugin", "") is None
        if not self._is_plain:
            return None
        stored = server.get(f"/instances/{instance}/attachments/dicom/info")
        # A server may have compressed its files in earlier days.
        if not stored or stored["CompressedSize"] != stored["UncompressedSize"]:
            return None
        # As FilesystemStorage::GetPath of Orthanc has it.
        uuid = str(stored["Uuid"])
        return self._folder / uuid[:2] / uuid[2:4] / uuid
