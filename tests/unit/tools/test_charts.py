import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from tools.charts import ChartsError, Package, build


def packed(folder: Path, files: dict[str, str]) -> Package:
    """A package as `npm pack` makes it, and what is wanted of it."""
    with tarfile.open(folder / "some-thing-1.0.tgz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    digest = hashlib.sha512((folder / "some-thing-1.0.tgz").read_bytes()).digest()
    integrity = "sha512-" + base64.b64encode(digest).decode()
    return Package("@some/thing", "1.0", integrity, {"dist/a.js": "thing.js"})


def test_the_wanted_files_and_nothing_else(tmp_path: Path) -> None:
    package = packed(tmp_path, {"dist/a.js": "draw()", "dist/b.js": "", "../evil.js": ""})
    for _ in range(2):
        build(tmp_path, tmp_path / "charts", (package,))
    assert {file.name: file.read_text() for file in (tmp_path / "charts").iterdir()} == {"thing.js": "draw()"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["charts", "some-thing-1.0.tgz"]


def test_another_package_is_refused_and_what_is_there_stays(tmp_path: Path) -> None:
    package = packed(tmp_path, {"dist/a.js": "draw()"})
    build(tmp_path, tmp_path / "charts", (package,))
    packed(tmp_path, {"dist/a.js": "spy()"})
    with pytest.raises(ChartsError, match="locked"):
        build(tmp_path, tmp_path / "charts", (package,))
    assert (tmp_path / "charts" / "thing.js").read_text() == "draw()"


def test_a_package_that_was_not_fetched_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChartsError, match=r"d3: there is no .*d3-7"):
        build(tmp_path, tmp_path / "charts")
