"""The catalogue's tables follow the index where the numbers stay the same and the change log says little or nothing."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydicom.uid import generate_uid

from orthanc_ai.catalog import mirror as mirror_module
from orthanc_ai.catalog.mirror import CatalogError, Mirror
from orthanc_ai.outcomes import XRAY_METADATA
from orthanc_ai.server import ServerError

from .orthanc import Orthanc
from .rest import index_of
from .test_api import dataset, outcome, write

TABLES = (
    "SELECT patient.id, study.id, patient_id, sex, date, description FROM study JOIN patient ON patient.key = patient",
    "SELECT id, modality, description, instances, images FROM series",
    "SELECT id, code, model FROM xray",
)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server whose files may be replaced, and whose own plugin writes no outcomes."""
    ai = {"XRay": {"Enabled": False}}
    made = Orthanc(tmp_path_factory.mktemp("corrected"), ai, {"OverwriteInstances": True})
    made.start()
    yield made
    made.stop()


def loaded(orthanc: Orthanc) -> Mirror:
    """Tables without a thread: they are brought up to date by questions only."""
    made = Mirror(index_of(orthanc), 1000)
    with pytest.raises(CatalogError), made.reading():
        pass
    made.load()
    return made


def content(mirror: Mirror) -> list[list[Any]]:
    with mirror.reading() as rows:
        return [sorted(rows.database.execute(table).fetchall()) for table in TABLES]


def study_of(orthanc: Orthanc, instance: str) -> str:
    return str(orthanc.get(f"/instances/{instance}/study")["ID"])


def one_series(**tags: str) -> dict[str, str]:
    return {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), **tags}


def test_an_image_takes_the_place_of_another_one(orthanc: Orthanc) -> None:
    same = one_series()
    first, _ = orthanc.upload([dataset(**same) for _ in range(2)])
    write(orthanc, "instances", first, XRAY_METADATA, outcome({"Mass": 0.5}))
    mirror = loaded(orthanc)
    assert orthanc.request("DELETE", f"/instances/{first}").ok
    orthanc.upload([dataset(**same)])
    assert content(mirror) == content(loaded(orthanc))


def test_a_study_is_deleted_and_stored_corrected(orthanc: Orthanc) -> None:
    film = dataset(PatientID="corrected", StudyDescription="wrong", SeriesDescription="wrong", PatientSex="F")
    [stored] = orthanc.upload([film])
    mirror = loaded(orthanc)
    assert orthanc.request("DELETE", f"/studies/{study_of(orthanc, stored)}").ok
    film.StudyDescription = film.SeriesDescription = "right"
    film.PatientSex = "M"
    orthanc.upload([film])
    assert content(mirror) == content(loaded(orthanc))


def test_a_study_is_modified_in_its_place(orthanc: Orthanc) -> None:
    same = one_series(PatientID="modified", StudyDescription="before")
    stored = orthanc.upload([dataset(**same) for _ in range(3)])
    mirror = loaded(orthanc)
    change = {
        "Replace": {"StudyDescription": "after"},
        "Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"],
        "Force": True,
    }
    orthanc.post(f"/studies/{study_of(orthanc, stored[0])}/modify", change)
    assert content(mirror) == content(loaded(orthanc))
    # Asked between the last file and the reconstruction of the index: as if nothing had changed since.
    with mirror.reading() as rows:
        rows.database.execute("UPDATE study SET description = 'before'")
    study = study_of(orthanc, stored[0])
    stable = "/changes?since=0&limit=1000&type=StableStudy"
    orthanc.wait_until(lambda: study in [one["ID"] for one in orthanc.get(stable)["Changes"]], "it is not stable")
    assert content(mirror) == content(loaded(orthanc))


def test_what_no_change_tells_is_found_in_time(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    [stored] = orthanc.upload([dataset(PatientID="silent")])
    write(orthanc, "instances", stored, XRAY_METADATA, outcome({"Mass": 0.5}))
    monkeypatch.setattr(mirror_module, "UPKEEP_S", 0.01)
    monkeypatch.setattr(mirror_module, "RENEWED", 1)
    mirror = loaded(orthanc)
    write(orthanc, "instances", stored, XRAY_METADATA, outcome({"Mass": 0.5}, model="another"))
    assert orthanc.request("DELETE", "/changes").ok
    right = content(loaded(orthanc))
    assert content(mirror) != right
    thread = threading.Thread(target=mirror.run)
    thread.start()
    try:
        orthanc.wait_until(lambda: content(mirror) == right, "it is not found")
    finally:
        mirror.stop()
        thread.join()


def test_nobody_waits_while_many_series_are_compared(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = orthanc.upload([dataset(**one) for one in 2 * [one_series(PatientID="compared")]])
    server = index_of(orthanc)
    mirror = loaded(orthanc)
    monkeypatch.setattr(mirror_module, "COMPARED", 0)
    monkeypatch.setattr(mirror, "_server", server)
    read, refused = server.read, list[str]()

    def ask_meanwhile(*asked: Any) -> Any:
        if not refused:
            with pytest.raises(CatalogError) as early, mirror.reading():
                pass
            refused.append(str(early.value))
        return read(*asked)

    monkeypatch.setattr(server, "read", ask_meanwhile)
    assert orthanc.request("DELETE", f"/instances/{stored[0]}").ok
    thread = threading.Thread(target=mirror.run)
    thread.start()
    try:
        orthanc.wait_until(lambda: bool(refused) and not mirror._in_doubt.is_set(), "nothing is compared")
        assert content(mirror) == content(loaded(orthanc))
    finally:
        mirror.stop()
        thread.join()
    assert refused == ["Images were deleted; the catalogue is compared with the index."]


def test_a_fault_does_not_end_the_catalogue(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "TROUBLE_S", 0.01)
    monkeypatch.setattr(mirror_module, "UPKEEP_S", 0.01)
    server = index_of(orthanc)
    faults: list[Exception] = [ServerError("busy"), KeyError("of nobody's making")]
    identifiers, log = server.identifiers, list[str]()

    def fail_first(*asked: Any, **further: Any) -> Any:
        if faults:
            raise faults.pop()
        return identifiers(*asked, **further)

    monkeypatch.setattr(server, "identifiers", fail_first)
    monkeypatch.setattr(server, "error", log.append)
    mirror = Mirror(server, 1000)
    thread = threading.Thread(target=mirror.run)
    thread.start()
    try:
        orthanc.wait_until(lambda: mirror._rows is not None, "it is not built")
    finally:
        mirror.stop()
        thread.join()
    assert log == [
        "AI: INTERNAL_ERROR: the catalogue is built anew: KeyError",
        "AI: the catalogue cannot be read: busy; trying again",
    ]


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_images_by_score_page_by_page_are_those_that_have_one(orthanc: Orthanc, order: str) -> None:
    tags = one_series(PatientID=order)
    stored = orthanc.upload([dataset(**tags) for _ in range(4)])
    many = {f"finding {number}": 0.001 for number in range(130)}
    for one, scores in zip(
        stored, ({"Mass": 0.5}, {"Nodule": 0.75, **many}, {"Mass": 0.25, "Nodule": 0}, {}), strict=True
    ):
        write(orthanc, "instances", one, XRAY_METADATA, outcome(scores))
    found: list[str] = []
    path = f"/ai/catalog/images?sort=score&order={order}&patientID={order}&limit=1"
    while path:
        page = orthanc.get(path)
        found += [one["id"] for one in page["images"]]
        path = page["next"]
    by_score = [stored[2], stored[0], stored[1]]
    assert found == (by_score if order == "ascending" else by_score[::-1])
