"""Make a model ready to be served: fetch its weights, check them, export them to ONNX.

Run as ``python3 -m orthanc_ai.models.prepare NAME --models DIR --cache DIR``, in a process of its own, because it
unpickles. Exit status: 0 ready, 3 the weights cannot be fetched, 4 they differ from those seen first, 5 they or the card
cannot be used, 2 wrong usage. What went wrong is the last line of the output.
"""

import argparse
import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..codes import Code
from ..files import sha256_of
from .card import ModelCard, load_card
from .errors import ModelError
from .prepared import Preparable, Prepared, load_prepared, save_prepared
from .segmentation_card import SegmentationCard, load_segmentation_card, segmentation_card_names
from .weights import adopt, cached_weights, embedded_weights, fetch_weights, lock, locked_digest

DEFAULT_TIMEOUT_S = 600.0

# Held while a model is prepared; all other hidden files are temporary.
_IN_USE_FILE = ".in-use"
_EXIT_STATUS = {Code.MODEL_MISSING: 3, Code.MODEL_TAMPERED: 4, Code.MODEL_INVALID: 5}


def prepare[C: (ModelCard, SegmentationCard)](
    card: C,
    models: Path,
    cache: Path,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    mirror: str | None = None,
    weights_file: Path | None = None,
) -> Prepared[C]:
    """Make a model ready, unless it is. Unpickles: not for the server's process.

    Parameters
    ----------
    models
        The folder of the cards, with embedded weights beside them.
    cache
        Where weights and exports are kept.
    timeout_s
        How long fetching the weights may take.
    mirror
        Where to fetch from instead of GitHub, see `weights.fetch_weights`.
    weights_file
        A weights file that somebody has brought here, instead of fetching one.

    Raises
    ------
    ModelError
        ``MODEL_MISSING``, ``MODEL_TAMPERED`` or ``MODEL_INVALID``.
    """
    folder = cache / card.name
    with _alone(folder):
        try:
            return load_prepared(card, cache)
        except ModelError as error:
            if error.code is not Code.MODEL_MISSING:
                raise
        weights = _weights(card, models, folder, timeout_s, mirror, weights_file)
        digest = sha256_of(weights)
        _compare(card, digest)
        prepared = _export(card, weights, digest, folder, cache)
        save_prepared(prepared, cache)
        return prepared


def _weights(
    card: ModelCard | SegmentationCard,
    models: Path,
    folder: Path,
    timeout_s: float,
    mirror: str | None,
    weights_file: Path | None,
) -> Path:
    if isinstance(card, ModelCard) and card.weights.loader == "arrays":
        return embedded_weights(card, models)
    if weights_file is not None:
        return adopt(card, folder, weights_file)
    if cached := cached_weights(card, folder):
        return cached
    print(f"Fetching the weights of {card.name}", flush=True)
    return fetch_weights(card, folder, timeout_s, mirror)


def _compare(card: Preparable, digest: str) -> None:
    stated = card.weights.unconfirmed_sha256
    if stated is not None:
        verdict = "as" if digest == stated else "not"
        print(f"SHA-256 of the weights is {digest}, {verdict} what a third party states ({stated})", flush=True)


def _export[C: (ModelCard, SegmentationCard)](
    card: C, weights: Path, digest: str, folder: Path, cache: Path
) -> Prepared[C]:
    embedded = card.weights.loader == "arrays"
    try:
        print(f"Loading {weights.name}", flush=True)
        prepared = _exported(card, weights, digest, cache)
    except ModelError as error:
        # A file that never proved good is not kept: half a download, or a sign-in page in its place.
        if error.code is Code.MODEL_INVALID and not embedded and locked_digest(folder) is None:
            weights.unlink(missing_ok=True)
        raise
    if not embedded:
        lock(folder, weights, digest)
    return prepared


def _exported[C: (ModelCard, SegmentationCard)](card: C, weights: Path, digest: str, cache: Path) -> Prepared[C]:
    # These bring torch.
    if isinstance(card, SegmentationCard):
        from .segmentation_export import export_segmentation, load_segmentation_network

        outliner = load_segmentation_network(card, weights, digest)
        print("Exporting to ONNX and comparing with torch", flush=True)
        return export_segmentation(card, outliner, weights, digest, cache)
    from .export import export
    from .network import load_network

    network = load_network(card, weights, digest)
    print("Exporting to ONNX and comparing with torch", flush=True)
    return export(card, network, weights, digest, cache)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold other processes that prepare the same model, and sweep up after those that were killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _IN_USE_FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in folder.glob(".*"):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            elif leftover.name != _IN_USE_FILE:
                leftover.unlink()
        yield


def _prepare_named(options: argparse.Namespace) -> Path:
    further = {"timeout_s": options.timeout, "mirror": options.mirror, "weights_file": options.weights}
    if options.name in segmentation_card_names(options.models):
        outliner = load_segmentation_card(options.models, options.name)
        return prepare(outliner, options.models, options.cache, **further).onnx
    return prepare(load_card(options.models, options.name), options.models, options.cache, **further).onnx


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m orthanc_ai.models.prepare", description=__doc__.split("\n")[0])
    parser.add_argument("name", metavar="NAME", help="folder of the model's card")
    parser.add_argument("--models", type=Path, required=True, metavar="DIR", help="folder of the cards")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="where weights and exports are kept")
    parser.add_argument("--timeout", type=float, default=DEFAULT_TIMEOUT_S, metavar="S", help="bound on fetching")
    parser.add_argument("--mirror", metavar="URL", help="folder to fetch from instead of GitHub")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="a weights file brought here by hand")
    options = parser.parse_args(arguments)
    try:
        ready = _prepare_named(options)
    except ModelError as error:
        print(f"{error.code}: {error}", flush=True)
        return _EXIT_STATUS[error.code]
    print(f"{options.name} is ready: {ready}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
