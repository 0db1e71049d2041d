"""What all tests share."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("ORTHANC_AI_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
"""Real DICOM files that are not part of the repository."""


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real DICOM files."""
    if not DATA.is_dir():
        pytest.skip(f"missing resource: the real DICOM test data ({DATA}); set ORTHANC_AI_TEST_DATA")
    return DATA
