"""What Orthanc's jobs say, as measured with Orthanc 1.12.7 and DICOMweb 1.20, and what follows from it."""

from typing import Any, cast

import pytest

from orthanc_ai.sending.couriers import Couriers, End, check_destinations, fate_of
from orthanc_ai.sending.delivery import Destination
from orthanc_ai.server import Server
from orthanc_ai.settings import SendTo, SettingsError

from ..stand_in import Archive

NO_CONTEXT = 2015


def store(details: str, code: int = 9) -> dict[str, Any]:
    """A failed C-STORE job."""
    return {"State": "Failure", "Type": "DicomModalityStore", "ErrorCode": code, "ErrorDetails": details, "Content": {}}


def stow(code: int, description: str = "Error in the network protocol", **content: Any) -> dict[str, Any]:
    """A failed STOW-RS job."""
    content |= {"FunctionErrorCode": code, "FunctionErrorDescription": description}
    plugin = "Error encountered within the plugin engine"
    return {"State": "Failure", "ErrorCode": 1, "ErrorDescription": plugin, "ErrorDetails": "", "Content": content}


@pytest.mark.parametrize(
    ("job", "end"),
    [
        ({"State": "Success"}, End.SENT),
        *(({"State": state}, End.UNFINISHED) for state in ("Pending", "Running", "Paused", "Retry")),
        (store('C-STORE SCU to AET "X" has failed with DIMSE status 0xC000'), End.REFUSED),
        (store('C-STORE SCU to AET "X" has failed with DIMSE status 0x0122'), End.REFUSED),
        (store('C-STORE SCU to AET "X" has failed with DIMSE status 0xA900'), End.REFUSED),
        (store('C-STORE SCU to AET "X" has failed with DIMSE status 0xA700'), End.AWAY),
        (store('Unable to negotiate a presentation context with AET "X"', NO_CONTEXT), End.REFUSED),
        (store('DicomAssociation - connecting to AET "X": TCP Initialization Error: Connection refused'), End.AWAY),
        (store('DicomAssociation - connecting to AET "X": DUL Association Rejected'), End.AWAY),
        (store('DicomAssociation - C-STORE to AET "X": Peer aborted Association (or never connected)'), End.BROKEN),
        (store('DicomAssociation - C-STORE to AET "X": DIMSE No data available (timeout in ...)'), End.BROKEN),
        (stow(8, "Bad request"), End.REFUSED),
        (stow(29, "Bad credentials were provided to an HTTP request"), End.AWAY),
        (stow(17, "Unknown resource"), End.AWAY),
        (stow(9), End.BROKEN),
        (stow(15, "Bad file format"), End.BROKEN),
        ({"State": "Failure"}, End.BROKEN),
    ],
)
def test_an_end_is_read_from_what_orthanc_says(job: dict[str, Any], end: End) -> None:
    assert fate_of(job).end is end


def test_the_most_telling_words_are_kept() -> None:
    words = "Unable to parse STOW-RS JSON response from DICOMweb server X"
    assert fate_of(stow(9, FunctionErrorDetails=words)).detail == words
    assert fate_of(stow(8, "Bad request")).detail == "Bad request"
    assert fate_of(store("x" * 10_000)).detail == "x" * 300


def test_images_go_before_the_report_as_far_as_they_are_there() -> None:
    archive = Archive()
    image, report = archive.put("image"), archive.put("report", modality="SR")
    study = archive.items[archive.items[image].parent].parent
    asked: list[tuple[str, dict[str, Any]]] = []

    class Orthanc(Archive):
        def configuration(self) -> dict[str, Any]:
            return {}

        def post(self, path: str, body: dict[str, Any], **_: Any) -> dict[str, str]:
            asked.append((path, body))
            return {"ID": "job"}

    orthanc = Orthanc()
    orthanc.items = archive.items
    couriers = Couriers(cast(Server, orthanc))
    couriers.submit(report, Destination("modality", "pacs"), (image, "gone", study))
    couriers.submit(report, Destination("dicom-web", "web"))
    assert asked == [
        ("/modalities/pacs/store", {"Resources": [image, study, report], "Synchronous": False}),
        ("/dicom-web/servers/web/stow", {"Resources": [report], "Synchronous": False}),
    ]


CONFIGURATION = {"DicomModalities": {"pacs": {}}, "DicomWeb": {"Servers": {"web": {}}}}


def send_to(modalities: list[str], dicom_web_servers: list[str]) -> SendTo:
    """As a configuration names destinations."""
    return SendTo.model_validate({"Modalities": modalities, "DicomWebServers": dicom_web_servers})


def test_known_destinations_are_let_through() -> None:
    check_destinations(CONFIGURATION, send_to(["pacs"], ["web"]))
    check_destinations({}, SendTo())


def test_unknown_destinations_are_all_named() -> None:
    with pytest.raises(SettingsError) as error:
        check_destinations(CONFIGURATION, send_to(["pacs", "PACS"], ["pacs"]))
    first, second = str(error.value).splitlines()
    assert first == "AI.SendTo.Modalities: found 'PACS'; allowed: what DicomModalities names (pacs)"
    assert second == "AI.SendTo.DicomWebServers: found 'pacs'; allowed: what DicomWeb.Servers names (web)"


def test_what_orthanc_keeps_in_its_database_is_not_known_at_the_start() -> None:
    anything = send_to(["x"], ["y"])
    check_destinations({"DicomModalitiesInDatabase": True, "DicomWeb": {"ServersInDatabase": True}}, anything)


def test_dicomweb_must_be_switched_on() -> None:
    off = {"DicomWeb": {"Enable": False, "Servers": {"web": {}}}}
    with pytest.raises(SettingsError, match=r"DicomWeb\.Enable"):
        check_destinations(off, send_to([], ["web"]))
