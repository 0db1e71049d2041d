"""Malformed files come in by both ways while X-rays are read, and no X-ray's report is missing."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import split_dataset

from orthanc_ai.outcomes import XRAY_METADATA
from phantom.dicom import chest_dx

from .orthanc import CALLING_AET, Orthanc

PATIENCE_S = 5
"""Orthanc hangs up on a dataset that it cannot read, without a farewell."""


def c_store(orthanc: Orthanc, file: Path) -> None:
    """Send a dataset byte for byte, whatever is wrong with it; what the file does not say, its sender makes up."""
    try:
        meta, offset = split_dataset(file)
    except InvalidDicomError:
        meta, offset = pydicom.Dataset(), 0
    dataset = pydicom.dcmread(file, force=True)
    sop_class = str(meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID") or CTImageStorage)
    entity = AE(ae_title=CALLING_AET)
    entity.acse_timeout = PATIENCE_S
    implicit, _ = dataset.original_encoding
    plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    entity.add_requested_context(sop_class, meta.get("TransferSyntaxUID") or plain)
    association = entity.associate("127.0.0.1", orthanc.dicom_port, ae_title="ORTHANC")
    assert association.is_established
    request = C_STORE()
    request.MessageID = 1
    request.Priority = 0
    request.AffectedSOPClassUID = sop_class
    request.AffectedSOPInstanceUID = str(meta.get("MediaStorageSOPInstanceUID") or generate_uid())
    request.DataSet = BytesIO(file.read_bytes()[offset:])
    [context] = association.accepted_contexts
    assert context.context_id is not None
    association.dimse.send_msg(request, context.context_id)
    # Orthanc reads this after the dataset, unless it has hung up because of that.
    association.release()


def test_every_malformed_file_by_both_ways(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    files = sorted(path for path in (data / "robustness").iterdir() if path.is_file())
    assert len(files) >= 12
    stored: list[str] = []
    for number, file in enumerate(files):
        stored += orthanc.upload([chest_dx(number, 512, 512)])
        orthanc.request("POST", "/instances", data=file.read_bytes())
        c_store(orthanc, file)
    orthanc.wait_idle()
    for film in stored:
        outcome = orthanc.outcome("instances", film, XRAY_METADATA)
        assert outcome is not None
        assert outcome["code"] == "REPORTED"
    assert len(stored) == len(files)
    assert orthanc.get("/ai/status")["queue"]["failed"] == 0
