"""No X-ray and no CT study is forgotten, whatever happens between its arrival and its report.

More of this promise: test_start.py (a kill, a cleared log, a missing model), test_ct.py (a kill before a study is stable),
test_contained.py (workers that die), and `make soak`.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.outcomes import CARDIAC_METADATA, XRAY_METADATA
from phantom.ct import ct_series
from phantom.dicom import chest_dx

from .disk import small_disk
from .faults import FAULTY_PYTHON
from .orthanc import Orthanc

WITHOUT_PLUGIN = {"Plugins": [], "PythonScript": ""}


def test_killed_again_and_again_at_any_moment(make_server: Callable[..., Orthanc]) -> None:
    """Films and a CT study that is never left alone for long enough to become stable, until the last start."""
    moments = random.Random(20261121)
    orthanc = make_server({"RetryPause": 0.2}, {"StableAge": 3}).start()
    series = ct_series("calcium_score")
    films: list[str] = []
    for kill in range(5):
        films += orthanc.upload(chest_dx(10 * kill + number, 512, 512) for number in range(4))
        orthanc.upload(series[kill::5])
        time.sleep(moments.uniform(0.0, 2.0))
        orthanc.kill()
        orthanc.start()
    orthanc.wait_until(lambda: len(orthanc.reports()) == len(films) + 1, "reports are missing", 120)
    orthanc.wait_idle()
    assert len(orthanc.reports()) == len(films) + 1
    [study] = [found["ID"] for found in orthanc.find("Study", {"ModalitiesInStudy": "CT"})]
    outcome = orthanc.outcome("studies", study, CARDIAC_METADATA)
    assert outcome is not None
    assert outcome["data"]["instances"] == len(series)


@pytest.mark.parametrize("index_too", [False, True], ids=["files", "files and index"])
def test_a_full_disk_while_a_report_is_stored(
    make_server: Callable[..., Orthanc], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index_too: bool
) -> None:
    """The films arrive while there is room, their reports find none; once there is room again they are stored."""
    go = tmp_path / "go"
    monkeypatch.setenv("ORTHANC_AI_FAULTS_GO", str(go))
    with small_disk(tmp_path / "disk", 64) as disk:
        index = disk.folder if index_too else tmp_path
        options = {"StorageDirectory": str(disk.folder / "db"), "IndexDirectory": str(index / "db")}
        orthanc = make_server({"RetryPause": 0.5, "Python": str(FAULTY_PYTHON)}, options).start()
        films = orthanc.upload(chest_dx(seed, 512, 512, PatientID="WAIT") for seed in range(3))
        disk.fill()
        go.touch()
        expected = {"DATABASE_BUSY"} if index_too else {"STORE_FAILED"}
        orthanc.wait_until(lambda: (queue(orthanc)["lastError"] or {}).get("code") in expected, "it finds room")
        assert orthanc.reports() == []
        disk.clear()
        orthanc.wait_until(lambda: len(orthanc.reports()) == len(films), "the reports are not stored", 120)
        orthanc.wait_idle()
        for film in films:
            outcome = orthanc.outcome("instances", film, XRAY_METADATA)
            assert outcome is not None
            assert outcome["code"] == "REPORTED"
        assert orthanc.stop() == 0


def queue(orthanc: Orthanc) -> dict[str, Any]:
    found: dict[str, Any] = orthanc.get("/ai/status")["queue"]
    return found


def test_what_somebody_asked_for_outlives_a_kill(make_server: Callable[..., Orthanc]) -> None:
    """Films from before the first start are asked for by patient, and the server dies right after its 202."""
    orthanc = make_server(options=WITHOUT_PLUGIN)
    orthanc.launch()
    orthanc.wait_for_http("/system")
    films = orthanc.upload(chest_dx(seed, 512, 512, PatientID="ASKED") for seed in range(4))
    orthanc.stop()
    orthanc.options.clear()
    orthanc.start()
    orthanc.wait_idle()
    assert orthanc.reports() == []
    assert orthanc.post("/ai/patients/ASKED/analyze")["jobs"] == len(films)
    orthanc.kill()
    orthanc.start()
    orthanc.wait_idle()
    assert len(orthanc.reports()) == len(films)
    [patient] = orthanc.get("/patients")
    assert orthanc.request("GET", f"/patients/{patient}/metadata/ai-requested").status_code == 404, "asked for ever"


def test_a_reconciliation_finds_what_is_missing(make_server: Callable[..., Orthanc]) -> None:
    """An administrator clears the change log of a server whose plugin was away; later another wants all of the past."""
    orthanc = make_server(options=WITHOUT_PLUGIN)
    orthanc.launch()
    orthanc.wait_for_http("/system")
    orthanc.upload([*(chest_dx(seed, 256, 256) for seed in range(3)), *ct_series("calcium_score")])
    assert orthanc.request("DELETE", "/changes").ok
    orthanc.stop()
    orthanc.options.clear()
    orthanc.start()
    orthanc.wait_idle()
    orthanc.request("POST", "/ai/reconcile").raise_for_status()
    orthanc.wait_until(lambda: orthanc.get("/ai/reconcile")["state"] == "ended", "it does not end")
    assert orthanc.get("/ai/reconcile")["found"] == 0, "what was there before the first start does not concern it"
    assert orthanc.request("POST", "/ai/reconcile", json={"since": "2000-01-01"}).status_code == 202
    orthanc.kill()
    orthanc.start()
    orthanc.wait_until(lambda: orthanc.get("/ai/reconcile")["state"] == "ended", "it does not end")
    progress = orthanc.get("/ai/reconcile")
    assert (progress["studies"], progress["lookedAt"], progress["found"], progress["settled"]) == (4, 4, 4, 4)
    # Held until the model was loaded after the restart, maybe.
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 4


def test_waiting_work_does_not_hold_up_the_place(make_server: Callable[..., Orthanc], tmp_path: Path) -> None:
    """What is paused, held or parked can be found in the index, so the saved place moves past it."""
    nowhere = {
        "Model": "densenet121-res224-all",
        "CacheDirectory": str(tmp_path / "none"),
        "ModelMirror": "http://127.0.0.1:9/",
    }
    orthanc = make_server(nowhere).start()
    orthanc.upload(chest_dx(seed, 128, 128) for seed in range(3))
    orthanc.wait_idle(with_model=False)
    orthanc.wait_until(lambda: queue(orthanc)["held"] == 3, "what is held is not counted", 10)
    assert queue(orthanc)["oldestSeconds"] == 0.0
    orthanc.post("/ai/pause")
    orthanc.upload(chest_dx(seed, 128, 128) for seed in range(3, 5))
    orthanc.wait_idle(with_model=False)
    orthanc.wait_until(lambda: queue(orthanc)["held"] == 5, "what is held is not counted", 10)
    assert queue(orthanc)["oldestSeconds"] == 0.0
