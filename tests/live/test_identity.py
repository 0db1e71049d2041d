"""One image, one recipe, one report: however it arrives, however often, whatever happens in between."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orthanc_ai.outcomes import XRAY_METADATA

from .orthanc import Orthanc

FRONTAL = (
    "rsna_pa_mono2_8bit_jpegbaseline.dcm",
    "nih_dx_mono2_8bit_implicit_nofinding.dcm",
    "gdcm_cr_mono1_10bit_440.dcm",
    "wg04_rg1_cr_mono1_15bit_j2k_lossy.dcm",
)
"""Readable frontal chest radiographs with UIDs of their own."""

TWIN = "rsna_pa_fake_mono1_8bit_jpegbaseline.dcm"
"""Shares its UIDs with the first one, but not its photometric interpretation."""


def report_uids(orthanc: Orthanc) -> dict[str, str]:
    """SOP Instance UID of the report by that of the image; every report is stored exactly once."""
    found: dict[str, str] = {}
    for instance in orthanc.reports():
        report = orthanc.dataset(instance)
        evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
        source = str(evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        assert source not in found, "two reports on one image"
        found[source] = str(report.SOPInstanceUID)
    return found


def by_store(orthanc: Orthanc, files: list[Path]) -> None:
    assert orthanc.send(files) == [0] * len(files)


def by_upload(orthanc: Orthanc, files: list[Path]) -> None:
    assert len(orthanc.upload(files)) == len(files)


def by_stow(orthanc: Orthanc, files: list[Path]) -> None:
    assert orthanc.stow(files).ok


@pytest.fixture(scope="module")
def transported(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Reports by image for each way in, each into a fresh server; the twin goes into a server of its own."""
    found = {}
    for way in (by_store, by_upload, by_stow):
        reports: dict[str, str] = {}
        for names in (FRONTAL, (TWIN,)):
            orthanc = Orthanc(tmp_path_factory.mktemp(way.__name__))
            orthanc.start()
            try:
                way(orthanc, [data / "cxr" / name for name in names])
                orthanc.wait_idle()
                uids = report_uids(orthanc)
                assert len(uids) == len(names), orthanc.log_text()[-2000:]
                reports |= {f"{source} in {names[0]}": uid for source, uid in uids.items()}
            finally:
                orthanc.stop()
        found[way.__name__] = reports
    return found


def test_every_frontal_radiograph_gets_one_report_by_every_way(transported: dict[str, dict[str, str]]) -> None:
    assert {way: len(reports) for way, reports in transported.items()} == dict.fromkeys(transported, 5)


def test_the_report_is_the_same_by_every_way(transported: dict[str, dict[str, str]]) -> None:
    first, *others = transported.values()
    assert all(other == first for other in others)


def test_two_files_with_the_same_uids_have_two_reports(transported: dict[str, dict[str, str]]) -> None:
    for reports in transported.values():
        assert len(set(reports.values())) == len(FRONTAL) + 1


def test_again_and_after_a_restart_there_is_one_report(make_server: Callable[..., Orthanc], data: Path) -> None:
    file = data / "cxr" / FRONTAL[2]
    orthanc = make_server().start()
    orthanc.upload([file])
    orthanc.wait_idle()
    first = report_uids(orthanc)
    assert len(first) == 1

    orthanc.send([file])
    [instance] = orthanc.upload([file])
    orthanc.post(f"/ai/instances/{instance}/analyze")
    orthanc.wait_idle()
    assert report_uids(orthanc) == first

    orthanc.stop()
    orthanc.start()
    orthanc.upload([file])
    orthanc.post(f"/ai/instances/{instance}/analyze")
    orthanc.wait_idle()
    assert report_uids(orthanc) == first


def test_a_deleted_report_is_written_again_on_request(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    [instance] = orthanc.upload([data / "cxr" / FRONTAL[2]])
    orthanc.wait_idle()
    first = report_uids(orthanc)
    [report] = orthanc.reports()
    orthanc.request("DELETE", f"/instances/{report}")
    orthanc.post(f"/ai/instances/{instance}/analyze")
    orthanc.wait_idle()
    assert report_uids(orthanc) == first


def test_a_changed_threshold_gives_a_second_report_that_names_the_first(
    make_server: Callable[..., Orthanc], data: Path
) -> None:
    orthanc = make_server().start()
    [instance] = orthanc.upload([data / "cxr" / FRONTAL[2]])
    orthanc.wait_idle()
    [old] = [orthanc.dataset(report) for report in orthanc.reports()]
    orthanc.stop()

    orthanc.ai["XRay"] = {"Thresholds": {"Cardiomegaly": 0.123}}
    orthanc.start()
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1, "a changed setting alone must not set the server to work"

    for _ in range(2):
        orthanc.post(f"/ai/instances/{instance}/analyze")
        orthanc.wait_idle()
    reports = [orthanc.dataset(report) for report in orthanc.reports()]
    assert len(reports) == 2
    [new] = [report for report in reports if report.SOPInstanceUID != old.SOPInstanceUID]
    [study] = new.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [predecessor] = series.ReferencedSOPSequence
    assert predecessor.ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert series.SeriesInstanceUID == old.SeriesInstanceUID
    assert study.StudyInstanceUID == old.StudyInstanceUID
    assert "PredecessorDocumentsSequence" not in old
    outcome = orthanc.outcome("instances", instance, XRAY_METADATA)
    assert outcome is not None
    assert outcome["result"]["sopInstanceUID"] == new.SOPInstanceUID
