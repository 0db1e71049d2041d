"""What a verdict needs beyond the index: which files, the frames in them, and a look at a few slices."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..codes import Code
from ..dicom_file import MAXIMUM_READS_OF_FRAMES, FileError, open_file
from ..handover import Shared
from ..images.errors import ImageError
from .contrast import Contrast, blood_in, is_enough, judge_blood, slices_to_look_at
from .header import Header
from .judge import is_unread
from .multiframe import frames_of
from .slices import MAXIMUM_HEADER, read_slices
from .stack import Stack
from .verdict import StudyVerdict

Files = Mapping[str, Shared]
"""Places of files by SOP Instance UID."""


def needed_files(verdict: StudyVerdict, headers: Iterable[Header]) -> tuple[str, ...]:
    """SOP Instance UIDs of the files without which a verdict by the index alone is not the last word.

    Those are multi-frame instances, whose frames Orthanc's index does not know, unless their series was ruled out
    without them; and a few slices of each accepted series, for the contrast.
    """
    unread = {series.series_instance_uid for series in verdict.series if series.decisive is Code.ENHANCED_MULTIFRAME}
    uids = [header.sop_instance_uid for header in headers if header.series_instance_uid in unread and is_unread(header)]
    for series in verdict.series:
        if series.accepted and series.geometry and series.geometry.best:
            uids += [header.sop_instance_uid for header in slices_to_look_at(series.geometry.best)]
    return tuple(dict.fromkeys(filter(None, uids)))


def with_frames(headers: Iterable[Header], files: Files) -> list[Header]:
    """The headers, those of multi-frame instances replaced by those of their frames; or with the code that says why not."""
    found: list[Header] = []
    for header in headers:
        if is_unread(header) and header.sop_instance_uid in files:
            found += _frames(header, files[header.sop_instance_uid])
        elif is_unread(header):
            found.append(replace(header, fault=Code.FILE_UNREADABLE))
        else:
            found.append(header)
    return found


def _frames(header: Header, place: Shared) -> list[Header]:
    try:
        with place.open() as file:
            frames = frames_of(open_file(file.read(MAXIMUM_HEADER), pixels=False, reads=MAXIMUM_READS_OF_FRAMES))
    except OSError:
        return [replace(header, fault=Code.FILE_UNREADABLE)]
    except FileError as error:
        return [replace(header, fault=error.code)]
    # By the index, since a file may have been corrected since it was stored: it is the same series in any case.
    return [
        replace(frame, series_instance_uid=header.series_instance_uid, sop_instance_uid=header.sop_instance_uid)
        for frame in frames
    ]


def look_at(stack: Stack, files: Files) -> Contrast:
    """Whether contrast was given, by a few slices of a stack; or the code that says why they could not be read."""
    blood: list[float | None] = []
    fault: Code | None = None
    chosen: dict[str, list[Header]] = {}
    for header in slices_to_look_at(stack):
        chosen.setdefault(header.sop_instance_uid, []).append(header)
    for uid, headers in chosen.items():
        if is_enough(blood):
            break
        try:
            with files[uid].open() as file:
                for header, hu in zip(headers, read_slices(file, headers), strict=False):
                    blood.append(blood_in(hu, header))
                    if is_enough(blood):
                        break
        except (KeyError, OSError):
            fault = Code.FILE_UNREADABLE
        except (FileError, ImageError) as error:
            fault = error.code
    if not blood:
        return Contrast(fault=fault)
    seen, blood_hu = judge_blood(blood)
    return Contrast(seen=seen, blood_hu=blood_hu, fault=fault)
