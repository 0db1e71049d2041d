"""Known answers of the worklist: which studies, in which order, and what is said of them."""

from collections.abc import Sequence

import pytest

from orthanc_ai.catalog.catalog import Place
from orthanc_ai.catalog.rows import Rows
from orthanc_ai.catalog.selection import Selection
from orthanc_ai.catalog.worklist import Entry, Wanted, sources, worklist
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CORRECTIONS_METADATA, Outcome

from ..api.examples import reported
from .known import SR, Series, tables


def of(
    patient: str,
    *scores: dict[str, float],
    at: str = "20240101T120000",
    aet: str = "",
    date: str = "20240101",
    corrected: bool = False,
    modality: str = "DX",
    station: str = "",
) -> Series:
    """A study of one series of X-rays; thresholds are 0.5."""
    metadata = {"ReceptionDate": at, "RemoteAET": aet, CORRECTIONS_METADATA: "{}" if corrected else ""}
    return Series(
        *(patient, f"study of {patient}", len(scores)),
        outcomes=[reported(one) for one in scores],
        study_tags={"StudyDate": date},
        metadata={name: value for name, value in metadata.items() if value},
        Modality=modality,
        StationName=station,
    )


ARCHIVE = (
    of("calm", {"Mass": 0.1, "Edema": 0.2}),
    of("edema", {"Mass": 0.2, "Edema": 0.8}, {"Mass": 0.6, "Edema": 0.7}, at="20240103T120000", station="ROOM 1"),
    of("mass", {"Mass": 0.95}, aet="MOBILE", modality="CR", date="20240201"),
    of("read", {"Mass": 0.7, "Edema": 0.7}, at="20240102T120000", aet="ROOM 1", corrected=True),
    # What was not read has no urgency.
    Series("hand", "study of hand", outcomes=[Outcome(Code.NOT_CHEST, "r")], Modality="DX"),
    Series("mass", "study of mass", sop_class=SR, study_tags={"StudyDate": "20240201"}, Modality="SR"),
)

PATIENTS = {one.study.identifier: one.study.tags["PatientID"] for one in ARCHIVE}


@pytest.fixture(scope="module")
def rows() -> Rows:
    made = tables(ARCHIVE)
    made.label([ARCHIVE[0].study.identifier, ARCHIVE[2].study.identifier])
    return made


def names(entries: Sequence[Entry]) -> list[str]:
    return [PATIENTS[one.study] for one in entries]


def listed(rows: Rows, **options: object) -> list[str]:
    selection = {name: options.pop(name) for name in tuple(options) if name in Selection.__dataclass_fields__}
    return names(worklist(rows, Wanted(Selection(**selection), **options), after=None, limit=100)[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "patients"),
    [
        ({}, ["mass", "edema", "read", "calm"]),
        ({"order": "newest"}, ["edema", "read", "mass", "calm"]),
        ({"finding": "Edema"}, ["edema", "read", "calm"]),
        ({"finding": "Mass"}, ["mass", "read", "edema", "calm"]),
        ({"finding": "Hernia"}, []),
        ({"above": True}, ["mass", "edema", "read"]),
        ({"finding": "Edema", "above": True}, ["edema", "read"]),
        ({"corrected": True}, ["read"]),
        ({"corrected": False}, ["mass", "edema", "calm"]),
        ({"modality": ("CR",)}, ["mass"]),
        ({"study_date": "20240115-"}, ["mass"]),
        ({"source": "ROOM 1"}, ["edema", "read"]),
        ({"source": "MOBILE"}, ["mass"]),
        ({"source": "ROOM"}, []),
        ({"label": "any"}, ["mass", "calm"]),
        ({"model": "nobody's"}, []),
    ],
)
def test_who_is_on_it_and_in_which_order(rows: Rows, options: dict[str, object], patients: list[str]) -> None:
    found = listed(rows, **options)
    if options.get("order") == "newest":
        # Two came in the same second: any order of these.
        assert found[:2] == patients[:2]
        assert set(found) == set(patients)
    else:
        assert found == patients


def test_what_is_said_of_a_study(rows: Rows) -> None:
    entries, place = worklist(rows, Wanted(), after=None, limit=100)
    assert place is None
    edema = entries[1]
    assert edema.first is not None
    assert (edema.first.label, edema.first.score, edema.first.threshold) == ("Edema", 0.8, 0.5)
    # Of each finding the X-ray that is farthest above.
    assert [(one.label, one.score) for one in edema.above] == [("Edema", 0.8), ("Mass", 0.6)]
    assert edema.first.image == ARCHIVE[1].instances[0].identifier
    assert edema.above[1].image == ARCHIVE[1].instances[1].identifier
    assert (edema.images, edema.stations, edema.aets, edema.modalities) == (2, {"ROOM 1"}, set(), {"DX"})
    assert edema.arrived == 1704283200  # 2024-01-03 12:00 UTC
    assert [one.corrected for one in entries] == [False, False, True, False]
    calm = entries[3]
    assert calm.above == []
    assert calm.first is not None
    assert calm.first.excess == pytest.approx(-0.3)


def test_one_finding_alone_makes_urgent_where_it_is_asked_for(rows: Rows) -> None:
    [first, *_], _ = worklist(rows, Wanted(Selection(finding="Mass"), above=True), after=None, limit=100)
    assert first.first is not None
    assert (first.first.label, first.first.score) == ("Mass", 0.95)
    entries, _ = worklist(rows, Wanted(Selection(finding="Mass"), above=True), after=None, limit=100)
    # Only the X-ray with the mass is meant.
    assert [one.images for one in entries] == [1, 1, 1]


@pytest.mark.parametrize("order", ["urgency", "newest"])
def test_page_by_page_everybody_comes_once(rows: Rows, order: str) -> None:
    wanted = Wanted(order=order)  # type: ignore[arg-type]
    found: list[Entry] = []
    place: Place | None = None
    while True:
        entries, place = worklist(rows, wanted, after=place, limit=1)
        found += entries
        if place is None:
            break
    assert names(found) == names(worklist(rows, wanted, after=None, limit=100)[0])
    assert len(found) == 4


def test_sources_are_stations_and_senders(rows: Rows) -> None:
    assert sources(rows) == ["MOBILE", "ROOM 1"]
