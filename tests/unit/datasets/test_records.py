"""What the journal says, what it does not say, and what of it still holds after a power cut."""

import hashlib
import threading
from pathlib import Path
from typing import Any

from orthanc_ai.batches.crew import Done
from orthanc_ai.batches.run import Run
from orthanc_ai.codes import Code
from orthanc_ai.datasets.orders import ImageOrder, Making
from orthanc_ai.datasets.records import count, record_of, spoiled
from orthanc_ai.deidentify.pseudonyms import Pseudonyms

ORDER = ImageOrder("id", None, "image-1", Making(Path("/"), "png8", None, {}, {}))
PSEUDONYMS = Pseudonyms(bytes(32))


def image(content: bytes = b"x", **more: Any) -> dict[str, Any]:
    return {"file": "a.png", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}


def test_whose_an_image_is_does_not_stand_in_the_journal() -> None:
    member = {"key": "a.png", "patients": ["123"], "pixels": "d1", "picture": "d2"}
    record, members = record_of(Done(ORDER, {"images": [image(member=member)], "leftOut": []}), PSEUDONYMS)
    assert members == [member]
    assert "123" not in str(record)
    assert record["images"][0]["pixels"] == PSEUDONYMS.digest("d1") != "d1"


def test_an_image_that_breaks_its_worker_is_left_out() -> None:
    record, members = record_of(Done(ORDER, None, Code.DEADLINE_EXCEEDED), PSEUDONYMS)
    assert (record["leftOut"], members) == ([{"frame": None, "code": "DEADLINE_EXCEEDED"}], [])


def test_they_are_counted_once(tmp_path: Path) -> None:
    run = Run({}, tmp_path, {}, settle=lambda _: None, ended=threading.Event(), paused=lambda: False)
    records = [{"images": [image()], "leftOut": []}, {"images": [], "leftOut": [{"code": "NO_PIXELS"}]}]
    count(run, records, anew=True)
    count(run, records[:1])
    assert run.summary == {"codes": {"EXPORTED": 2, "NO_PIXELS": 1}, "bytes": 2}
    count(run, records, anew=True)
    assert run.summary["codes"] == {"EXPORTED": 1, "NO_PIXELS": 1}


def test_files_that_a_power_cut_took_along_are_told(tmp_path: Path) -> None:
    settled = {name: {"images": [image(name.encode(), file=name)], "leftOut": []} for name in ("whole", "half", "gone")}
    (tmp_path / "whole").write_bytes(b"whole")
    (tmp_path / "half").write_bytes(b"ha")
    assert list(spoiled(settled, tmp_path, settled)) == ["half", "gone"]
    assert list(spoiled(settled, tmp_path, {})) == ["whole", "half", "gone"]
