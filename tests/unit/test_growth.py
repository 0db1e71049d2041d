"""The benchmark of growth: what it computes from its rounds, and the archive that it fills."""

import io
import zipfile
from pathlib import Path

import pydicom
import pytest

from bench.archive import Archive, Files, Film, orthanc_id
from bench.growth import Round, order, share, summary
from orthanc_ai.codes import Code
from orthanc_ai.models.card import load_card
from orthanc_ai.outcomes import Outcome
from tests.live.orthanc import ROOT


def one(size: int, seconds: float, single: float = 100.0) -> Round:
    return Round(size, 1.0, 100, seconds, 5.0, 6.0, 0.0, [single] * 2, {"status": [single, 2 * single]}, 200.0)


def test_the_largest_archive_is_compared_with_the_smallest_round_by_round() -> None:
    # 10/s and 9/s when the machine was quick, 5/s and 4.75/s when it was slow.
    rounds = [one(1000, 10), one(10_000, 5), one(50_000, 100 / 9), one(50_000, 100 / 4.75), one(1000, 20)]
    assert share(rounds, 1000, 50_000) == pytest.approx((0.9 + 0.95) / 2)


def test_rounds_go_up_and_down_through_the_sizes() -> None:
    assert order([1000, 50_000, 10_000], 3) == [1000, 10_000, 50_000, 50_000, 10_000, 1000, 1000, 10_000, 50_000]


def test_a_summary_has_medians_and_percentiles() -> None:
    found = summary(1000, [one(1000, 10, 100), one(1000, 20, 300), one(50_000, 1)])
    assert found["reports_per_s"] == pytest.approx(7.5)
    assert (found["server_cpu_ms"], found["workers_cpu_ms"]) == pytest.approx((50, 60))
    assert found["single_ms"] == {"p50": 100, "p99": 300}
    assert found["route_ms"]["status"] == {"p50": 200, "p99": 600}


def test_the_files_of_the_archive_are_films_with_reports_of_their_own() -> None:
    films = [Film(0), Film(7)]
    with zipfile.ZipFile(io.BytesIO(Files().archive(films))) as file:
        found = {name: pydicom.dcmread(io.BytesIO(file.read(name))) for name in file.namelist()}
    identifiers = set()
    for film in films:
        image, report = found[f"{film.number}.dcm"], found[f"{film.number}.sr.dcm"]
        assert (image.Modality, report.Modality) == ("DX", "SR")
        assert image.StudyDate == report.StudyDate == film.study_date
        for dataset, identifier in ((image, film.identifier), (report, film.report_identifier)):
            uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
            assert all(uid.is_valid for uid in uids)
            assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
            assert orthanc_id(dataset.PatientID, *uids) == identifier
            identifiers.add(identifier)
    assert len(identifiers) == 4


def test_the_outcome_of_a_film_names_its_report_and_every_finding_of_the_model() -> None:
    outputs = load_card(ROOT / "models", "phantom").outputs
    film = Film(3)
    outcome = Outcome.from_text(film.outcome(outputs).to_text())
    assert outcome.code is Code.REPORTED
    assert outcome.result is not None
    assert outcome.result.sop_instance_uid == film.uid("report")
    assert [finding["label"] for finding in outcome.data["findings"]] == [output.label for output in outputs]


def test_an_archive_does_not_shrink(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    (tmp_path / "indexes" / "10").mkdir()
    assert archive.sizes == (10,)
    with pytest.raises(ValueError, match="shrink"):
        archive.grow(5)
