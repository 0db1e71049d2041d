"""Headers of a faultless coronary CT angiogram, and of the same with one thing wrong for each code there is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from orthanc_ai.cardiac.contrast import Contrast, Seen
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_study
from orthanc_ai.cardiac.verdict import SeriesVerdict
from orthanc_ai.codes import Code

CCTA = Header(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    series_instance_uid="1.2.3",
    frame_of_reference_uid="1.2.4",
    modality="CT",
    series_number=5,
    image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"),
    series_description="CorCTA  0.6  Bv40  3  BestDiast 75 %",
    protocol_name="02_CoronaryCTARoutine",
    body_part_examined="HEART",
    rows=512,
    columns=512,
    pixel_spacing=(0.4, 0.4),
    image_orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    slice_thickness=0.6,
    gantry_tilt=0.0,
    rescale_slope=1.0,
    rescale_intercept=-1024.0,
    convolution_kernel="Bv40d",
)


def stack(count: int = 200, step: float = 0.5, first: int = 1, **changes: Any) -> list[Header]:
    """Slices along z, numbered from `first`."""
    return [
        replace(
            CCTA,
            sop_instance_uid=f"1.2.5.{first + index}",
            instance_number=first + index,
            image_position=(-100.0, -90.0, round(-50 + index * step, 6)),
            **changes,
        )
        for index in range(count)
    ]


# One thing wrong


@dataclass(frozen=True, slots=True)
class Example:
    """Series of a study, the first of which has one thing wrong.

    Attributes
    ----------
    headers
        Made anew by each call.
    seen
        What a look at the pixels shows; ``None``: nobody looks.
    implied
        Codes that this one never comes without.
    """

    headers: Callable[[], list[Header]]
    seen: Seen | None = Seen.YES
    implied: frozenset[Code] = frozenset()

    def judged(self, headers: list[Header] | None = None) -> SeriesVerdict:
        """The verdict on the series of the first header, or on the same headers in another form."""
        own = self.headers() if headers is None else headers
        series = min(own, key=lambda header: (header.series_number or 0, header.series_instance_uid))
        study = judge_study(own, look=(lambda _: Contrast(seen=self.seen)) if self.seen else None)
        [verdict] = [one for one in study.series if one.series_instance_uid == series.series_instance_uid]
        return verdict


def sound(count: int = 200, step: float = 0.6, **changes: Any) -> list[Header]:
    """A series about which nothing is remarkable: its slices touch each other and cover 120 mm."""
    return stack(count, step, **({"slice_thickness": step} | changes))


def _all(**changes: Any) -> Example:
    return Example(lambda: sound(**changes))


def _some(count: int, **changes: Any) -> Example:
    """The last images differ."""
    return Example(lambda: [*sound()[:-count], *(replace(header, **changes) for header in sound()[-count:])])


def _one_more(at: int, **changes: Any) -> Example:
    """One image comes twice, with some changes."""
    return Example(lambda: [*sound(), replace(sound()[at], **changes)])


def _without(*indices: int) -> Example:
    return Example(lambda: [header for index, header in enumerate(sound()) if index not in indices])


def _moved(move: Callable[[int], tuple[float, float, float]]) -> Example:
    """Each image moved by so much, by its index."""
    return Example(
        lambda: [
            replace(
                header,
                image_position=tuple(a + b for a, b in zip(header.image_position or (), move(index), strict=True)),
            )
            for index, header in enumerate(sound())
        ]
    )


def _sagittal() -> list[Header]:
    return [
        replace(
            header,
            image_orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
            image_position=(0.6 * index, 0.0, 0.0),
        )
        for index, header in enumerate(sound())
    ]


def _phases(count: int, **changes: Callable[[int], Any]) -> list[Header]:
    """Several phases in one series, phase by phase."""
    return [
        header
        for phase in range(count)
        for header in stack(
            200, 0.6, 1 + 200 * phase, slice_thickness=0.6, **{name: value(phase) for name, value in changes.items()}
        )
    ]


def _labelled() -> list[Header]:
    return _phases(2, scan_options=lambda phase: f"TP{40 + 35 * phase}PC0900")


def _phase_group() -> list[Header]:
    other = [
        replace(
            header, series_instance_uid="1.2.9", series_number=9, series_description="CorCTA  0.6  Bv40  BestSyst 35 %"
        )
        for header in sound()
    ]
    return [*sound(), *other]


NOTHING_CARDIAC: Mapping[str, Any] = MappingProxyType(
    {"body_part_examined": "", "protocol_name": "", "series_description": "0.6 Bv40"}
)

SOUND = Example(sound)

EXAMPLES: Mapping[Code, Example] = {
    # why a series is none of axial CT images
    Code.NOT_CT_IMAGE_STORAGE: _all(sop_class_uid="1.2.840.10008.5.1.4.1.1.7"),
    Code.LOCALIZER: _all(image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")),
    Code.SECONDARY_CAPTURE: _all(image_type=("ORIGINAL", "SECONDARY", "AXIAL")),
    Code.BOLUS_TRACKING: _all(image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MON")),
    Code.DOSE_OR_REPORT: _all(image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 PROT")),
    Code.REFORMAT_DERIVED: _all(series_description="LAD cMPR"),
    Code.PERFUSION_OR_LATE: _all(series_description="Late enhancement"),
    Code.ENHANCED_MULTIFRAME: Example(lambda: sound(1, sop_class_uid="1.2.840.10008.5.1.4.1.1.2.1")),
    Code.NOT_HOUNSFIELD: _all(rescale_type="Z_EFF"),
    Code.NOT_CARDIAC: _all(**NOTHING_CARDIAC),
    # geometry
    Code.GEOMETRY_TAGS_MISSING: _some(1, image_position=None),
    Code.ORIENTATION_INVALID: _some(1, image_orientation=(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)),
    Code.MIXED_ORIENTATION: _some(20, image_orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0)),
    Code.MIXED_PIXEL_GRID: _some(20, pixel_spacing=(0.5, 0.5)),
    Code.MIXED_KERNEL: _some(20, convolution_kernel="Br64"),
    Code.MIXED_FRAME_OF_REFERENCE: _some(20, frame_of_reference_uid="1.2.9"),
    Code.MIXED_RESCALE: _some(1, rescale_intercept=0.0),
    Code.RESCALE_MISSING: _some(1, rescale_slope=None),
    Code.MIXED_SLICE_THICKNESS: _some(20, slice_thickness=0.65),
    Code.DUPLICATE_INSTANCE: _one_more(7),
    Code.DUPLICATE_POSITIONS: _one_more(7, sop_instance_uid="1.2.5.999", instance_number=999),
    Code.MULTIPHASE_SPLIT: Example(_labelled),
    Code.MULTIPHASE_UNLABELLED: Example(lambda: _phases(2)),
    Code.PHASE_INCOMPLETE: Example(
        lambda: [header for header in _labelled() if header.instance_number != 300],
        implied=frozenset({Code.MULTIPHASE_SPLIT}),
    ),
    Code.PHASE_GROUP: Example(_phase_group),
    Code.MISSING_SLICES: _without(50, 51, 90),
    Code.NONUNIFORM_SPACING: _moved(lambda index: (0.0, 0.0, 0.1 * (index > 100))),
    Code.SHEARED_TILT: _moved(lambda index: (0.0, 0.1 * index, 0.0)),
    Code.GANTRY_TILT_TAG: _all(gantry_tilt=12.0),
    Code.LATERAL_SHIFT: _moved(lambda index: (3.0 * (index in (99, 100)), 0.0, 0.0)),
    Code.SLICE_GAP: _all(slice_thickness=0.5),
    Code.OVERLAPPING_SLICES: _all(slice_thickness=0.75),
    Code.TOO_FEW_SLICES: Example(lambda: sound(1)),
    Code.COVERAGE_SHORT: Example(lambda: sound(50)),
    Code.COVERAGE_LIMITED: Example(lambda: sound(120)),
    Code.NOT_AXIAL: Example(_sagittal),
    Code.LOSSY_COMPRESSION: _all(lossy=True),
    # remarks
    Code.DERIVED: _all(image_type=("DERIVED", "PRIMARY", "AXIAL")),
    Code.IMAGE_TYPE_MISSING: _all(image_type=()),
    Code.SOP_CLASS_MISSING: _all(sop_class_uid=""),
    Code.IMAGES_LEFT_OUT: _one_more(0, sop_instance_uid="1.2.5.999", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")),
    Code.ATTRIBUTE_INVALID: _all(invalid=("HeartRate",)),
    Code.CONTRAST_TAG: _all(contrast_bolus_agent="Iohexol"),
    Code.CONFIRM_CONTRAST_BY_PIXELS: Example(sound, seen=None),
    Code.CONTRAST_BY_PIXELS: Example(sound, seen=Seen.YES),
    Code.NO_CONTRAST_BY_PIXELS: Example(lambda: sound(series_description="Heart  0.6  Bv40  75 %"), seen=Seen.NO),
    Code.CONTRAST_UNCERTAIN: Example(sound, seen=Seen.UNCERTAIN),
    Code.CONTRAST_DISAGREES: _all(series_description="CaScSeq  0.6  Bv40  75 %"),
    Code.THICK_FOR_CCTA: Example(lambda: sound(80, 1.5)),
    Code.TOO_THICK_FOR_CCTA: Example(lambda: sound(60, 2.0)),
}
"""What provokes a code, and no other."""

EVIDENCE: Mapping[Code, Mapping[str, Any]] = {
    Code.BODYPART_CARDIAC: {"body_part_examined": "CORONARY"},
    Code.BODYPART_THORAX: {"body_part_examined": "CHEST"},
    Code.BODYPART_MISSING: {},
    Code.BODYPART_OTHER: {"body_part_examined": "ABDOMEN"},
    Code.ANATOMIC_REGION_CARDIAC: {"anatomic_regions": (("SCT", "80891009"),)},
    Code.ECG_GATED_TAG: {"cardiac_synchronization_technique": "RETROSPECTIVE"},
    Code.GATING_HINT: {"scan_options": "TP70PC1165"},
    Code.SERIES_DESC_CARDIAC: {"series_description": "Herz 0.6"},
    Code.PROTOCOL_CARDIAC: {"protocol_name": "02_CoronaryCTARoutine"},
    Code.SMALL_FOV: {"reconstruction_diameter": 200.0},
}
"""What gives a point of evidence, and no other, to headers with `NOTHING_CARDIAC`."""
