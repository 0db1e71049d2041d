"""How peers are asked by way of Orthanc, and what its errors mean. What real ones do is the matter of tests/live."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from orthanc_ai.batches.batches import JOIN_S
from orthanc_ai.codes import Code
from orthanc_ai.collecting.dicom_web import PAGE, DicomWebServer
from orthanc_ai.collecting.fault import PeerError, of_job
from orthanc_ai.collecting.modality import Modality
from orthanc_ai.sending.couriers import End, Fate, fate_of
from orthanc_ai.server import Server, ServerError

from .archive import AWAY, BROKE_OFF, REFUSED, SILENT


class Orthanc:
    """Answers requests as the test says, and notes them."""

    def __init__(self, post: Callable[[str, Any], Any], configuration: Mapping[str, Any] | None = None) -> None:
        self._post = post
        self._configuration = dict(configuration or {})
        self.modality: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []

    @property
    def server(self) -> Server:
        return cast(Server, self)

    def post(self, path: str, body: Any, **_: Any) -> Any:
        self.asked.append((path, body))
        return self._post(path, body)

    def get(self, path: str, **_: Any) -> Any:
        return self.modality if path.endswith("/configuration") else [{"StudyInstanceUID": "1.2"}]

    def configuration(self) -> dict[str, Any]:
        return self._configuration


def submitted(path: str, _body: Any) -> dict[str, str]:
    return {"ID": path.rpartition("/")[2]}


@pytest.mark.parametrize(
    ("configuration", "modality", "method"),
    [
        ({}, {"RetrieveMethod": "SystemDefault"}, "move"),
        ({}, {}, "move"),
        ({}, {"RetrieveMethod": "C-GET"}, "get"),
        ({"DicomDefaultRetrieveMethod": "C-GET"}, {"RetrieveMethod": "SystemDefault"}, "get"),
        ({"DicomDefaultRetrieveMethod": "C-GET"}, {"RetrieveMethod": "C-MOVE"}, "move"),
    ],
)
def test_c_get_where_orthanc_is_set_so(configuration: dict[str, Any], modality: dict[str, Any], method: str) -> None:
    orthanc = Orthanc(submitted, configuration)
    orthanc.modality = modality
    assert Modality(orthanc.server, "pacs", 60).fetch("1.2", "1.2.3") == method
    [(path, body)] = orthanc.asked
    assert path == f"/modalities/pacs/{method}"
    assert (body["Level"], body["Resources"]) == ("Series", [{"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3"}])
    assert (body["Timeout"], body["Synchronous"]) == (60, False)


def test_a_peer_that_knows_us_by_another_name_sends_to_that_name() -> None:
    orthanc = Orthanc(submitted)
    orthanc.modality = {"LocalAet": "RESEARCH"}
    Modality(orthanc.server, "pacs", 60).fetch("1.2", "1.2.3", ["1.2.3.4", "1.2.3.5"])
    [(_, body)] = orthanc.asked
    assert (body["TargetAet"], body["Level"]) == ("RESEARCH", "Instance")
    assert [one["SOPInstanceUID"] for one in body["Resources"]] == ["1.2.3.4", "1.2.3.5"]


def test_a_question_that_fails_is_told_apart_by_an_echo() -> None:
    def refuses(path: str, _body: Any) -> Any:
        if path.endswith("/query"):
            raise ServerError("9 Error in the network protocol")
        return {}

    def is_away(path: str, body: Any) -> Any:
        raise ServerError("9 Error in the network protocol")

    for post, code in ((refuses, Code.PEER_REFUSED), (is_away, Code.PEER_AWAY)):
        orthanc = Orthanc(post)
        with pytest.raises(PeerError) as caught:
            Modality(orthanc.server, "pacs", 60).ask("study", {})
        assert caught.value.code is code
        # A stopping server waits for both.
        assert sum(body["Timeout"] for _, body in orthanc.asked) <= JOIN_S


def test_answers_that_cannot_be_had_are_not_no_answers() -> None:
    class Forgetful(Orthanc):
        def get(self, path: str, **_: Any) -> Any:
            return None

    class Confused(Orthanc):
        def get(self, path: str, **_: Any) -> Any:
            raise ServerError("15 Bad file format")

    for orthanc, code in ((Forgetful(submitted), Code.PEER_BROKE_OFF), (Confused(submitted), Code.PEER_REFUSED)):
        with pytest.raises(PeerError) as caught:
            Modality(orthanc.server, "pacs", 60).ask("study", {})
        assert caught.value.code is code


@pytest.mark.parametrize(
    ("job", "code"),
    [
        (AWAY, Code.PEER_AWAY),
        (REFUSED, Code.PEER_REFUSED),
        (SILENT, Code.PEER_SILENT),
        (BROKE_OFF, Code.PEER_BROKE_OFF),
        ({"State": "Success"}, None),
    ],
)
def test_the_end_of_a_job_has_a_code(job: dict[str, Any], code: Code | None) -> None:
    error = of_job(fate_of(job))
    assert (error.code if error else None) is code
    assert of_job(Fate(End.FORGOTTEN)) is None


def element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def test_dicom_json_is_read_whatever_is_in_it() -> None:
    answer = {
        "0020000D": element("UI", "1.2"),
        "00080061": element("CS", "CT", "SR"),
        "00201209": element("IS", 12),
        "00100010": element("PN", {"Alphabetic": "Doe^Jane"}),
        "00081030": element("LO"),
        "00080020": "nonsense",
    }
    orthanc = Orthanc(lambda path, body: [answer, "nonsense"] if body["Arguments"]["offset"] == "0" else None)
    [found] = DicomWebServer(orthanc.server, "vna").ask("study", {"PatientID": "A"})
    assert found == {
        "StudyInstanceUID": "1.2",
        "ModalitiesInStudy": "CT\\SR",
        "NumberOfSeriesRelatedInstances": "12",
        "StudyDescription": "",
        "StudyDate": "",
    }
    assert orthanc.asked[0][1]["Arguments"]["PatientID"] == "A"


@pytest.mark.parametrize("size", [0, 1, PAGE, PAGE + 1, 3 * PAGE])
@pytest.mark.parametrize("at_once", [PAGE, 7, 10_000])
def test_answers_are_asked_for_until_nothing_new_comes(size: int, at_once: int) -> None:
    """Servers may give fewer than asked for, and some heed neither limit nor offset."""
    everything = [{"00080018": element("UI", f"1.2.{number}")} for number in range(size)]

    def post(path: str, body: Any) -> Any:
        offset = 0 if at_once > size else int(body["Arguments"]["offset"])
        return everything[offset : offset + at_once]

    orthanc = Orthanc(post, {"DicomWeb": {"Root": "/web"}})
    keys = {"StudyInstanceUID": "1", "SeriesInstanceUID": "2"}
    found = DicomWebServer(orthanc.server, "vna").ask("instance", keys)
    assert [one["SOPInstanceUID"] for one in found] == [f"1.2.{number}" for number in range(size)]
    path, body = orthanc.asked[0]
    assert (path, body["Uri"]) == ("/web/servers/vna/get", "/studies/1/series/2/instances")
    assert not set(keys) & set(body["Arguments"])


def test_an_answer_without_end_is_a_refusal() -> None:
    numbers = iter(range(10**9))
    orthanc = Orthanc(lambda path, body: [{"0020000D": element("UI", f"1.2.{next(numbers)}")}])
    with pytest.raises(PeerError) as caught:
        DicomWebServer(orthanc.server, "vna").ask("study", {})
    assert caught.value.code is Code.PEER_REFUSED


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("8 Bad request", Code.PEER_REFUSED),
        ("29 Bad credentials were provided to an HTTP request", Code.PEER_REFUSED),
        ("no such resource: /dicom-web/servers/vna/get", Code.PEER_AWAY),
        ("9 Error in the network protocol", Code.PEER_AWAY),
    ],
)
def test_what_a_web_server_answers_has_a_code(text: str, code: Code) -> None:
    def post(path: str, body: Any) -> Any:
        raise ServerError(text)

    with pytest.raises(PeerError) as caught:
        DicomWebServer(Orthanc(post).server, "vna").ask("study", {})
    assert caught.value.code is code
