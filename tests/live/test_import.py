"""A folder is stored in the running server: what is DICOM, once; the rest is named or counted."""

import os
import subprocess
import sys
from pathlib import Path

from phantom.ct import ct_series

from .orthanc import ROOT, Orthanc


def import_folder(server: Orthanc, folder: Path) -> tuple[int, list[str]]:
    """Exit status and the last lines of what `make import` says."""
    made = subprocess.run(
        [sys.executable, "-m", "tools.import_folder", "--http-port", str(server.port), str(folder)],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in made.stderr, made.stderr
    return made.returncode, made.stdout.splitlines()


def test_a_folder_is_stored_once_and_the_bad_is_named(server: Orthanc, tmp_path: Path) -> None:
    images = ct_series("head", matrix=16, slices=7, examination="imported")
    for number, image in enumerate(images[:6]):
        path = tmp_path / f"{number % 2}" / f"IM{number}"
        path.parent.mkdir(exist_ok=True)
        image.save_as(path, enforce_file_format=True)
    # As old scanners wrote them: without preamble.
    images[6].save_as(tmp_path / "old", enforce_file_format=True)
    content = (tmp_path / "old").read_bytes()
    (tmp_path / "old").write_bytes(content[content.index(b"\x08\x00\x05\x00CS") :])
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "0" / "IM0").read_bytes()[:400])
    status, lines = import_folder(server, tmp_path)
    [bad] = [line for line in lines if line.startswith("  ")]
    assert status == 1
    assert bad.startswith("  cut.dcm: ")
    assert any("7 stored, 1 no DICOM images, 1 bad" in line for line in lines), lines
    (tmp_path / "cut.dcm").unlink()
    status, lines = import_folder(server, tmp_path)
    assert status == 0
    assert any("7 stored already, 1 no DICOM images" in line for line in lines), lines
