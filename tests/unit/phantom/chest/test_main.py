"""The command line that writes films."""

from pathlib import Path

import pydicom
import pytest

from phantom.chest.__main__ import main


def test_writes_so_many_films_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path / "new"), "--count", "2", "--seed", "7", "--rows", "100", "--columns", "80", "--healthy"])
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["chest-0000007.dcm", "chest-0000008.dcm"]
    read = pydicom.dcmread(files[0])
    assert (read.Rows, read.Columns) == (100, 80)
    assert "2/2" in capsys.readouterr().err


def test_refuses_a_finding_that_is_not_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--finding", "Pneumonia"])
    assert "Pneumonia" in capsys.readouterr().err
