"""The films of the benchmark: what is encoded without loss is decoded to the same pixels."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1

from bench.archive import orthanc_id
from bench.mixture import MIXTURE, Kind, Mixture

SYNTAXES = (ExplicitVRLittleEndian, JPEGLosslessSV1, JPEG2000Lossless)


@pytest.mark.parametrize("bits", [8, 12, 14, 16])
def test_every_encoding_holds_the_same_pixels(bits: int, tmp_path: Path) -> None:
    films = Mixture([Kind(syntax.name, 160, 128, bits, syntax) for syntax in SYNTAXES]).write(tmp_path, range(3))
    datasets = [dcmread(film.path) for film in films]
    assert [dataset.file_meta.TransferSyntaxUID for dataset in datasets] == list(SYNTAXES)
    raw, *others = (dataset.pixel_array for dataset in datasets)
    assert raw.shape == (160, 128)
    assert raw.min() < 1 << bits - 2
    assert 1 << bits - 1 < raw.max() < 1 << bits
    for decoded in others:
        np.testing.assert_array_equal(decoded, raw)


@pytest.mark.parametrize("bits", [14, 16])
def test_bits_beyond_the_phantoms_are_noise(bits: int, tmp_path: Path) -> None:
    kinds = [Kind("12", 160, 128, 12), Kind("more", 160, 128, bits)]
    coarse, fine = (dcmread(film.path).pixel_array for film in Mixture(kinds).write(tmp_path, range(2)))
    low = fine & (1 << bits - 12) - 1
    shares = np.bincount(low.ravel()) / low.size
    assert shares == pytest.approx(1 / (1 << bits - 12), rel=0.2)
    assert np.abs((fine >> bits - 12).astype(int) - coarse).max() <= 1


def test_each_film_is_of_its_own_study_and_of_the_kind_in_turn(tmp_path: Path) -> None:
    kinds = [Kind("one", 64, 64, 12), Kind("two", 64, 80, 12)]
    films = Mixture(kinds).write(tmp_path, range(5))
    assert [film.kind.name for film in films] == ["one", "two", "one", "two", "one"]
    datasets = [dcmread(film.path) for film in films]
    assert [dataset.Columns for dataset in datasets] == [64, 80, 64, 80, 64]
    for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert len({dataset[name].value for dataset in datasets}) == 5
    assert [film.study_uid for film in films] == [dataset.StudyInstanceUID for dataset in datasets]
    assert len({film.instance for film in films} | {film.study for film in films}) == 10


def test_identifiers_are_those_of_orthanc() -> None:
    # As Orthanc 1.12.7 named this instance and its study.
    study = "2.25.218630217937334514349779300730608690937"
    series, instance = (
        "2.25.45447387137791127886874078289932054145",
        "2.25.95063834687324626838086504179878314557",
    )
    assert orthanc_id("BENCH-0-0", study) == "9128932c-5a17730c-d7d0750f-016fe005-ee8322c3"
    assert orthanc_id("BENCH-0-0", study, series, instance) == "71f71fd1-031dfe68-ace50ff4-eb34ff5d-dc3a0aa1"


def test_the_mixture_is_what_hospitals_send() -> None:
    assert {kind.transfer_syntax for kind in MIXTURE} == set(SYNTAXES)
    assert (min(kind.bits for kind in MIXTURE), max(kind.bits for kind in MIXTURE)) == (8, 16)
    assert all(2000 <= side <= 3000 for kind in MIXTURE for side in (kind.rows, kind.columns))
