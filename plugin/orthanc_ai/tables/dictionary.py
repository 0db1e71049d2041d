"""DICOM's data dictionary (PS3.6) as pydicom has it: run by the interpreter of the workers, for the server does not load it.

Writes an object to standard output: tag, VR and VM of each keyword.
"""

import json
import sys

from pydicom.datadict import DicomDictionary  # type: ignore[attr-defined]  # imported there, and documented


def entries() -> dict[str, tuple[int, str, str]]:
    """Tag, VR (``US or SS`` for some) and VM (``1-n``) by keyword."""
    return {keyword: (tag, vr, vm) for tag, (vr, vm, _, _, keyword) in DicomDictionary.items() if keyword}


if __name__ == "__main__":
    json.dump(entries(), sys.stdout)
