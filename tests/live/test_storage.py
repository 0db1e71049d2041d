"""Films are read whatever way Orthanc keeps its files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orthanc_ai.outcomes import XRAY_METADATA

from .orthanc import Orthanc

FILM = "gdcm_cr_mono1_10bit_440.dcm"


@pytest.mark.parametrize("compression", [False, True], ids=["as they are", "compressed"])
def test_a_film_is_reported(make_server: Callable[..., Orthanc], data: Path, *, compression: bool) -> None:
    orthanc = make_server(options={"StorageCompression": compression}).start()
    [instance] = orthanc.upload([data / "cxr" / FILM])
    stored = orthanc.get(f"/instances/{instance}/attachments/dicom/info")
    assert (stored["CompressedSize"] != stored["UncompressedSize"]) is compression
    orthanc.wait_idle()
    outcome = orthanc.outcome("instances", instance, XRAY_METADATA)
    assert outcome is not None
    assert outcome["code"] == "REPORTED"
