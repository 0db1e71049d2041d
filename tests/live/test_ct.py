"""CT studies: each series gets its verdict, the study its report and its label."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.outcomes import CARDIAC_METADATA
from phantom.ct import ct_series
from tests.expected_ct import PHANTOM_SERIES, REAL_SERIES, PhantomSeries
from tests.unit.cardiac.enhanced import enhanced, legacy_converted

from .orthanc import Orthanc

LABEL = "cardiac-ct"


def series_outcomes(orthanc: Orthanc) -> dict[str, dict[str, Any]]:
    """Outcome by Series Instance UID, of all CT series."""
    found = {}
    for series in orthanc.find("Series", {"Modality": "CT"}):
        outcome = orthanc.outcome("series", series["ID"], CARDIAC_METADATA)
        assert outcome is not None, series["MainDicomTags"].get("SeriesDescription")
        found[series["MainDicomTags"]["SeriesInstanceUID"]] = outcome
    return found


def labels(orthanc: Orthanc) -> dict[str, list[str]]:
    """Labels by Study Instance UID."""
    return {study["MainDicomTags"]["StudyInstanceUID"]: study["Labels"] for study in orthanc.find("Study", {})}


def judged(orthanc: Orthanc) -> None:
    """Wait until every CT study has its outcome."""

    def complete() -> bool:
        studies = orthanc.find("Study", {"ModalitiesInStudy": "CT"})
        return all(orthanc.outcome("studies", study["ID"], CARDIAC_METADATA) for study in studies)

    orthanc.wait_until(complete, "a study has no outcome", 120)
    orthanc.wait_idle()


@pytest.fixture(scope="module")
def phantoms(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Orthanc, dict[PhantomSeries, tuple[str, str]]]]:
    """A server that has judged the phantom series, each in a study of its own."""
    orthanc = Orthanc(tmp_path_factory.mktemp("phantoms")).start()
    uids = {}
    for expected in PHANTOM_SERIES:
        series = ct_series(expected.kind, damage=expected.damage, examination=f"{expected.kind} {expected.damage}")
        uids[expected] = (series[0].SeriesInstanceUID, series[0].StudyInstanceUID)
        assert len(orthanc.upload(series)) == len(series)
    judged(orthanc)
    yield orthanc, uids
    orthanc.stop()


def test_phantom_series_get_the_right_verdicts(phantoms: tuple[Orthanc, dict[PhantomSeries, tuple[str, str]]]) -> None:
    orthanc, uids = phantoms
    outcomes = series_outcomes(orthanc)
    for expected, (series, _) in uids.items():
        outcome = outcomes[series]
        assert outcome["data"]["accepted"] is (expected.role is not None)
        assert outcome["data"]["role"] == expected.role
        assert outcome["data"]["codes"] == [str(code) for code in expected.codes_with_pixels], expected
        assert [phase["label"] for phase in outcome["data"]["phases"]] == list(expected.phases)
        assert outcome["code"] == ("ACCEPTED" if expected.role else expected.codes[0])


def test_only_studies_with_an_accepted_series_bear_the_label(
    phantoms: tuple[Orthanc, dict[PhantomSeries, tuple[str, str]]],
) -> None:
    orthanc, uids = phantoms
    found = labels(orthanc)
    for expected, (_, study) in uids.items():
        assert found[study] == ([LABEL] if expected.role else []), expected


def test_each_study_has_one_report_that_says_why(
    phantoms: tuple[Orthanc, dict[PhantomSeries, tuple[str, str]]],
) -> None:
    orthanc, uids = phantoms
    texts: dict[str, str] = {}
    for instance in orthanc.reports():
        report = orthanc.dataset(instance)
        assert report.StudyInstanceUID not in texts, "two reports on one study"
        texts[report.StudyInstanceUID] = "\n".join(str(element.value) for element in report.iterall())
    for expected, (series, study) in uids.items():
        assert series in texts[study]
        for code in expected.codes_with_pixels:
            assert f"({code})" in texts[study]


def test_each_study_has_a_page_and_says_where_its_slices_lie(
    phantoms: tuple[Orthanc, dict[PhantomSeries, tuple[str, str]]],
) -> None:
    orthanc, uids = phantoms
    for expected, (series, study) in uids.items():
        answer = orthanc.request("GET", f"/ai/studies/{study}/cardiac", headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert all(str(code) in answer.text for code in expected.codes_with_pixels)
        [one] = orthanc.get(f"/ai/studies/{study}/cardiac?format=json")["series"]
        assert (one["seriesInstanceUID"], one["accepted"]) == (series, expected.role is not None)
        places = [len(phase["positionsMm"]) for phase in one["phases"]]
        assert sum(places) + one["elsewhere"] == one["instances"]
        missing = sum(gap["missing"] for phase in one["phases"] for gap in phase["irregular"])
        assert missing == (1 if "MISSING_SLICES" in expected.codes else 0), expected
        drawn = orthanc.request("GET", one["thumbnail"]["path"])
        assert (drawn.status_code, drawn.headers["Content-Type"]) == (200, "image/png")


def test_real_series_get_the_right_verdicts(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    expected_by_series = {}
    for expected in REAL_SERIES:
        stored = orthanc.upload(expected.paths(data))
        assert bool(stored) is expected.stored, expected.folder
        if stored:
            [series] = {
                orthanc.get(f"/instances/{instance}/series")["MainDicomTags"]["SeriesInstanceUID"]
                for instance in stored
            }
            expected_by_series[series] = expected
    judged(orthanc)
    outcomes = series_outcomes(orthanc)
    assert set(outcomes) == set(expected_by_series)
    for series, expected in expected_by_series.items():
        assert outcomes[series]["code"] == expected.decisive, (expected.folder, expected.files)
        assert outcomes[series]["data"]["instances"] == expected.instances
    assert not any(LABEL in found for found in labels(orthanc).values())


def test_multi_frame_objects_are_judged_by_their_files(make_server: Callable[..., Orthanc]) -> None:
    """Orthanc's index knows nothing of frames, so a worker reads the file: as it lies there, or compressed by Orthanc."""
    for name, options in (("plain", {}), ("compressed", {"StorageCompression": True})):
        orthanc = make_server(options=options, name=name).start()
        coronary, calcium = enhanced(ct_series("ccta")), legacy_converted(ct_series("calcium_score"))
        orthanc.upload([coronary, calcium])
        judged(orthanc)
        outcomes = series_outcomes(orthanc)
        for image, role, code in (
            (coronary, "CCTA", "CONTRAST_BY_PIXELS"),
            (calcium, "CAC", "NO_CONTRAST_BY_PIXELS"),
        ):
            found = outcomes[image.SeriesInstanceUID]["data"]
            assert found["role"] == role
            assert code in found["codes"]
            assert found["instances"] == 1
            assert found["geometry"]["slices"] == image.NumberOfFrames
