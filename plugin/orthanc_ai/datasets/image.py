"""One instance as files of a dataset, the half that runs in a worker."""

import hashlib
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import MalformedError, attribute
from ..codes import Code
from ..deidentify.burned_in import burned_in, recognizable
from ..deidentify.options import Options
from ..dicom_file import FileError, open_file
from ..handover import Shared
from ..images.errors import ImageError
from ..images.frame import Frame, Frames
from ..images.levels import levels
from ..images.resize import place, resized
from ..images.scaling import Scaling
from .identity import member_of
from .orders import ENDINGS, ImageFormat, ImageOrder, Making

_COMPRESSION_LEVEL = 1
"""Of PNG: the highest takes ten times as long and saves a tenth."""


def write_instance(order: ImageOrder) -> dict[str, Any]:
    """Write the images of an instance.

    Returns
    -------
    In JSON types: ``images``, one entry for each that was written, with ``member``, which says whose it is; and ``leftOut``,
    one for each that was not, with its code.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    left_out: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    try:
        if order.file is None:
            raise ImageError(Code.FILE_UNREADABLE, "")
        dataset = _open(order.file)
        flags = _flags(dataset, order.making)
        frames = Frames(dataset)
    except ImageError as error:
        return {"images": [], "leftOut": [{"frame": None, "code": error.code}]}
    several = len(frames) > 1
    for number in range(len(frames)):
        which = number + 1 if several else None
        name = f"{order.name}{f'-f{number + 1:04d}' if several else ''}{ENDINGS[order.making.format]}"
        try:
            frame = frames[number]
            values, applied = _values(frame, order.making)
        except ImageError as error:
            left_out.append({"frame": which, "code": error.code})
            continue
        content = _encoded(values, order.making.format)
        _write(order.making.folder / name, content)
        digest = hashlib.sha256(content).hexdigest()
        member = member_of(dataset, name, stored=frame.stored).to_json()
        # The same picture is the same file, however its values were stored.
        member |= {"picture": digest, "uniform": member["uniform"] or bool(values.min() == values.max())}
        images.append(
            {
                "file": name,
                "frame": which,
                "rows": values.shape[0],
                "columns": values.shape[1],
                "type": values.dtype.name,
                "scaling": _said(applied, order.making),
                "rescale": dict(_rescale(frame)),
                "flags": flags,
                "bytes": len(content),
                "sha256": digest,
                "member": member,
            }
        )
    return {"images": images, "leftOut": left_out}


def _flags(dataset: Dataset, making: Making) -> list[str]:
    """What a user has to look at before the image is given away.

    Raises
    ------
    ImageError
        If it is not to be taken for that.
    """
    burned = burned_in(dataset)
    if burned and Options.of(making.privacy).burned_in == "leaveOut":
        raise ImageError(burned, "")
    return [str(code) for code in (burned, recognizable(dataset)) if code]


def _open(file: Shared) -> Dataset:
    try:
        return open_file(file.read())
    except OSError:
        raise ImageError(Code.FILE_UNREADABLE, "") from None
    except FileError as error:
        raise ImageError(error.code, str(error)) from None


def _values(frame: Frame, making: Making) -> tuple[npt.NDArray[Any], dict[str, Any] | None]:
    """What is written of a frame, in its size; and how its values became gray levels."""
    if making.format != "npz":
        return levels(frame, Scaling.of(making.scaling), 8 if making.format == "png8" else 16, making.size)
    values = frame.values
    if making.size is None:
        return values, None
    shown, _ = levels(frame, Scaling(kind="viewer"))
    placement = place(shown.astype(np.float32), making.size, frame.pixel_aspect)
    return resized(values.astype(np.float32), placement, around=float(values.min())), {"size": placement.to_json()}


def _said(applied: dict[str, Any] | None, making: Making) -> dict[str, Any] | None:
    """What is said of how values became gray levels: an explanation is a text of the header, in which anything may stand."""
    if applied is None or not Options.of(making.privacy).enabled:
        return applied
    return {name: value for name, value in applied.items() if name != "explanation"}


def _encoded(values: npt.NDArray[Any], form: ImageFormat) -> bytes:
    if form == "npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, values=values)
        return buffer.getvalue()
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(values), level=_COMPRESSION_LEVEL))


def _rescale(frame: Frame) -> Iterator[tuple[str, Any]]:
    """The modality transformation of a frame (PS3.3 section C.11.1)."""
    for name, keyword in (("slope", "RescaleSlope"), ("intercept", "RescaleIntercept")):
        try:
            value = attribute(frame.header, keyword)
            if value is not None and math.isfinite(float(value)):
                yield name, float(value)
        except (MalformedError, ValueError, TypeError):
            continue
    if "ModalityLUTSequence" in frame.header:
        yield "lut", True


def _write(file: Path, content: bytes) -> None:
    # It may be halved by a kill: nobody sees it before the whole dataset is complete, and a later run compares digests.
    try:
        file.write_bytes(content)
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
