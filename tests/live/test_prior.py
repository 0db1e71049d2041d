"""Orthanc's own index answers which earlier report a radiograph is compared with."""

from collections.abc import Callable

from pydicom.uid import UID

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import XRAY_METADATA, Outcome, Result
from orthanc_ai.report.document import SOP_CLASS_UID
from orthanc_ai.report.prior import Prior
from orthanc_ai.xray.prior import find_prior
from phantom.dicom import chest_dx

from .orthanc import Orthanc
from .rest import index_of

WEIGHTS = "5b" * 32


def store(orthanc: Orthanc, number: int, date: str, **attributes: str) -> str:
    """Store a film that has been read, and its report as far as the index knows it; Orthanc identifier of the film."""
    film = chest_dx(number, 32, 32)
    film.PatientID, film.PatientBirthDate, film.PatientSex = "PRIOR", "19600101", "M"
    film.StudyDate, film.ViewPosition = date, "PA"
    film.StudyInstanceUID, film.SeriesInstanceUID = UID(f"2.25.{number}1"), UID(f"2.25.{number}2")
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{number}3")
    for keyword, value in attributes.items():
        setattr(film, keyword, value)
    (identifier,) = orthanc.upload([film])
    result = Result(SOP_CLASS_UID, f"2.25.{number}4", f"2.25.{number}5", film.StudyInstanceUID)
    scores = [{"label": "Mass", "score": number / 100}]
    data = {"weights": WEIGHTS[:16], "findings": scores}
    outcome = Outcome(Code.REPORTED, "recipe", result=result, model="m", data=data)
    path = f"/instances/{identifier}/metadata/{XRAY_METADATA}"
    assert orthanc.request("PUT", path, data=outcome.to_text().encode()).ok
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = UID(result.sop_instance_uid)
    film.SeriesInstanceUID, film.Modality = UID(result.series_instance_uid), "SR"
    orthanc.upload([film])
    return identifier


def test_the_latest_earlier_report(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server(options={"PythonScript": None, "Plugins": None})
    orthanc.launch()
    orthanc.wait_for_http("/system")
    server = index_of(orthanc)

    def prior(identifier: str, weights: str = WEIGHTS) -> Prior | None:
        film = server.resource("instance", identifier)
        assert film is not None
        return find_prior(server, film, model="m", weights=weights)

    now = store(orthanc, 19, "20250601")
    assert prior(now) is None
    # Stored later, and taken earlier: whatever the order.
    store(orthanc, 12, "20240301")
    store(orthanc, 11, "20230301")
    store(orthanc, 13, "20260101")
    store(orthanc, 14, "20250501", ViewPosition="LATERAL")
    store(orthanc, 15, "20250501", PatientID="ANOTHER")
    expected = Prior(SOP_CLASS_UID, "2.25.124", "2.25.125", "2.25.121", "2.25.123", "20240301", {"Mass": 0.12})
    assert prior(now) == expected
    assert prior(now, "5c" * 32) is None
    # On the same day the time decides.
    store(orthanc, 16, "20250601", StudyTime="235900")
    assert prior(now) == expected
    early = store(orthanc, 17, "20250601", StudyTime="000000", ContentTime="000100", AcquisitionTime="000100")
    assert prior(early) == expected
    # The same patient, born on another day: whose is which is not known.
    store(orthanc, 18, "20200101", PatientBirthDate="19010101")
    assert prior(now) is None
    # Nobody's image.
    nobody = store(orthanc, 21, "20250601", PatientID="")
    store(orthanc, 22, "20240601", PatientID="")
    assert prior(nobody) is None
