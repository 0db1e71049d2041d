"""Header and pixels of radiographs, up to the tensor: what a worker does before the model."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_ai.dicom_file import FileError, header_of, open_file
from orthanc_ai.images.digest import pixel_digest
from orthanc_ai.images.errors import ImageError
from orthanc_ai.models.card import load_card
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.header import inherit, instance_reference
from orthanc_ai.xray.pixels import read_radiograph
from orthanc_ai.xray.select import judge
from phantom.dicom import Encoding, chest_dx

SMALL_ENOUGH = 20_000
"""Bytes of real files that are worth being mutated."""

USE = load_card(Path(__file__).resolve().parents[2] / "models", "phantom").intended_use


def seeds(data: Path) -> Iterator[bytes]:
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless):
        film = chest_dx(1, rows=64, columns=64, encoding=Encoding(transfer_syntax=UID(syntax)))
        stream = BytesIO()
        pydicom.dcmwrite(stream, film, enforce_file_format=True)
        yield stream.getvalue()
    for file in sorted(data.rglob("*.dcm")) if data.is_dir() else ():
        if file.stat().st_size <= SMALL_ENOUGH:
            yield file.read_bytes()


def one_input(content: bytes) -> None:
    """Read a file; only errors with a code are right."""
    with suppress(FileError, ImageError, ReportError):
        dataset = open_file(content)
        header = header_of(dataset)
        judge(dataset, USE)
        instance_reference(header)
        inherit(header)
        tensor = read_radiograph(dataset, 64).tensor
        pixel_digest(dataset)
        assert abs(tensor).max() <= 1024
