"""A reader opens the study in OHIF, opens the report, and reads the findings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import ImplicitVRLittleEndian

from phantom.dicom import Encoding, chest_dx
from tests.live.orthanc import Orthanc

from .browser import Ohif

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
"""Where screenshots are kept after the tests."""


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, str]]:
    """A server with one reported phantom radiograph, and its Study Instance UID."""
    orthanc = Orthanc(tmp_path_factory.mktemp("viewer")).start()
    image = chest_dx(7, 1024, 1024, findings=("Cardiomegaly", "Effusion"))
    assert orthanc.send([image]) == [0]
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1
    yield orthanc, str(image.StudyInstanceUID)
    orthanc.stop()


def test_the_report_can_be_read(reported: tuple[Orthanc, str]) -> None:
    orthanc, study = reported
    [found] = orthanc.get(f"/ai/studies/{study}/findings")["images"]
    corrections = f"/ai/instances/{found['instanceID']}/corrections"
    correction = {"reader": "Reader^Anna^^Dr.", "findings": [{"finding": "Cardiomegaly", "present": True}]}
    orthanc.post(corrections, correction)
    orthanc.wait_until(lambda: orthanc.get(corrections)["corrections"][0]["state"] == "stored", "it is not stored")
    with Ohif(orthanc.url) as ohif:
        ohif.open(f"/ohif/viewer?StudyInstanceUIDs={study}")
        ohif.confirm("Confirm and hide")
        ohif.open_series("AI findings")
        ohif.wait_for(lambda: "%" in ohif.viewport_text() or None, "the report does not appear")
        text = ohif.viewport_text()
        ohif.screenshot(ARTIFACTS / "ohif-report.png")
        shown_percentages = re.findall(r"([\d.]+) %", text)
        for finding in found["findings"]:
            assert finding["concept"]["meaning"] in text
            assert any(abs(float(shown) - 100 * finding["score"]) <= 0.1 for shown in shown_percentages)
        assert "not for diagnosis" in text.lower()
        assert "Present" not in text, "a demonstration model decides nothing"
        ohif.open_series("AI corrections")
        ohif.wait_for(
            lambda: "Reader: Dr. Anna Reader" in ohif.viewport_text() or None, "the correction does not appear"
        )
        ohif.screenshot(ARTIFACTS / "ohif-correction.png")
        assert "Present according to the reader: Cardiomegaly." in ohif.viewport_text()
        assert not [line for line in ohif.errors() if "TypeError" in line]


def test_the_image_is_shown(reported: tuple[Orthanc, str]) -> None:
    orthanc, study = reported
    with Ohif(orthanc.url) as ohif:
        ohif.open(f"/ohif/viewer?StudyInstanceUIDs={study}")
        ohif.confirm("Confirm and hide")
        ohif.wait_for(lambda: ohif.driver.find_elements("css selector", "canvas"), "no image is drawn")
        ohif.wait_for(lambda: "W:" in ohif.viewport_text() or None, "the image has no overlay")
        ohif.screenshot(ARTIFACTS / "ohif-image.png")


def test_orthanc_explorer_has_a_button_and_shows_the_findings(reported: tuple[Orthanc, str]) -> None:
    orthanc, study = reported
    [found] = orthanc.find("Study", {"StudyInstanceUID": study})
    with Ohif(orthanc.url) as ohif:
        ohif.driver.get(f"{orthanc.url}/app/explorer.html#study?uuid={found['ID']}")
        ohif.wait_for(lambda: "Cardiomegaly" in ohif.page_text() or None, "the findings are not shown")
        assert "not for diagnosis" in ohif.page_text().lower()
        ohif.screenshot(ARTIFACTS / "orthanc-explorer.png")
        button = ohif.wait_for(lambda: ohif.link("Open in OHIF"), "there is no button")
        assert f"/ohif/viewer?StudyInstanceUIDs={study}" in str(button.get_attribute("href"))


def test_an_image_in_implicit_vr_reaches_the_viewer(reported: tuple[Orthanc, str]) -> None:
    orthanc, _ = reported
    image = chest_dx(8, 256, 256, encoding=Encoding(transfer_syntax=ImplicitVRLittleEndian))
    assert len(orthanc.upload([image])) == 1
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    # As OHIF asks for it. Debian's GDCM crashed the server here.
    accept = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
    answer = orthanc.request("GET", f"/dicom-web{path}/frames/1", headers=accept)
    assert answer.status_code == 200
    assert image.PixelData in answer.content
    assert orthanc.running
