"""The second look: frames of multi-frame objects, and a few slices of what is accepted."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from orthanc_ai.analyses import CARDIAC, Answer, Task
from orthanc_ai.cardiac.analysis import StudyReader
from orthanc_ai.cardiac.files import needed_files
from orthanc_ai.cardiac.header import NEEDED_TAGS_BY_LEVEL, Header, tags_of
from orthanc_ai.cardiac.judge import judge_study
from orthanc_ai.codes import Code
from orthanc_ai.handover import Shared
from orthanc_ai.settings import AI
from phantom.ct import ct_series

from .enhanced import enhanced, file_of, legacy_converted
from .examples import stack

READER = StudyReader(AI.model_validate({}))

IN_INDEX = {keyword for keywords in NEEDED_TAGS_BY_LEVEL.values() for keyword in keywords}


def judge(images: list[Dataset], folder: Path, *, lose: tuple[str, ...] = ()) -> tuple[Answer, Answer]:
    """What a study's first and second answer are; the second has the files that the first asks for, less what is lost."""
    headers = [{key: value for key, value in tags_of(image).items() if key in IN_INDEX} for image in images]
    task = Task(CARDIAC, {"headers": headers, "file": file_of(images[0])}, "recipe")
    first = READER.read(task)
    files = {}
    for image in images:
        if image.SOPInstanceUID in first.needs and image.SOPInstanceUID not in lose:
            path = folder / str(image.SOPInstanceUID)
            path.write_bytes(file_of(image))
            files[str(image.SOPInstanceUID)] = Shared(str(path))
    return first, READER.read(replace(task, files=files)) if first.needs else first


def verdict(answer: Answer) -> dict[str, object]:
    [(_, outcome)] = answer.parts
    return dict(outcome.data)


@pytest.mark.parametrize(
    ("kind", "role", "code", "seen"),
    [
        ("ccta", "CCTA", "CONTRAST_BY_PIXELS", "YES"),
        ("calcium_score", "CAC", "NO_CONTRAST_BY_PIXELS", "NO"),
        ("multiphase", "FUNCTIONAL_MULTIPHASE", "CONTRAST_BY_PIXELS", "YES"),
    ],
)
def test_five_slices_of_an_accepted_series_tell_of_contrast(
    kind: str, role: str, code: str, seen: str, tmp_path: Path
) -> None:
    first, second = judge(ct_series(kind), tmp_path)  # type: ignore[arg-type]
    assert len(first.needs) == 5
    assert first.dicom is None
    assert second.dicom is not None
    found = verdict(second)
    assert found["role"] == role
    assert code in found["codes"]  # type: ignore[operator]
    assert "CONFIRM_CONTRAST_BY_PIXELS" not in found["codes"]  # type: ignore[operator]
    assert found["contrast"]["seen"] == seen  # type: ignore[index]


def test_pixels_correct_the_role(tmp_path: Path) -> None:
    """Stored under the wrong description: what is called calcium scoring has contrast."""
    images = ct_series("ccta")
    for image in images:
        image.SeriesDescription = "CaScSeq 0.6"
        del image.ContrastBolusAgent
    found = verdict(judge(images, tmp_path)[1])
    assert found["role"] == "CCTA"
    assert "CONTRAST_DISAGREES" in found["codes"]  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["chest", "localizer"])
def test_of_what_is_not_accepted_no_file_is_read(kind: str, tmp_path: Path) -> None:
    first, _ = judge(ct_series(kind), tmp_path)  # type: ignore[arg-type]
    assert first.needs == ()
    assert first.outcome.code is Code.REPORTED


@pytest.mark.parametrize("convert", [enhanced, legacy_converted])
def test_multi_frame_objects_are_read_and_looked_at(convert: object, tmp_path: Path) -> None:
    whole = convert(ct_series("ccta"))  # type: ignore[operator]
    first, second = judge([whole], tmp_path)
    assert first.needs == (str(whole.SOPInstanceUID),)
    found = verdict(second)
    assert (found["role"], found["instances"]) == ("CCTA", 1)
    assert found["contrast"]["seen"] == "YES"  # type: ignore[index]
    assert found["geometry"]["slices"] == 200  # type: ignore[index]
    assert second.outcome.data["instances"] == 1


def test_a_lost_multi_frame_object_has_a_code(tmp_path: Path) -> None:
    whole = enhanced(ct_series("ccta", matrix=16))
    _, second = judge([whole], tmp_path, lose=(str(whole.SOPInstanceUID),))
    assert second.outcome.code is Code.REPORTED
    assert verdict(second)["codes"] == ["ENHANCED_MULTIFRAME", "FILE_UNREADABLE"]


def test_an_unreadable_multi_frame_object_has_a_code(tmp_path: Path) -> None:
    whole = enhanced(ct_series("ccta", matrix=16))
    del whole.PerFrameFunctionalGroupsSequence
    assert verdict(judge([whole], tmp_path)[1])["codes"] == ["ENHANCED_MULTIFRAME", "HEADER_UNREADABLE"]


def test_lost_slices_have_a_code_and_others_do_for_them(tmp_path: Path) -> None:
    images = ct_series("ccta")
    first, second = judge(images, tmp_path)
    some = judge(images, tmp_path, lose=first.needs[:2])[1]
    assert verdict(some)["codes"][:3] == ["CONTRAST_TAG", "CONTRAST_BY_PIXELS", "FILE_UNREADABLE"]  # type: ignore[index]
    assert "FILE_UNREADABLE" not in verdict(second)["codes"]  # type: ignore[operator]
    found = verdict(judge(images, tmp_path, lose=first.needs)[1])
    assert found["role"] == "CCTA"
    assert found["codes"][:3] == ["CONTRAST_TAG", "CONFIRM_CONTRAST_BY_PIXELS", "FILE_UNREADABLE"]  # type: ignore[index]


def test_files_that_vanish_or_are_none_have_a_code(tmp_path: Path) -> None:
    images = ct_series("calcium_score")
    headers = [tags_of(image) for image in images]
    task = Task(CARDIAC, {"headers": headers, "file": file_of(images[0])}, "recipe")
    needs = READER.read(task).needs
    (tmp_path / "none").write_bytes(b"no DICOM")
    for path, code in ((tmp_path / "gone", "FILE_UNREADABLE"), (tmp_path / "none", "HEADER_UNREADABLE")):
        answer = READER.read(replace(task, files=dict.fromkeys(needs, Shared(str(path)))))
        assert verdict(answer)["codes"] == ["CONFIRM_CONTRAST_BY_PIXELS", code]


def test_the_report_is_the_same_whatever_the_files_showed(tmp_path: Path) -> None:
    """Its identifiers must not depend on whether a file could be read, or a retry would store a second one."""
    images = ct_series("ccta", slices=130)
    first, second = judge(images, tmp_path)
    other = judge(images, tmp_path, lose=first.needs)[1]
    assert second.outcome.result == other.outcome.result


def test_images_without_a_uid_are_not_asked_for() -> None:
    headers = [replace(header, sop_instance_uid="") for header in stack(200)]
    assert needed_files(judge_study(headers), headers) == ()


def test_ruled_out_multi_frame_objects_are_not_asked_for() -> None:
    header = Header(
        modality="CT",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2.1",
        sop_instance_uid="1.2",
        series_description="LAD cMPR",
    )
    assert needed_files(judge_study([header]), [header]) == ()
    other = replace(header, series_description="Heart")
    assert needed_files(judge_study([other]), [other]) == ("1.2",)
