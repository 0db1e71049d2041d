"""Volumes of a dataset: NIfTI files of the accepted CT series among the selection, as the export of volumes writes them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..batches.run import Run
from ..codes import Code
from ..deidentify.faces import may_show_face
from ..deidentify.pseudonyms import Pseudonyms
from ..files import sha256_of
from ..server import Server
from ..settings import AI
from ..storage import Storage
from ..volumes.batch import Export
from ..volumes.layout import phase_folder
from .members import Member
from .planned import Planned

FORMAT = "nifti"

_FOLDER = ".volumes"

_REQUEST: Mapping[str, Any] = {
    "patients": [],
    "studies": [],
    "label": "",
    "roles": [],
    "phases": [],
    "acceptedOnly": True,
    "formats": [FORMAT],
    "windows": [],
}


class VolumeFiles:
    """Writes volumes, one series after the other.

    Parameters
    ----------
    stage
        Folder for the files.
    """

    def __init__(self, server: Server, settings: AI, storage: Storage, stage: Path, pseudonyms: Pseudonyms) -> None:
        self._export = Export(server, settings, storage)
        self._stage = stage
        self._pseudonyms = pseudonyms

    def write(self, run: Run, one: Planned) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Write the volumes of a series.

        Returns
        -------
        The record of the series, and the members that its volumes are.

        Raises
        ------
        InterruptedBatch, OSError, ServerError
        """
        folder = run.output / _FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        part = run.part({**_REQUEST, "series": [one.chosen.instance]}, folder)
        try:
            self._export.run(part)
            images, members, left_out = [], [], []
            for record in part.settled.values():
                phase = record["phase"]
                if phase is None or phase["code"] != Code.EXPORTED:
                    left_out.append({"frame": None, "code": (phase or record["series"])["code"]})
                    continue
                image, member = self._taken(one, phase, folder)
                images.append(image)
                members.append(member)
            if not part.settled:
                left_out.append({"frame": None, "code": Code.FILE_UNREADABLE})
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {"images": images, "leftOut": left_out}, members

    def _taken(self, one: Planned, phase: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """Take a volume over; what is said of it, and its member."""
        made = folder / phase["folder"] / phase["files"][FORMAT]
        name = f"{one.name}{f'-{phase_folder(phase["label"])}' if phase['label'] else ''}.nii.gz"
        digest, size = sha256_of(made), made.stat().st_size
        made.replace(self._stage / name)
        slices, rows, columns = phase["shape"]
        chosen = one.chosen
        member = Member.named(
            name,
            patient_ids=[chosen.tag("PatientID")],
            study=chosen.tag("StudyInstanceUID"),
            series=chosen.tag("SeriesInstanceUID"),
            pixels=digest,
            picture=digest,
        )
        hidden = self._pseudonyms.digest(digest)
        said = [chosen.tag(keyword) for keyword in ("BodyPartExamined", "StudyDescription", "SeriesDescription")]
        flags = [str(Code.RECOGNIZABLE_FEATURES)] if may_show_face("CT", said) else []
        image = {
            "file": name,
            "frame": None,
            "phase": phase["label"],
            "slices": slices,
            "rows": rows,
            "columns": columns,
            "spacingMm": phase["spacingMm"],
            "type": phase["type"],
            "scaling": None,
            "rescale": {},
            "flags": flags,
            "bytes": size,
            "sha256": digest,
            "pixels": hidden,
            "picture": hidden,
        }
        return image, member.to_json()
