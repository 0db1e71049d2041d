"""Reports reach the archive: once, whatever happens to it or to us, and never those of a demonstration model."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import REPORT_METADATA
from orthanc_ai.sending.delivery import Delivery, DeliveryState, Destination, Mark, read_mark
from orthanc_ai.sending.lane import IN_FLIGHT
from phantom.dicom import chest_dx

from .orthanc import ROOT, Orthanc
from .peer import SUCCESS, Peer
from .test_api import SR, dataset
from .web_peer import OK, WebPeer

OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
PROCESSING_FAILURE = 0x0110


@pytest.fixture
def make_peer() -> Iterator[Callable[..., Peer]]:
    """Makes archives that listen; all are gone afterwards."""
    made: list[Peer] = []

    def make(*arguments: Any, **options: Any) -> Peer:
        made.append(Peer(*arguments, **options))
        return made[-1].start()

    yield make
    for peer in made:
        peer.stop()


def models(folder: Path) -> str:
    """A folder of models with a copy of the demonstration model that does not say that it is one."""
    source, copy = ROOT / "models" / "phantom", folder / "models" / "phantom"
    copy.mkdir(parents=True)
    text, count = re.subn(
        "^demonstration = true$", "demonstration = false", (source / "model.toml").read_text(), flags=re.MULTILINE
    )
    assert count == 1
    (copy / "model.toml").write_text(text)
    shutil.copy(source / "weights.npz", copy)
    shutil.copy(source.parent / "findings.toml", copy.parent)
    return str(copy.parent)


def archive(make_server: Callable[..., Orthanc]) -> Orthanc:
    """A second Orthanc, without the plugin, that takes and answers everything."""
    options = {
        "Plugins": ["/opt/orthanc-plugins/libOrthancDicomWeb.so"],
        "DicomAet": "ARCHIVE",
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
    }
    made = make_server(options=options, name="archive")
    made.launch()
    made.wait_for_http("/system")
    return made


def mark(orthanc: Orthanc, report: str) -> Mark:
    answer = orthanc.request("GET", f"/instances/{report}/metadata/{REPORT_METADATA}")
    found = read_mark(answer.text)
    assert found is not None, answer.text
    return found


def states(orthanc: Orthanc, report: str) -> dict[str, DeliveryState]:
    """State by name of the destination."""
    return {one.destination.name: one.state for one in mark(orthanc, report).deliveries}


def delivery(orthanc: Orthanc, report: str, name: str) -> Delivery:
    [found] = [one for one in mark(orthanc, report).deliveries if one.destination.name == name]
    return found


def plant(orthanc: Orthanc, destinations: list[Destination], count: int) -> dict[str, str]:
    """Reports of ours whose sending was given up, so that a retry begins it; Orthanc identifier by SOP Instance UID."""
    planted = {}
    for _ in range(count):
        report = dataset(SR, Modality="SR")
        [planted[str(report.SOPInstanceUID)]] = orthanc.upload([report])
    for identifier in planted.values():
        write_mark(orthanc, identifier, Mark(tuple(Delivery(one, DeliveryState.FAILED) for one in destinations)))
    return planted


def write_mark(orthanc: Orthanc, report: str, made: Mark) -> None:
    path = f"/instances/{report}/metadata/{REPORT_METADATA}"
    assert orthanc.request("PUT", path, data=made.to_text().encode()).ok


def test_a_report_reaches_the_archive_both_ways_and_does_not_come_back(
    make_server: Callable[..., Orthanc],
) -> None:
    pacs = archive(make_server)
    orthanc = make_server()
    orthanc.ai["ModelsDirectory"] = models(orthanc.folder)
    # Its image goes along to the one.
    orthanc.ai["SendTo"] = {"Modalities": [{"Name": "pacs", "With": ["images"]}], "DicomWebServers": ["web"]}
    orthanc.options = {
        "DicomModalities": {"pacs": {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": pacs.dicom_port}},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": {"web": {"Url": pacs.url + "/dicom-web/"}}},
        "DicomAlwaysAllowStore": True,
    }
    orthanc.start()
    [image] = orthanc.upload([chest_dx(1, 128, 128)])
    orthanc.wait_idle()
    [report] = orthanc.reports()
    expected = {"pacs": DeliveryState.SENT, "web": DeliveryState.SENT}
    orthanc.wait_until(lambda: states(orthanc, report) == expected, "the report was not sent on")
    assert set(pacs.get("/instances")) == {image, report}
    assert pacs.dataset(report).SOPInstanceUID == orthanc.dataset(report).SOPInstanceUID
    # What the archive sends back, as a prior, is the same object: it is neither marked nor sent again.
    before, jobs = mark(orthanc, report), set(orthanc.get("/jobs"))
    assert orthanc.send([pacs.dataset(report)]) == [SUCCESS]
    orthanc.wait_idle()
    time.sleep(0.5)
    assert mark(orthanc, report) == before
    assert set(orthanc.get("/jobs")) == jobs


def test_reports_of_a_demonstration_model_stay_here(
    make_server: Callable[..., Orthanc], make_peer: Callable[..., Peer]
) -> None:
    pacs = make_peer("PACS")
    orthanc = make_server({"SendTo": {"Modalities": ["pacs"]}}, {"DicomModalities": {"pacs": pacs.modality}}).start()
    orthanc.upload([chest_dx(1, 128, 128)])
    orthanc.wait_idle()
    [report] = orthanc.reports()
    assert mark(orthanc, report) == Mark()
    orthanc.kill()
    orthanc.start()
    time.sleep(1)
    assert orthanc.get("/jobs") == []
    assert not pacs.asked


def kill_in_the_middle(orthanc: Orthanc, reports: dict[str, str], kept: Callable[[], int]) -> None:
    """Begin to send, kill as soon as a third has arrived, start, and wait until everything is sent."""
    orthanc.post("/ai/jobs/retry")
    orthanc.wait_until(lambda: kept() >= len(reports) // 3, "nothing arrives")
    orthanc.kill()
    assert kept() < len(reports)
    orthanc.start()

    def sent() -> bool:
        return all(
            one.state is DeliveryState.SENT for report in reports.values() for one in mark(orthanc, report).deliveries
        )

    orthanc.wait_until(sent, "not everything was sent")


def test_killed_in_the_middle_everything_arrives_by_c_store(
    make_server: Callable[..., Orthanc], make_peer: Callable[..., Peer]
) -> None:
    """Orthanc 1.12.7 repeats by itself the C-STOREs that were under way at the kill, before any plugin is asked."""

    def slowly(_peer: Peer, _event: Any) -> int:
        time.sleep(0.05)
        return SUCCESS

    pacs = make_peer("PACS", slowly)
    orthanc = make_server({"SendTo": {"Modalities": ["pacs"]}}, {"DicomModalities": {"pacs": pacs.modality}}).start()
    destination = Destination("modality", "pacs")
    reports = plant(orthanc, [destination], 20)
    # Two more, of whose jobs Orthanc knows nothing any more: the archive is asked.
    lost = plant(orthanc, [destination], 2)
    for report in lost.values():
        job = Delivery(destination, DeliveryState.SENDING, job="00000000-0000-0000-0000-000000000000")
        write_mark(orthanc, report, Mark((job,)))
    arrived, missing = lost
    pacs.kept[arrived] = 1
    kill_in_the_middle(orthanc, reports | lost, pacs.kept.total)
    assert set(pacs.kept) == {*reports, *lost}
    assert arrived not in pacs.asked
    assert missing in pacs.asked
    repeated = pacs.asked.total() - len({*reports, missing})
    assert repeated <= IN_FLIGHT, "what the archive had confirmed is not sent again"


def test_killed_in_the_middle_everything_arrives_exactly_once_by_stow(make_server: Callable[..., Orthanc]) -> None:
    """Orthanc keeps no STOW-RS jobs, so the archive is asked what it has."""
    pacs = WebPeer(delay=0.2)
    options = {"DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": {"pacs": pacs.server}}}
    orthanc = make_server({"SendTo": {"DicomWebServers": ["pacs"]}}, options).start()
    reports = plant(orthanc, [Destination("dicom-web", "pacs")], 9)
    kill_in_the_middle(orthanc, reports, pacs.kept.total)
    assert pacs.kept == dict.fromkeys(reports, 1)
    assert pacs.asked == len(reports)
    pacs.stop()


def at_first(reaction: Callable[[Any], int]) -> Callable[[Peer, Any], int]:
    """React so to the first two requests, and take what comes then."""
    return lambda peer, event: reaction(event) if peer.asked.total() <= 2 else SUCCESS


def abort(event: Any) -> int:
    event.assoc.abort()
    return PROCESSING_FAILURE


def stall(_event: Any) -> int:
    time.sleep(2)
    return PROCESSING_FAILURE


def test_archives_of_every_stubbornness(make_server: Callable[..., Orthanc], make_peer: Callable[..., Peer]) -> None:
    peers = {
        "refuses": make_peer("REFUSES", lambda *_: CANNOT_UNDERSTAND),
        "changes-its-mind": make_peer("CHANGES", at_first(lambda _: CANNOT_UNDERSTAND)),
        "full": make_peer("FULL", at_first(lambda _: OUT_OF_RESOURCES)),
        "aborts": make_peer("ABORTS", at_first(abort)),
        "stalls": make_peer("STALLS", at_first(stall)),
        "rejects": make_peer("REJECTS", rejects=True),
        "down": Peer("DOWN"),
    }
    web = {
        "web-refuses": WebPeer(lambda _: 400),
        "web-busy": WebPeer(lambda number: 503 if number <= 2 else OK),
        "web-locked": WebPeer(lambda number: 401 if number <= 2 else OK),
    }
    ai = {
        "SendTo": {"Modalities": list(peers), "DicomWebServers": list(web)},
        "RetryPause": 0.1,
        "MaxAttempts": 3,
    }
    options = {
        "DicomModalities": {name: peer.modality for name, peer in peers.items()},
        "DicomWeb": {"Enable": True, "Servers": {name: peer.server for name, peer in web.items()}},
        "DicomScuTimeout": 1,
    }
    orthanc = make_server(ai, options).start()
    destinations = [Destination("modality", name) for name in (*peers, "forgotten")]
    destinations += [Destination("dicom-web", name) for name in web]
    [(uid, report)] = plant(orthanc, destinations, 1).items()
    assert orthanc.post("/ai/jobs/retry")["deliveries"] == len(destinations)

    # Those that are not there are asked again and again, and keep nobody else waiting.
    away = {"rejects": DeliveryState.DUE, "down": DeliveryState.DUE}
    ends = {
        "refuses": DeliveryState.FAILED,
        "changes-its-mind": DeliveryState.SENT,
        "full": DeliveryState.SENT,
        "aborts": DeliveryState.SENT,
        "stalls": DeliveryState.SENT,
        "forgotten": DeliveryState.FAILED,
        "web-refuses": DeliveryState.FAILED,
        "web-busy": DeliveryState.SENT,
        "web-locked": DeliveryState.SENT,
    }
    orthanc.wait_until(lambda: ends.items() <= states(orthanc, report).items(), "not every end was reached")
    orthanc.wait_until(lambda: away.items() <= states(orthanc, report).items(), "the absent are no longer waited for")
    assert {name: (peer.asked.total(), peer.kept[uid]) for name, peer in peers.items()} == {
        "refuses": (3, 0),
        "changes-its-mind": (3, 1),
        "full": (3, 1),
        "aborts": (3, 1),
        "stalls": (3, 1),
        "rejects": (0, 0),
        "down": (0, 0),
    }
    assert {name: peer.asked for name, peer in web.items()} == {"web-refuses": 3, "web-busy": 3, "web-locked": 3}
    assert "0xC000" in delivery(orthanc, report, "refuses").detail
    assert delivery(orthanc, report, "refuses").code is Code.SEND_FAILED
    assert delivery(orthanc, report, "forgotten").code is Code.DESTINATION_UNKNOWN
    assert "Rejected" in delivery(orthanc, report, "rejects").detail
    assert "TCP Initialization Error" in delivery(orthanc, report, "down").detail

    # They come back. Who asks for a retry need not wait for the grown pauses.
    peers["rejects"].stop()
    back = [Peer("REJECTS", port=peers["rejects"].port).start(), peers["down"].start()]
    for name in away:
        orthanc.post(f"/ai/jobs/send:{report}:modality:{name}/retry")
    sent = dict.fromkeys(away, DeliveryState.SENT)
    orthanc.wait_until(lambda: sent.items() <= states(orthanc, report).items(), "what is back gets nothing")
    for peer in back:
        assert peer.asked == peer.kept == {uid: 1}
        peer.stop()
    for server in web.values():
        server.stop()
    assert uid not in orthanc.log_text()
    assert report not in orthanc.log_text()


def test_an_unknown_destination_stops_the_start(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server({"SendTo": {"Modalities": ["nowhere"], "DicomWebServers": ["nobody"]}})
    assert orthanc.launch().wait(30) != 0
    for word in ("AI.SendTo.Modalities", "'nowhere'", "storescu", "AI.SendTo.DicomWebServers", "'nobody'"):
        assert word in orthanc.log_text()
