"""One phase of a series as a folder of files, the half that runs in a worker."""

import json
import shutil
from pathlib import Path
from typing import Any

from ..cardiac.files import with_frames
from ..cardiac.header import Header
from ..cardiac.judge import judge_series
from ..cardiac.select import Rules
from ..codes import Code
from ..files import sync
from .errors import VolumeError
from .formats import WRITERS
from .orders import PhaseOrder, PlanOrder
from .plan import plan_series, refusals
from .read import Phase, Series, identity
from .slices import write_slices

DESCRIPTION = "volume.json"
"""What is to be known of a volume, beside it."""

DESCRIPTION_FORMAT = 1

_PARTIAL = ".partial"

_LEVELS = 4
"""Folders above that of a phase that an export makes, or made: of series, study and patient, and its own."""


def plan(order: PlanOrder, rules: Rules) -> dict[str, Any]:
    """The verdict on a series, its phases with their images, and what is left out, in JSON types."""
    headers = with_frames(map(Header.from_tags, order.headers), order.files)
    planned = plan_series(headers)
    return {
        "verdict": judge_series(headers, rules).to_json(),
        "phases": [
            {
                "label": stack.phase.label if stack.phase else None,
                "source": str(stack.phase.source) if stack.phase else None,
                "images": [identity(header) for header in stack.headers],
                "refusals": [str(code) for code in refusals(stack)],
            }
            for stack in planned.stacks
        ],
        "leftOut": [{**_named(header), "code": str(code)} for header, code in planned.left_out],
    }


def write_phase(order: PhaseOrder) -> dict[str, Any]:
    """Write one phase.

    Returns
    -------
    What ``volume.json`` says, and ``bytes``, the size of everything.

    Raises
    ------
    VolumeError
        If the files make no volume, or not one alone.
    OSError
        If the folder cannot be written.
    """
    series = Series(order.files, order.images)
    if series.unreadable:
        raise VolumeError(series.unreadable[0].code, f"{len(series.unreadable)} files cannot be read")
    stacks = series.plan.stacks
    if len(stacks) != 1 or len(stacks[0].headers) != len(order.images):
        # By the index they made one volume.
        codes = [*(code for _, code in series.plan.left_out), Code.IMAGES_LEFT_OUT]
        raise VolumeError(codes[0], "the files are not what the index says")
    phase = series.read(stacks[0])
    partial = order.folder.with_name(order.folder.name + _PARTIAL)
    for leftover in (partial, order.folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    files = _write(phase, order, partial)
    description = {**order.about, **describe(phase), "files": files}
    (partial / DESCRIPTION).write_text(json.dumps(description, indent=1))
    size = _make_durable(partial)
    partial.rename(order.folder)
    # The journal will say that it is there. So must the folders in which it lies, some of which may be new.
    for above in order.folder.parents[:_LEVELS]:
        sync(above)
    return {**description, "bytes": size}


def describe(phase: Phase) -> dict[str, Any]:
    """What is to be known of a volume, in JSON types."""
    volume, stack = phase.volume, phase.stack
    return {
        "format": DESCRIPTION_FORMAT,
        "shape": list(volume.values.shape),
        "axes": ["slice", "row", "column"],
        "type": volume.values.dtype.name,
        "unit": "HU",
        "affine": volume.affine.tolist(),
        "space": "LPS",
        "spacingMm": list(volume.spacing_mm),
        "shearDeg": round(volume.shear_deg, 3),
        "deviationMm": round(volume.deviation_mm, 4),
        "thicknessMm": stack.thickness_mm,
        "frameOfReferenceUID": volume.frame_of_reference_uid,
        "paddingHU": list(phase.padding),
        "codes": [str(code) for code in stack.codes],
        "slices": [_named(header) for header in stack.headers],
    }


def _write(phase: Phase, order: PhaseOrder, folder: Path) -> dict[str, Any]:
    """Write the formats; the files by format, below the folder."""
    files: dict[str, Any] = {}
    for name in order.formats:
        if name == "png":
            write_slices(phase.volume, order.windows, folder)
            files[name] = {window.name: {"center": window.center, "width": window.width} for window in order.windows}
        else:
            ending, write = WRITERS[name]
            write(phase.volume, folder / f"volume{ending}")
            files[name] = f"volume{ending}"
    return files


def _make_durable(folder: Path) -> int:
    """Let everything in a folder outlive a power cut; its size in bytes."""
    size = 0
    for file in (folder, *folder.rglob("*")):
        status = sync(file)
        size += status.st_size if file.is_file() else 0
    return size


def _named(header: Header) -> dict[str, Any]:
    return {
        "sopInstanceUID": header.sop_instance_uid,
        "instanceNumber": header.instance_number,
        "frameNumber": header.frame_number,
    }
