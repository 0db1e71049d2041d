import tarfile
from pathlib import Path

import pytest

from tools.ohif import Change, OhifError, change, integrity, unpack

CHANGES = (Change("*.js", 2, '.p = "/"', '.p = "/ohif/"', 1),)


def test_integrity_is_npm_s() -> None:
    # `openssl dgst -sha512 -binary < /dev/null | base64 -w 0`
    empty = Path("/dev/null")
    digest = "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    assert integrity(empty) == f"sha512-{digest}"


def test_another_package_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "ohif-app.tgz"
    with tarfile.open(package, "w:gz"):
        pass
    with pytest.raises(OhifError, match="locked"):
        unpack(package, tmp_path)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (['a.p = "/"', 'b.p = "/"'], None),
        (['a.p = "/"', "b"], "in 1 files"),
        (['a.p = "/"; b.p = "/"', 'c.p = "/"'], "2 times"),
    ],
    ids=["as expected", "one file less", "one place more"],
)
def test_a_change_must_match_as_often_as_it_did(tmp_path: Path, contents: list[str], words: str | None) -> None:
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.js").write_text(content)
    if words:
        with pytest.raises(OhifError, match=words):
            change(tmp_path, CHANGES)
    else:
        change(tmp_path, CHANGES)
        assert [path.read_text() for path in sorted(tmp_path.glob("*.js"))] == ['a.p = "/ohif/"', 'b.p = "/ohif/"']


def test_the_installed_viewer_refers_to_nothing_outside_its_folder() -> None:
    viewer = Path("/opt/ohif")
    page = (viewer / "index.html").read_text()
    assert 'window.PUBLIC_URL="/ohif/"' in page
    for attribute in ('href="/', 'src="/'):
        for reference in page.split(attribute)[1:]:
            assert reference.startswith("ohif/")
            assert (viewer / reference.removeprefix("ohif/").split('"')[0]).exists()
    assert "cloudfront" not in (viewer / "app-config.js").read_text()
