"""Tables of tags from a real server: what they hold, who may have which names, and that a kill costs nothing."""

import csv
import io
import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

from orthanc_ai.files import sha256_of
from phantom.ct import ct_series

from .orthanc import Orthanc

SERIES = ct_series("chest", slices=12, examination="tables")
UID = SERIES[0].SeriesInstanceUID
AS_IT_IS = {"deidentify": {"enabled": False}}


def ended(orthanc: Orthanc, path: str) -> dict[str, Any]:
    orthanc.wait_until(lambda: orthanc.get(path)["ended"] is not None, "the table does not end", 60)
    batch: dict[str, Any] = orthanc.get(path)
    return batch


def made(orthanc: Orthanc, **request: Any) -> dict[str, Any]:
    batch = ended(orthanc, orthanc.post("/ai/tables", request)["path"])
    assert batch["state"] == "done", batch
    return batch


def rows(orthanc: Orthanc, batch: dict[str, Any]) -> list[dict[str, str]]:
    answer = orthanc.request("GET", f"{batch['path']}/files/table.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


@pytest.fixture(scope="module")
def archive(server: Orthanc) -> Orthanc:
    """A server with a CT series."""
    server.upload(SERIES)
    return server


def test_columns_that_differ_in_upper_and_lower_case_alone_are_one(archive: Orthanc) -> None:
    tags = ["(0019,100c)", "KVP", "(0019,100C)"]
    batch = made(
        archive, selection={"series": [UID]}, tags=tags, statistics=False, formats=["csv", "sqlite"], **AS_IT_IS
    )
    columns = list(rows(archive, batch)[0])
    assert [column for column in columns if column.casefold() in {"(0019,100c)", "kvp"}] == tags[:2]


def test_every_image_is_a_row_with_its_tags_and_statistics(archive: Orthanc) -> None:
    tags = ["default", "SliceLocation", "(0018,0060)", "RequestAttributesSequence[0].ScheduledProcedureStepID"]
    batch = made(
        archive,
        selection={"series": [UID]},
        tags=tags,
        windows=["lung", {"name": "mine", "center": 40, "width": 400}],
        formats=["csv", "parquet", "sqlite"],
        **AS_IT_IS,
    )
    assert (batch["summary"]["images"], batch["summary"]["rows"], batch["summary"]["codes"]) == (12, 12, {})
    found = {row["SOPInstanceUID"]: row for row in rows(archive, batch)}
    assert set(found) == {one.SOPInstanceUID for one in SERIES}
    for one in SERIES:
        row = found[one.SOPInstanceUID]
        hu = one.pixel_array.astype(float) * float(one.RescaleSlope) + float(one.RescaleIntercept)
        assert (row["PatientID"], row["SeriesInstanceUID"], row["code"]) == (one.PatientID, UID, "")
        assert (int(row["InstanceNumber"]), row["Modality"]) == (one.InstanceNumber, "CT")
        assert row["PixelSpacing"] == "\\".join(str(value) for value in one.PixelSpacing)
        assert (float(row["pixel_min"]), float(row["pixel_max"])) == (hu.min(), hu.max())
        assert float(row["pixel_mean"]) == pytest.approx(hu.mean())
        assert float(row["in_mine"]) == pytest.approx(((hu > -160) & (hu < 240)).mean())
        assert archive.get(f"/instances/{row['orthanc_id']}")["MainDicomTags"]["SOPInstanceUID"] == one.SOPInstanceUID
    # The files are what was said of them, and what can be downloaded.
    folder = archive.folder / "batches" / batch["path"].removeprefix("/ai/") / "output"
    for said in batch["summary"]["files"].values():
        content = archive.request("GET", f"{batch['path']}/files/{said['name']}").content
        assert (len(content), sha256_of(folder / said["name"])) == (said["bytes"], said["sha256"])
        assert content == (folder / said["name"]).read_bytes()
    assert parquet.read_table(folder / "table.parquet").num_rows == 12
    for wrong in ("nothing", ".parts/0000000.jsonl", "%2e%2e/batch.json", "x" * 300):
        assert archive.request("GET", f"{batch['path']}/files/{wrong}").status_code == 404


def test_a_table_has_no_identifiers_unless_asked(archive: Orthanc) -> None:
    tags = ["default", "PatientName", "PatientID", "AccessionNumber", "Rows"]
    batch = made(archive, selection={"series": [UID]}, tags=tags, statistics=False)
    found = rows(archive, batch)
    assert len({row["SOPInstanceUID"] for row in found}) == 12
    assert len({row["PatientID"] for row in found}) == len({row["SeriesInstanceUID"] for row in found}) == 1
    folder = archive.folder / "batches" / batch["path"].removeprefix("/ai/")
    text = "".join(file.read_text() for file in (folder / "output").iterdir())
    for hidden in (SERIES[0].PatientID, str(SERIES[0].PatientName), UID, SERIES[0].StudyInstanceUID):
        assert hidden not in text
    assert {row["Rows"] for row in found} == {str(SERIES[0].Rows)}
    assert not (folder / "private").exists()


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"tags": ["NoSuchKeyword"]}, 400, "TAG_UNKNOWN"),
        ({"tags": ["PixelData"]}, 400, "TAG_WITHOUT_COLUMN"),
        ({"tags": ["Rows["]}, 400, "BAD_REQUEST"),
        ({"windows": ["stomach"]}, 400, "BAD_REQUEST"),
        ({"formats": ["xlsx"]}, 400, "BAD_REQUEST"),
        ({"selection": {"series": ["1.2.3"]}}, 404, "NOT_FOUND"),
        ({"dataset": "0123456789abcdef"}, 404, "NOT_FOUND"),
        ({"deidentify": {"retain": ["fullDates", "modifiedDates"]}}, 400, "BAD_REQUEST"),
    ],
)
def test_a_wrong_request_begins_nothing(archive: Orthanc, request_: dict[str, Any], status: int, code: str) -> None:
    before = len(archive.get("/ai/tables")["batches"])
    answer = archive.request("POST", "/ai/tables", json=request_)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert all(tag.strip("[") in answer.json()["detail"] for tag in request_.get("tags", ()))
    assert len(archive.get("/ai/tables")["batches"]) == before


def test_a_table_is_listed_and_removed(archive: Orthanc) -> None:
    batch = made(archive, selection={"series": [UID]}, tags=["Rows"])
    assert batch["id"] in [one["id"] for one in archive.get("/ai/tables")["batches"]]
    assert archive.request("DELETE", batch["path"]).status_code == 200
    assert not (archive.folder / "batches" / batch["path"].removeprefix("/ai/")).exists()
    assert archive.request("GET", batch["path"]).status_code == 404


IMAGES = 280
FRAMES = 40


def _clip(number: int) -> Dataset:
    """A multi-frame image: many rows for little work of the sender."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    dataset.PatientID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "clips", "2.25.1", "2.25.1.1"
    dataset.SOPInstanceUID, dataset.InstanceNumber, dataset.Modality = f"2.25.1.1.{number}", number, "OT"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = FRAMES, 32, 32, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelData = np.arange(FRAMES * 32 * 32, dtype="<u2").tobytes()
    return dataset


def test_killed_in_the_middle_it_is_the_same_table(make_server: Callable[..., Orthanc]) -> None:
    """What was done before is not done again."""
    orthanc = make_server({"Workers": 1}).start()
    orthanc.upload([_clip(number) for number in range(1, IMAGES + 1)])
    request = {"tags": ["InstanceNumber"], "frames": True, "formats": ["csv", "parquet", "sqlite"], **AS_IT_IS}
    path = orthanc.post("/ai/tables", request)["path"]
    orthanc.wait_until(lambda: orthanc.get(path)["done"] >= 1, "no part is done")
    orthanc.kill()
    folder = orthanc.folder / "batches" / path.removeprefix("/ai/") / "output"
    parts = list((folder / ".parts").glob("*.jsonl"))
    assert len(parts) == 1
    orthanc.start()
    batch = ended(orthanc, path)
    assert (batch["state"], batch["done"], batch["total"]) == ("done", 3, 3)
    assert (batch["summary"]["images"], batch["summary"]["rows"]) == (IMAGES, IMAGES * FRAMES)
    through = made(orthanc, **request)
    assert through["summary"] == batch["summary"]
    connection = sqlite3.connect(folder / "table.sqlite")
    found = connection.execute("SELECT InstanceNumber, frame FROM images").fetchall()
    connection.close()
    assert sorted(found) == [(number, frame) for number in range(1, IMAGES + 1) for frame in range(1, FRAMES + 1)]
    assert sorted(file.name for file in folder.iterdir()) == [
        *("table.csv", "table.json", "table.parquet", "table.sqlite")
    ]
