"""Gray levels and statistics of real images against pydicom's own transformations."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from orthanc_ai.dicom_file import open_file
from orthanc_ai.images.frame import Frame, Frames
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling
from orthanc_ai.images.statistics import statistics

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of what real headers say

FILES = (
    "cxr/gdcm_cr_mono1_10bit_440.dcm",
    "cxr/nih_dx_mono2_8bit_implicit_nofinding.dcm",
    "ct_series_heads_nysbu/A002304_axial_19001231-076.dcm",
    "ct_series_heads_nysbu/A056642_coronal_19010107-123.dcm",
    "ct_transfer_syntaxes/CTImage_1_2_1.dcm",
    "ct_transfer_syntaxes/CTImage_1_2_4_70.dcm",
    "negatives/ct_brain_philips.dcm",
    "negatives/ct_head_ge.dcm",
    "negatives/ct_surview_localizer.dcm",
    "negatives/cr_tibia_mono1_rle.dcm",
    "negatives/dx_dog_thorax_mono1.dcm",
    "negatives/mr_prostate.dcm",
    "negatives/mr_small.dcm",
    "negatives/nm.dcm",
    "negatives/pt_breast.dcm",
    "negatives/xa.dcm",
    "robustness/enhanced_ct_multiframe.dcm",
)


def frames(data: Path, name: str) -> Frames:
    return Frames(open_file((data / name).read_bytes()))


def by_pydicom(frame: Frame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Brightness from 0 to 1 by pydicom: rescale, then window or the image's own range."""
    values = apply_modality_lut(frame.stored, frame.header).astype(float)
    if frame.header.get("WindowWidth"):
        # pydicom spreads the window over the range of values that the header allows.
        width, signed = int(frame.header.BitsStored), bool(frame.header.PixelRepresentation)
        ends = np.array([-(2 ** (width - 1)), 2 ** (width - 1) - 1] if signed else [0, 2**width - 1])
        ends = ends * float(frame.header.get("RescaleSlope", 1)) + float(frame.header.get("RescaleIntercept", 0))
        shown = (apply_windowing(values, frame.header) - ends[0]) / (ends[1] - ends[0])
    else:
        shown = (values - values.min()) / (values.max() - values.min())
    return np.asarray(1 - shown if frame.inverted else shown)


@pytest.mark.parametrize("name", FILES)
def test_real_images_look_as_pydicom_has_them(data: Path, name: str) -> None:
    for frame in frames(data, name):
        wanted = by_pydicom(frame)
        for bits in (8, 16):
            shown, _ = levels(frame, Scaling.of({"kind": "viewer"}), bits)
            assert np.abs(shown - wanted * (2**bits - 1)).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("name", FILES)
def test_statistics_of_real_images_are_numpys(data: Path, name: str) -> None:
    frame = frames(data, name)[0]
    values = apply_modality_lut(frame.stored, frame.header).astype(float)
    padding = frame.header.get("PixelPaddingValue")
    there = values if padding is None else values[frame.stored != padding]
    found = statistics(frame)
    assert (found["min"], found["max"], found["pixels"]) == (there.min(), there.max(), there.size)
    assert found["mean"] == pytest.approx(there.mean())
    assert found["std"] == pytest.approx(there.std())
