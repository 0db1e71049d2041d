"""How the server starts, refuses to start, starts on a full archive, and stops."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid

from orthanc_ai.outcomes import XRAY_METADATA

from .orthanc import MODELS_CACHE, Orthanc

RECORD = "densenet121-res224-all"

IMAGES = ("gdcm_cr_mono1_10bit_440.dcm", "nih_dx_mono2_8bit_implicit_nofinding.dcm")


@pytest.mark.parametrize(
    ("ai", "options", "words"),
    [
        ({}, {"Python": {"AllowThreads": False}}, ("AllowThreads",)),
        ({"Workers": "many"}, {}, ("AI.Workers", "'many'", "integer")),
        ({"Model": "densenet999"}, {}, ("densenet999",)),
        ({"XRay": {"Thresholds": {"Flu": 0.5}}}, {}, ("Flu",)),
        ({}, {"UserMetadata": {}}, ("UserMetadata", XRAY_METADATA)),
        ({}, {"LimitFindResults": 100}, ("LimitFindResults: found 100", "allowed: 0")),
        ({}, {"ExtraMainDicomTags": {}}, ("ExtraMainDicomTags", "ImageType")),
        ({"CardiacCT": {"Enabled": False}}, {"ExtraMainDicomTags": {}}, ("ViewPosition", "CompareWithPrior be false")),
        (
            {
                "CardiacCT": {"Enabled": False},
                "XRay": {"CompareWithPrior": False},
                "Triage": [{"Label": "x", "Findings": ["Nodule"], "Views": ["PA"]}],
            },
            {"ExtraMainDicomTags": {}},
            ("ViewPosition", "no rule of AI.Triage have Views"),
        ),
        ({"Python": "/nowhere/python3"}, {}, ("AI.Python", "/nowhere/python3")),
    ],
    ids=[
        "threads",
        "wrong value",
        "no such model",
        "no such finding",
        "metadata",
        "limits",
        "tags",
        "views",
        "views of rules",
        "python",
    ],
)
def test_a_wrong_configuration_stops_the_start_and_says_why(
    make_server: Callable[..., Orthanc], ai: dict[str, object], options: dict[str, object], words: tuple[str, ...]
) -> None:
    orthanc = make_server(ai, options)
    assert orthanc.launch().wait(30) != 0
    for word in words:
        assert word in orthanc.log_text()


def archive(make_server: Callable[..., Orthanc], data: Path) -> Orthanc:
    """A server that has stored images without the plugin."""
    orthanc = make_server(options={"Plugins": [], "PythonScript": ""})
    orthanc.launch()
    orthanc.wait_for_http("/system")
    assert len(orthanc.upload([data / "cxr" / name for name in IMAGES])) == len(IMAGES)
    orthanc.stop()
    orthanc.options.clear()
    return orthanc


@pytest.mark.parametrize(
    ("backfill", "expected"),
    [("none", 0), ("all", 2), ("since:2000-01-01", 2), ("since:2100-01-01", 0)],
)
def test_first_start_on_a_full_archive_does_what_is_configured(
    make_server: Callable[..., Orthanc], data: Path, backfill: str, expected: int
) -> None:
    orthanc = archive(make_server, data)
    orthanc.ai["Backfill"] = backfill
    orthanc.start()
    orthanc.wait_idle()
    assert len(orthanc.reports()) == expected
    if backfill == "none":
        assert "AI.Backfill is none" in orthanc.log_text()


def test_images_that_arrive_while_the_plugin_is_away_are_read_later(
    make_server: Callable[..., Orthanc], data: Path
) -> None:
    orthanc = make_server().start()
    orthanc.stop()
    orthanc.options = {"Plugins": [], "PythonScript": ""}
    orthanc.launch()
    orthanc.wait_for_http("/system")
    orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.stop()
    orthanc.options = {}
    orthanc.start()
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1


def test_killed_in_the_middle_nothing_is_lost_and_nothing_done_twice(
    make_server: Callable[..., Orthanc], data: Path
) -> None:
    orthanc = make_server().start()
    orthanc.upload([data / "cxr" / name for name in IMAGES])
    orthanc.kill()
    orthanc.start()
    orthanc.wait_idle()
    assert len(orthanc.reports()) == len(IMAGES)


def test_the_first_image_finds_a_worker_with_the_model(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    orthanc.wait_until(lambda: "a worker has loaded the model" in orthanc.log_text(), "no worker loads the model")
    workers = orthanc.workers()
    assert len(workers) == 1
    orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1
    assert orthanc.workers() == workers


def test_workers_do_not_outlive_a_killed_server(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.wait_idle()
    workers = orthanc.workers()
    assert workers
    orthanc.kill()
    orthanc.wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "a worker lives on")


def test_a_stopped_server_leaves_nothing_behind(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.wait_idle()
    workers = orthanc.workers()
    assert orthanc.stop(signal.SIGTERM) == 0
    orthanc.wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "a worker lives on")


def test_studies_that_become_stable_while_the_server_stops_crash_nothing(
    make_server: Callable[..., Orthanc], data: Path
) -> None:
    """Stopping takes seconds, and each of these studies becomes stable at another moment of them."""
    orthanc = make_server(options={"StableAge": 2}).start()
    study = pydicom.dcmread(data / "cxr" / IMAGES[1])
    study.Modality = "OT"
    for _ in range(15):
        study.StudyInstanceUID, study.SeriesInstanceUID = generate_uid(), generate_uid()
        study.SOPInstanceUID = study.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        assert orthanc.upload([study])
        time.sleep(0.2)
    assert orthanc.stop(signal.SIGTERM) == 0
    assert "Orthanc has stopped" in orthanc.log_text()


def test_a_cleared_change_log_hides_nothing(make_server: Callable[..., Orthanc], data: Path) -> None:
    """The log is cleared while the plugin is away: what it had not read is found by looking through the archive."""
    orthanc = make_server().start()
    orthanc.stop()
    orthanc.options = {"Plugins": [], "PythonScript": ""}
    orthanc.launch()
    orthanc.wait_for_http("/system")
    orthanc.upload([data / "cxr" / name for name in IMAGES])
    assert orthanc.request("DELETE", "/changes").ok
    orthanc.stop()
    orthanc.options = {}
    orthanc.start()
    orthanc.wait_until(lambda: len(orthanc.reports()) == len(IMAGES), "the reports are missing")


def test_only_the_named_senders_are_read(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server({"Sources": {"RemoteAET": ["STORESCU"]}}).start()
    orthanc.send([data / "cxr" / IMAGES[0]], calling_aet="STORESCU")
    [other] = orthanc.upload([data / "cxr" / IMAGES[1]])
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1
    outcome = orthanc.outcome("instances", other, XRAY_METADATA)
    assert outcome is not None
    assert outcome["code"] == "SOURCE_NOT_SELECTED"


def test_a_missing_model_holds_the_work_until_it_is_there(
    make_server: Callable[..., Orthanc], data: Path, tmp_path: Path
) -> None:
    """No other model answers in its place, and nothing is lost."""
    cache = tmp_path / "models"
    nowhere = "http://127.0.0.1:9/"
    orthanc = make_server({"Model": RECORD, "CacheDirectory": str(cache), "ModelMirror": nowhere})
    orthanc.start()
    instances = orthanc.upload([data / "cxr" / name for name in IMAGES])
    orthanc.wait_idle(with_model=False)
    assert orthanc.reports() == []
    for instance in instances:
        outcome = orthanc.outcome("instances", instance, XRAY_METADATA)
        assert outcome is not None
        assert (outcome["code"], outcome["detail"], outcome["model"]) == ("HELD", "MODEL_MISSING", RECORD)
    orthanc.stop()
    # The administrator decides for another model: what was held is read with it.
    orthanc.ai = {"Model": "phantom", "CacheDirectory": str(MODELS_CACHE)}
    orthanc.start()
    orthanc.wait_until(lambda: len(orthanc.reports()) == len(IMAGES), "what was held is not read")


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a server in a network of its own answers to callers from this machine and from others."""
    folder = tmp_path_factory.mktemp("outside")
    command = ["unshare", "--net", sys.executable, "-m", "tests.live.outside", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_it_serves_this_machine_only(outside: dict[str, Any]) -> None:
    """DIMSE listens on every address, HTTP too: from elsewhere both refuse."""
    assert outside["loopback"] == {"http": 200, "store": True}
    assert outside["elsewhere"]["http"] in {401, 403}
    assert outside["elsewhere"]["store"] is False


def test_an_unknown_sender_is_refused(outside: dict[str, Any]) -> None:
    assert outside["stranger"] is False


def test_remote_access_without_users_is_refused(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server(options={"RemoteAccessAllowed": True})
    assert orthanc.launch().wait(30) != 0
    assert "RegisteredUsers" in orthanc.log_text()


def test_remote_access_with_users_asks_for_a_password(make_server: Callable[..., Orthanc]) -> None:
    options = {"RemoteAccessAllowed": True, "AuthenticationEnabled": True, "RegisteredUsers": {"reader": "secret"}}
    orthanc = make_server(options=options)
    orthanc.launch()
    orthanc.wait_until(lambda: orthanc.answers("/ai/status", ("reader", "secret")) == 200, "it does not answer")
    for path in ("/ai/status", "/ai/findings", "/ohif/", "/system"):
        assert orthanc.answers(path) == 401
    assert orthanc.answers("/ai/status", ("reader", "guess")) == 401


def test_dead_workers_are_replaced(make_server: Callable[..., Orthanc], data: Path) -> None:
    """Idle ones: the pool that they belonged to is given up, and another one is made."""
    orthanc = make_server().start()
    for count, name in enumerate(IMAGES, start=1):
        orthanc.upload([data / "cxr" / name])
        orthanc.wait_idle()
        assert len(orthanc.reports()) == count, orthanc.log_text()[-2000:]
        os.kill(orthanc.workers()[0], signal.SIGKILL)


def test_a_vanished_file_ends_with_a_code_and_holds_up_nothing(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = archive(make_server, data)
    for file in (orthanc.folder / "db").glob("??/??/*"):
        file.unlink()
    orthanc.ai |= {"Backfill": "all", "RetryPause": 0.1}
    orthanc.start()
    orthanc.wait_idle()
    [new] = orthanc.upload([data / "cxr" / "wg04_rg1_cr_mono1_15bit_j2k_lossy.dcm"])
    orthanc.wait_idle()
    assert orthanc.outcome("instances", new, XRAY_METADATA)["code"] == "REPORTED"  # type: ignore[index]
    orthanc.wait_until(lambda: orthanc.get("/ai/status")["queue"]["failed"] == len(IMAGES), "they are not given up")
    failed = orthanc.get("/ai/outcomes?code=FAILED")["outcomes"]
    assert all(outcome["attempts"] == 3 for outcome in failed)
    assert all("FILE_UNREADABLE" in outcome["detail"] for outcome in failed)


def test_asking_while_the_model_is_missing_keeps_the_report(
    make_server: Callable[..., Orthanc], data: Path, tmp_path: Path
) -> None:
    orthanc = make_server().start()
    [instance] = orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.wait_idle()
    before = orthanc.outcome("instances", instance, XRAY_METADATA)
    orthanc.stop()
    orthanc.ai = {"Model": RECORD, "CacheDirectory": str(tmp_path / "none"), "ModelMirror": "http://127.0.0.1:9/"}
    orthanc.start()
    orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.wait_idle(with_model=False)
    assert orthanc.outcome("instances", instance, XRAY_METADATA) == before, "a re-send changes nothing"
    orthanc.post(f"/ai/instances/{instance}/analyze")
    orthanc.wait_idle(with_model=False)
    held = orthanc.outcome("instances", instance, XRAY_METADATA)
    assert before is not None
    assert held is not None
    assert (held["code"], held["result"], held["data"]) == ("HELD", before["result"], before["data"])


def test_the_same_image_under_a_corrected_patient_id_has_its_own_report(
    make_server: Callable[..., Orthanc], data: Path
) -> None:
    image = pydicom.dcmread(data / "cxr" / IMAGES[0])
    orthanc = make_server().start()
    orthanc.upload([image])
    orthanc.wait_idle()
    image.PatientID = "CORRECTED"
    orthanc.upload([image])
    orthanc.wait_idle()
    patients = [str(orthanc.dataset(report).PatientID) for report in orthanc.reports()]
    assert len(patients) == 2
    assert "CORRECTED" in patients
