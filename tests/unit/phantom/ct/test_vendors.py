import shutil
import subprocess
from pathlib import Path

import pytest

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.roles import Role
from orthanc_ai.codes import Code
from phantom.ct import VENDORS, Vendor, vendor_series

EXPECTED: dict[tuple[Vendor, str], Role | Code] = {
    ("siemens", "topogram"): Code.LOCALIZER,
    ("siemens", "calcium"): Role.CAC,
    ("siemens", "premonitoring"): Code.BOLUS_TRACKING,
    ("siemens", "monitoring"): Code.BOLUS_TRACKING,
    ("siemens", "best diastole"): Role.CCTA,
    ("siemens", "best systole"): Role.CCTA,
    ("siemens", "thick"): Role.CARDIAC_OTHER,
    ("siemens", "sharp"): Role.CCTA,
    ("siemens", "functional"): Role.FUNCTIONAL_MULTIPHASE,
    ("siemens", "snapshot"): Code.REFORMAT_DERIVED,
    ("siemens", "curved"): Code.SECONDARY_CAPTURE,
    ("siemens", "protocol"): Code.NOT_CT_IMAGE_STORAGE,
    ("siemens", "function findings"): Code.NOT_CT_IMAGE_STORAGE,
    ("siemens", "older angiogram"): Role.CCTA,
    ("siemens", "older native"): Role.CAC,
    ("ge", "scout"): Code.LOCALIZER,
    ("ge", "smartscore"): Role.CAC,
    ("ge", "smartprep"): Code.BOLUS_TRACKING,
    ("ge", "snapshot"): Role.CCTA,
    ("ge", "asir"): Role.CCTA,
    ("ge", "freeze"): Role.CCTA,
    **{("ge", f"phase {phase}"): Role.CARDIAC_THIN_UNSURE for phase in range(0, 100, 10)},
    ("ge", "functional"): Role.FUNCTIONAL_MULTIPHASE,
    ("ge", "dose report"): Code.NOT_CT_IMAGE_STORAGE,
    ("ge", "reformat"): Code.REFORMAT_DERIVED,
    ("philips", "surview"): Code.LOCALIZER,
    ("philips", "calcium"): Role.CAC,
    ("philips", "locator"): Code.BOLUS_TRACKING,
    ("philips", "tracker"): Code.BOLUS_TRACKING,
    ("philips", "angiogram"): Role.CCTA,
    ("philips", "functional"): Role.FUNCTIONAL_MULTIPHASE,
    ("philips", "exam summary"): Code.NOT_CT_IMAGE_STORAGE,
    ("philips", "reformat"): Code.REFORMAT_DERIVED,
    ("canon", "scano"): Code.LOCALIZER,
    ("canon", "calcium"): Role.CAC,
    ("canon", "surestart"): Code.BOLUS_TRACKING,
    ("canon", "angiogram"): Role.CCTA,
    ("canon", "functional"): Role.FUNCTIONAL_MULTIPHASE,
    ("canon", "dose"): Code.NOT_CT_IMAGE_STORAGE,
    ("canon", "rendering"): Code.REFORMAT_DERIVED,
}

PHASES = {"functional": 10}


def test_every_series_is_in_the_table() -> None:
    assert set(EXPECTED) == {(vendor, name) for vendor, examination in VENDORS.items() for name in examination}


@pytest.mark.parametrize(("vendor", "name"), EXPECTED)
def test_role_or_refusal(vendor: Vendor, name: str) -> None:
    verdict = judge_series([Header.from_dataset(image) for image in vendor_series(vendor, name, matrix=4)])
    assert (verdict.role or verdict.decisive) == EXPECTED[vendor, name]
    assert len(verdict.phases) == (PHASES.get(name, 1) if verdict.accepted else 0)


@pytest.mark.parametrize("vendor", VENDORS)
def test_series_of_a_vendor_are_one_study(vendor: Vendor) -> None:
    series = [vendor_series(vendor, name, matrix=4, slices=1)[0] for name in VENDORS[vendor]]
    assert len({image.StudyInstanceUID for image in series}) == 1
    assert len({image.SeriesInstanceUID for image in series}) == len(series)
    assert len({image.SeriesNumber for image in series}) == len(series)
    assert len({image.Manufacturer for image in series}) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_valid_dicom(vendor: Vendor, tmp_path: Path) -> None:
    validator = shutil.which("dciodvfy")
    assert validator, "dciodvfy (dicom3tools) is part of the box"
    for name in VENDORS[vendor]:
        file = tmp_path / "a.dcm"
        vendor_series(vendor, name, matrix=8, slices=1)[0].save_as(file, enforce_file_format=True)
        answer = subprocess.run([validator, str(file)], capture_output=True, text=True, check=False)
        assert "CTImage" in answer.stderr or "SCImage" in answer.stderr
        assert "Error" not in answer.stderr, name
