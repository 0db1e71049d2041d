"""Frames of multi-frame objects are judged as single-frame images are."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from orthanc_ai.cardiac import multiframe
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.multiframe import frames_of
from orthanc_ai.cardiac.phases import PhaseSource
from orthanc_ai.cardiac.verdict import SeriesVerdict
from orthanc_ai.codes import Code
from orthanc_ai.dicom_file import FileError, open_file
from phantom.ct import Kind, ct_series

from .enhanced import enhanced, file_of, group, legacy_converted

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of damaged values


def frames(whole: Dataset) -> list[Header]:
    return frames_of(open_file(file_of(whole), pixels=False))


def facts(verdict: SeriesVerdict) -> object:
    """What must not depend on how the images are stored."""
    json = verdict.to_json()
    json["geometry"].pop("gaps")  # called by the numbers of frames
    return [json[key] for key in ("accepted", "role", "geometry", "phases", "convolutionKernel", "contrast")]


@pytest.mark.parametrize("convert", [enhanced, legacy_converted])
@pytest.mark.parametrize(
    ("kind", "damage"), [("ccta", None), ("calcium_score", None), ("multiphase", None), ("ccta", "missing_slice")]
)
def test_the_verdict_is_that_of_the_single_images(
    convert: Callable[[list[Dataset]], Dataset], kind: Kind, damage: str | None
) -> None:
    images = ct_series(kind, damage=damage, matrix=16)
    expected = judge_series([Header.from_dataset(image) for image in images])
    found = judge_series(frames(convert(images)))
    assert facts(found) == facts(expected)
    assert set(found.codes) == set(expected.codes)
    assert found.instances == 1
    assert found.geometry is not None
    assert found.geometry.best is not None
    # a frame can be found again
    assert sorted(header.frame_number or 0 for stack in found.geometry.stacks for header in stack.headers) == list(
        range(1, len(images) + 1)
    )


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_any_encoding(syntax: UID) -> None:
    whole = enhanced(ct_series("ccta", matrix=16, slices=20))
    expected = frames(whole)
    whole.file_meta.TransferSyntaxUID = syntax
    assert frames(whole) == expected
    assert frames(enhanced(ct_series("ccta", matrix=16, slices=20), undefined_length=True)) == expected


def test_a_frame_outdoes_what_all_share() -> None:
    images = ct_series("ccta", matrix=16, slices=5)
    whole = enhanced(images)
    whole.PerFrameFunctionalGroupsSequence[2].PixelMeasuresSequence = group(PixelSpacing=[1, 1], SliceThickness=2)
    assert [header.slice_thickness for header in frames(whole)] == [0.6, 0.6, 2.0, 0.6, 0.6]


@pytest.mark.parametrize(
    ("attributes", "source", "labels"),
    [
        # Canon: the time after the R wave alone
        ({"CardiacSynchronizationSequence": "NominalCardiacTriggerDelayTime"}, PhaseSource.TRIGGER_TIME, "0ms 300ms"),
        ({"FrameContentSequence": "TemporalPositionIndex"}, PhaseSource.TEMPORAL_POSITION, "t0 t300"),
        ({"TemporalPositionSequence": "TemporalPositionTimeOffset"}, PhaseSource.TEMPORAL_POSITION, "t0 t300000"),
    ],
)
def test_phases(attributes: dict[str, str], source: PhaseSource, labels: str) -> None:
    images = ct_series("multiphase", matrix=16)[:62]
    for image in images:
        del image.NominalPercentageOfCardiacPhase
    whole = enhanced(images)
    whole.SeriesDescription = "Function"
    for number, frame in enumerate(whole.PerFrameFunctionalGroupsSequence):
        for sequence, keyword in attributes.items():
            setattr(frame, sequence, group(**{keyword: 0 if number < 31 else 300}))
    found = judge_series(frames(whole))
    assert [phase.label for phase, _ in found.phases] == labels.split()
    assert {phase.source for phase, _ in found.phases} == {source}


def test_a_stated_agent_of_contrast() -> None:
    assert frames(enhanced(ct_series("ccta", matrix=16, slices=3)))[0].contrast_bolus_agent == "Iohexol"


def test_a_real_object(data: Path) -> None:
    """An enhanced CT of NEMA's working group: two frames of a brain's perfusion."""
    content = (data / "robustness" / "enhanced_ct_multiframe.dcm").read_bytes()
    first, second = frames_of(open_file(content, pixels=False))
    assert (first.image_position, second.image_position) == ((99.5, -301.5, -159.0), (99.5, -301.5, -149.0))
    assert (first.slice_thickness, first.rescale_intercept, first.pixel_spacing) == (10, -1024, (0.388672, 0.388672))
    assert judge_series([first, second]).decisive is Code.PERFUSION_OR_LATE


# What is refused


def no_groups(whole: Dataset) -> None:
    del whole.PerFrameFunctionalGroupsSequence


def fewer_groups(whole: Dataset) -> None:
    del whole.PerFrameFunctionalGroupsSequence[-1]


def more_groups(whole: Dataset) -> None:
    whole.PerFrameFunctionalGroupsSequence.append(Dataset())


def no_number(whole: Dataset) -> None:
    del whole.NumberOfFrames


@pytest.mark.parametrize("damage", [no_groups, fewer_groups, more_groups, no_number])
def test_groups_that_are_not_as_many_as_the_frames(damage: Callable[[Dataset], None]) -> None:
    whole = enhanced(ct_series("ccta", matrix=16, slices=4))
    damage(whole)
    with pytest.raises(FileError) as caught:
        frames(whole)
    assert caught.value.code is Code.HEADER_UNREADABLE


def test_too_many_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = enhanced(ct_series("ccta", matrix=16, slices=4))
    monkeypatch.setattr(multiframe, "MAXIMUM_FRAMES", 3)
    with pytest.raises(FileError):
        frames(whole)


def test_a_group_of_a_million_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    """One frame must not cost more than a frame."""
    monkeypatch.setattr(multiframe, "READS_OF_GROUP", 3)
    with pytest.raises(FileError):
        frames(enhanced(ct_series("ccta", matrix=16, slices=3)))


def test_an_unreadable_object_has_a_code_and_says_why() -> None:
    header = Header(modality="CT", sop_class_uid="1.2.840.10008.5.1.4.1.1.2.1", body_part_examined="HEART")
    verdict = judge_series([replace(header, fault=Code.FILE_UNREADABLE)])
    assert verdict.codes[:2] == (Code.ENHANCED_MULTIFRAME, Code.FILE_UNREADABLE)
    assert verdict.score == 2


WHOLE = file_of(enhanced(ct_series("ccta", matrix=16, slices=4)))
GROUPS = WHOLE.index(b"\x00\x52\x29\x92"), WHOLE.index(b"\xe0\x7f\x10\x00OW")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_breaks_it(data: st.DataObject) -> None:
    """Bytes of the functional groups are changed, or the file is cut within them."""
    spoiled = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(0, 4))):
        spoiled[data.draw(st.integers(*GROUPS))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(GROUPS[0], len(spoiled)))
    with suppress(FileError):
        found = frames_of(open_file(bytes(spoiled[:cut]), pixels=False))
        assert len(found) == 4
        assert judge_series(found).codes
