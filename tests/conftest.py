"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run: a test that fails has failed because of a change. `make fuzz` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", print_blob=True, deadline=None)
settings.load_profile("repeatable")

DATA = Path(os.environ.get("ORTHANC_AI_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
"""Real DICOM files that are not part of the repository."""


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real DICOM files."""
    if not DATA.is_dir():
        pytest.skip(f"missing resource: the real DICOM test data ({DATA}); set ORTHANC_AI_TEST_DATA")
    return DATA
