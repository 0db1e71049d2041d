"""Headers of a faultless coronary CT angiogram, to be varied."""

from dataclasses import replace
from typing import Any

from orthanc_ai.cardiac.header import Header

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
