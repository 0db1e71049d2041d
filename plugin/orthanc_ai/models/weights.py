"""Weights files: fetched by TorchXRayVision, locked at first sight, checked before they are unpickled.

A pickle runs whatever code it holds. So a weights file is trusted once, when it is first seen and turns out to be what
its card promises; from then on its digest is locked, and any other file is refused unread.
"""

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..codes import Code
from ..files import sha256_of, write_atomically
from .card import ModelCard
from .errors import ModelError
from .prepared import Preparable
from .segmentation_card import SegmentationCard

LOCK_FILE = "weights.lock.json"


def embedded_weights(card: ModelCard, models: Path) -> Path:
    """The weights file beside a card, its digest compared with the card's.

    Raises
    ------
    ModelError
        ``MODEL_MISSING`` or ``MODEL_TAMPERED``.
    """
    file = models / card.name / card.weights.file
    if not file.is_file():
        raise ModelError(Code.MODEL_MISSING, f"{file} is not there")
    if (found := sha256_of(file)) != card.weights.sha256:
        raise _tampered(file, found, str(card.weights.sha256))
    return file


def cached_weights(card: Preparable, folder: Path) -> Path | None:
    """The weights file in the cache, its digest compared with the locked one; ``None`` if it is not there.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``; ``MODEL_INVALID`` if the lock is unreadable.
    """
    file = folder / card.weights.file
    if not file.is_file():
        return None
    check_lock(folder, file, sha256_of(file))
    return file


def fetch_weights(card: Preparable, folder: Path, timeout_s: float, mirror: str | None) -> Path:
    """Let TorchXRayVision download a weights file into the cache.

    Parameters
    ----------
    folder
        The model's folder in the cache.
    timeout_s
        How long the download may take in all.
    mirror
        Where to take the file from instead of GitHub: the address of a folder that holds a file of the same name.

    Raises
    ------
    ModelError
        ``MODEL_MISSING`` if it cannot be fetched, ``MODEL_TAMPERED`` if it is not the file seen first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A folder of its own: TorchXRayVision goes on with whatever an interrupted download left behind.
    staging = Path(tempfile.mkdtemp(dir=folder, prefix=".fetch."))
    try:
        return adopt(card, folder, _download(card, staging, timeout_s, mirror))
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def adopt(card: Preparable, folder: Path, file: Path) -> Path:
    """Take a weights file into the cache if it is the one seen first, or the first seen.

    Raises
    ------
    ModelError
        ``MODEL_MISSING`` if there is no such file, ``MODEL_TAMPERED``, ``MODEL_INVALID`` as in `cached_weights`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not file.is_file():
        raise ModelError(Code.MODEL_MISSING, f"{file} is not there")
    check_lock(folder, file, sha256_of(file))
    cached = folder / card.weights.file
    write_atomically(cached, file.read_bytes())
    return cached


def lock(folder: Path, file: Path, digest: str) -> None:
    """Write down the digest of a weights file that proved good, unless that has been done."""
    if locked_digest(folder) is None:
        seen = datetime.now(UTC).isoformat(timespec="seconds")
        content = json.dumps({"file": file.name, "sha256": digest, "first_seen": seen}, indent=2) + "\n"
        write_atomically(folder / LOCK_FILE, content.encode())


def locked_digest(folder: Path) -> str | None:
    """The digest of the weights file seen first; ``None`` if none has been seen.

    Raises
    ------
    ModelError
        ``MODEL_INVALID`` if the lock is unreadable.
    """
    file = folder / LOCK_FILE
    try:
        return str(json.loads(file.read_text())["sha256"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(Code.MODEL_INVALID, f"{file} cannot be read: {error}") from error


def check_lock(folder: Path, file: Path, digest: str) -> None:
    """Refuse a weights file whose digest is not the locked one.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``; ``MODEL_INVALID`` if the lock is unreadable.
    """
    locked = locked_digest(folder)
    if locked is not None and digest != locked:
        raise _tampered(file, digest, locked)


@contextmanager
def private_copy(file: Path, digest: str) -> Iterator[Path]:
    """A copy that is certain to have the digest, in a folder that only this user can write to.

    What is checked is then what is unpickled, whatever happens to the file in between.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``.
    """
    with tempfile.TemporaryDirectory(prefix="orthanc-ai-") as folder:
        copy = Path(folder) / file.name
        shutil.copyfile(file, copy)
        if (found := sha256_of(copy)) != digest:
            raise _tampered(file, found, digest)
        yield copy


def _tampered(file: Path, found: str, wanted: str) -> ModelError:
    return ModelError(Code.MODEL_TAMPERED, f"{file}: SHA-256 is {found}, but it was {wanted} when first seen")


def _download(card: Preparable, staging: Path, timeout_s: float, mirror: str | None) -> Path:
    theirs = _address(card)
    address = theirs if mirror is None else f"{mirror.rstrip('/')}/{card.weights.file}"
    outcome: list[str | BaseException] = []

    def download() -> None:
        try:
            outcome.append(_take(card, address, staging))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            outcome.append(error)

    # TorchXRayVision bounds each wait for data, not the whole; a daemon, so that giving up is possible.
    thread = threading.Thread(target=download, name="fetch-weights", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not outcome:
        raise ModelError(Code.MODEL_MISSING, f"{address} was not fetched within {timeout_s:g} s")
    if isinstance(outcome[0], BaseException):
        raise ModelError(Code.MODEL_MISSING, f"{address} cannot be fetched: {outcome[0]}") from outcome[0]
    return Path(outcome[0])


# TorchXRayVision brings torch, which only the process that prepares a model loads.


def _address(card: Preparable) -> str:
    import torchxrayvision

    if isinstance(card, SegmentationCard):
        return card.address
    return str(torchxrayvision.models.model_urls[card.name]["weights_url"])


def _take(card: Preparable, address: str, staging: Path) -> str:
    """Let TorchXRayVision fetch a file; its path."""
    import torchxrayvision

    if isinstance(card, SegmentationCard):
        file = str(staging / card.weights.file)
        torchxrayvision.utils.download(address, file)
        return file
    entry = torchxrayvision.models.model_urls[card.name]
    try:
        torchxrayvision.models.model_urls[card.name] = {**entry, "weights_url": address}
        return str(torchxrayvision.models.get_weights(card.name, cache_dir=str(staging)))
    finally:
        torchxrayvision.models.model_urls[card.name] = entry
