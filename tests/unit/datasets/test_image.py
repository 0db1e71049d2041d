"""One instance as files: what is in them, what is said of them, and what is left out."""

from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import MultiFrameGrayscaleByteSecondaryCaptureImageStorage

from orthanc_ai.datasets.image import write_instance
from orthanc_ai.datasets.orders import ImageFormat, ImageOrder, Making
from orthanc_ai.deidentify.options import Options
from orthanc_ai.handover import Shared
from orthanc_ai.images.size import Size
from phantom.ct import ct_series
from phantom.dicom import chest_dx

SIDE = 64
CT = ct_series("ccta", slices=3, matrix=SIDE)[1]


def written(
    dataset: Dataset | None,
    folder: Path,
    form: ImageFormat = "png8",
    size: Size | None = None,
    scaling: dict[str, Any] | None = None,
    options: Options | None = None,
) -> dict[str, Any]:
    file = folder / "source.dcm"
    if dataset is not None:
        buffer = BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        file.write_bytes(buffer.getvalue())
    privacy = (options or Options()).to_json()
    making = Making(folder / "out", form, size, scaling or {"kind": "header"}, privacy)
    return write_instance(ImageOrder("id", Shared(str(file)), "image-1", making))


def test_gray_levels_of_sixteen_bits_through_a_window(tmp_path: Path) -> None:
    made = written(
        CT, tmp_path, "png16", scaling={"kind": "window", "center": 0, "width": 2000, "function": "LINEAR_EXACT"}
    )
    [image] = made["images"]
    picture = imagecodecs.png_decode((tmp_path / "out" / image["file"]).read_bytes())
    hounsfield = CT.pixel_array * float(CT.RescaleSlope) + float(CT.RescaleIntercept)
    # PS3.3 section C.11.2.1.3.2.
    wanted = np.rint(np.clip((hounsfield / 2000 + 0.5) * 65535, 0, 65535))
    np.testing.assert_array_equal(picture, wanted)
    assert (image["type"], image["rows"], image["columns"]) == ("uint16", SIDE, SIDE)
    assert image["rescale"] == {"slope": float(CT.RescaleSlope), "intercept": float(CT.RescaleIntercept)}


def test_values_are_those_of_the_modality(tmp_path: Path) -> None:
    [image] = written(CT, tmp_path, "npz")["images"]
    hounsfield = CT.pixel_array * float(CT.RescaleSlope) + float(CT.RescaleIntercept)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / image["file"])["values"], hounsfield)
    [image] = written(CT, tmp_path, "npz", Size(32, 64))["images"]
    values = np.load(tmp_path / "out" / image["file"])["values"]
    assert values.shape == (32, 64)
    # Around the image is its lowest value: zero would be water.
    assert set(values[:, :16].ravel()) == {hounsfield.min()}


def several(frames: int) -> Dataset:
    """A multi-frame image whose frames differ."""
    made = chest_dx(1, SIDE, SIDE)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    made.NumberOfFrames = frames
    made.BurnedInAnnotation = "YES"
    first = np.frombuffer(made.PixelData, np.uint16)
    made.PixelData = b"".join((first // (number + 1)).tobytes() for number in range(frames))
    return made


def test_each_frame_is_a_file(tmp_path: Path) -> None:
    taken = Options(burned_in="take")
    made = written(several(3), tmp_path, options=taken)
    assert [(one["file"], one["frame"]) for one in made["images"]] == [
        (f"image-1-f000{number}.png", number) for number in (1, 2, 3)
    ]
    assert len({one["member"]["pixels"] for one in made["images"]}) == 3
    assert {tuple(one["flags"]) for one in made["images"]} == {("BURNED_IN",)}


def test_what_may_show_a_name_is_left_out(tmp_path: Path) -> None:
    made = written(several(3), tmp_path)
    assert made == {"images": [], "leftOut": [{"frame": None, "code": "BURNED_IN"}]}
    assert not (tmp_path / "out").exists()


def test_a_frame_that_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    one = several(2)
    one.PixelData = one.PixelData[: -2 * SIDE]
    made = written(one, tmp_path, options=Options(burned_in="take"))
    assert made["leftOut"]
    assert {gone["code"] for gone in made["leftOut"]} == {"PIXELS_UNREADABLE"}


def test_a_file_that_is_gone_or_no_dicom(tmp_path: Path) -> None:
    assert written(None, tmp_path)["leftOut"] == [{"frame": None, "code": "FILE_UNREADABLE"}]
    (tmp_path / "source.dcm").write_bytes(b"no DICOM file at all" * 20)
    assert written(None, tmp_path)["leftOut"] == [{"frame": None, "code": "HEADER_UNREADABLE"}]


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OSError, match="Not a directory"):
        written(chest_dx(1, SIDE, SIDE), tmp_path)
