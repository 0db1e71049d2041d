"""No report twice: one for each image, analysis, model and schema, however often and from wherever things come."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom

from orthanc_ai.outcomes import CARDIAC_METADATA, REPORT_METADATA, XRAY_METADATA
from phantom.ct import ct_series
from phantom.dicom import chest_dx

from .orthanc import Orthanc


def test_many_senders_of_the_same_image_at_once(make_server: Callable[..., Orthanc]) -> None:
    """While it is read, after it was read, and over a restart."""
    orthanc = make_server().start()
    films = [chest_dx(seed, 512, 512) for seed in range(3)]
    with ThreadPoolExecutor(6) as senders:
        for _ in range(2):
            for done in [senders.submit(orthanc.upload, films) for _ in range(6)]:
                assert len(done.result()) == len(films)
            orthanc.wait_idle()
            assert len(orthanc.reports()) == len(films)
    orthanc.kill()
    orthanc.start()
    orthanc.upload(films)
    orthanc.wait_idle()
    assert len(orthanc.reports()) == len(films)


def test_a_study_that_becomes_stable_again(make_server: Callable[..., Orthanc]) -> None:
    """Our own report makes it so, and so does an image that comes once more."""
    orthanc = make_server().start()
    series = ct_series("calcium_score")
    [first, *_] = orthanc.upload(series)
    orthanc.wait_until(lambda: len(orthanc.reports()) == 1, "it is not judged")
    [study] = orthanc.find("Study", {})
    before = orthanc.outcome("studies", study["ID"], CARDIAC_METADATA)
    orthanc.upload(series[:1])
    # Orthanc's way to make a study stable once more without waiting: an attachment-free change of its instances.
    orthanc.request("PUT", f"/instances/{first}/metadata/4299", data=b"touched")
    orthanc.wait_until(lambda: stable_events(orthanc) >= 2, "it did not become stable again")
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1
    assert orthanc.outcome("studies", study["ID"], CARDIAC_METADATA) == before


def stable_events(orthanc: Orthanc) -> int:
    return len(orthanc.get("/changes?since=0&limit=1000&type=StableStudy")["Changes"])


def test_a_report_that_comes_back_from_an_archive_is_known_again(make_server: Callable[..., Orthanc]) -> None:
    """A server that has lost its database is filled again from the archive: films and reports."""
    first = make_server(name="first").start()
    films = [chest_dx(seed, 256, 256) for seed in range(2)]
    first.upload(films)
    first.wait_idle()
    reports = [first.dataset(report) for report in first.reports()]
    second = make_server(name="second").start()
    came_back = second.upload(reports)
    stored = second.upload(films)
    second.wait_idle()
    assert sorted(second.reports()) == sorted(came_back)
    for film in stored:
        outcome = second.outcome("instances", film, XRAY_METADATA)
        assert outcome is not None
        assert outcome["code"] == "REPORTED"
    for report in came_back:
        assert second.request("GET", f"/instances/{report}/metadata/{REPORT_METADATA}").ok, "it is not known as ours"


def test_a_forged_report_does_not_count(make_server: Callable[..., Orthanc], tmp_path: Path) -> None:
    """Somebody stores other content under the identifiers that our report is going to have."""
    first = make_server(name="first").start()
    film = chest_dx(1, 256, 256)
    first.upload([film])
    first.wait_idle()
    [report] = [first.dataset(report) for report in first.reports()]
    _item(report).TextValue = "No finding whatsoever."
    second = make_server(name="second").start()
    [forged] = second.upload([report])
    [stored] = second.upload([film])
    second.wait_until(lambda: second.get("/ai/status")["queue"]["failed"] == 1, "it counts as done")
    outcome = second.outcome("instances", stored, XRAY_METADATA)
    assert outcome is not None
    assert outcome["code"] == "FAILED"
    assert outcome["detail"].startswith("RESULT_UID_TAKEN")
    assert second.request("GET", f"/instances/{forged}/metadata/{REPORT_METADATA}").status_code == 404
    # Once it is gone, the film can be reported.
    assert second.request("DELETE", f"/instances/{forged}").ok
    second.post(f"/ai/instances/{stored}/analyze")
    second.wait_idle()
    [genuine] = second.reports()
    assert _item(second.dataset(genuine)).TextValue != "No finding whatsoever."


def _item(report: pydicom.Dataset) -> pydicom.Dataset:
    """The first text of a report's tree."""
    waiting = [report]
    while waiting:
        item = waiting.pop(0)
        if item.get("ValueType") == "TEXT":
            return item
        waiting += list(item.get("ContentSequence", ()))
    raise AssertionError("the report has no text")
