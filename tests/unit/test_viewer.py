"""The viewer's files: right types, nothing but them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.viewer import SCRIPT, Viewer

from .api.test_dispatch import Output

BUNDLE = "app.bundle.0f6159c501addfe9.js"
PAGE = b"<html>OHIF</html>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("secret")
    made = outside / "ohif"
    (made / "assets").mkdir(parents=True)
    (made / "index.html").write_bytes(PAGE)
    (made / "app-config.js").write_text("window.config = {}")
    (made / BUNDLE).write_text("bundle")
    (made / "0ddf166f7a343eda.wasm").write_bytes(b"\0asm")
    (made / "1602.css").write_text("css")
    (made / "assets" / "logo.svg").write_text("<svg/>")
    (made / "empty.js").write_text("")
    (made / "link.txt").symlink_to(outside / "secret.txt")
    (made / "upwards").symlink_to(outside)
    return made


@pytest.fixture(scope="module")
def viewer(folder: Path) -> Viewer:
    return Viewer(folder)


def ask(viewer: Viewer, uri: str, method: str = "GET", **headers: str) -> Output:
    output = Output()
    viewer.callback(output, uri, method=method, groups=(), get={}, headers=headers)
    return output


def header(output: Output, name: str) -> str:
    return next(value for found, value in output.headers if found == name)


@pytest.mark.parametrize(
    ("path", "mime"),
    [
        ("/ohif/app-config.js", "text/javascript; charset=utf-8"),
        ("/ohif/0ddf166f7a343eda.wasm", "application/wasm"),
        ("/ohif/1602.css", "text/css; charset=utf-8"),
        ("/ohif/assets/logo.svg", "image/svg+xml"),
        ("/ohif/index.html", "text/html; charset=utf-8"),
    ],
)
def test_files_have_the_types_that_browsers_insist_on(viewer: Viewer, path: str, mime: str) -> None:
    output = ask(viewer, path)
    assert (output.status, header(output, "Content-Type")) == (200, mime)


@pytest.mark.parametrize("path", ["/ohif", "/ohif/", "/ohif/viewer", "/ohif/viewer/dicomweb", "/ohif/assets"])
def test_addresses_that_are_no_files_are_the_pages_own(viewer: Viewer, path: str) -> None:
    assert ask(viewer, path).body == PAGE


@pytest.mark.parametrize("path", ["/ohif/missing.js", "/ohif/assets/missing.png", "/ohif/.env"])
def test_a_missing_file_is_not_the_page(viewer: Viewer, path: str) -> None:
    output = ask(viewer, path)
    assert (output.status, json.loads(output.body)["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    [
        "/ohif/link.txt",
        "/ohif/upwards/secret.txt",
        "/ohif/../secret.txt",
        "/ohif/assets/../../secret.txt",
        "/ohif//etc/passwd",
        "/ohif/%2e%2e/secret.txt",
        "/ohif/..\\secret.txt",
        "/ohif/secret.txt\0.js",
        "/ohif/index.html\0",
    ],
)
def test_nothing_else_can_be_reached(viewer: Viewer, path: str) -> None:
    output = ask(viewer, path)
    assert b"secret" not in output.body
    assert output.status == 404 or output.body == PAGE


@given(st.text(max_size=40))
def test_whatever_is_asked_there_is_an_answer(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "viewer"
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_bytes(PAGE)
    output = ask(Viewer(folder), "/ohif/" + text)
    assert output.status == 404 or output.body == PAGE


def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_the_rest_asked_for_again(viewer: Viewer) -> None:
    for name in (BUNDLE, "0ddf166f7a343eda.wasm"):
        assert "immutable" in header(ask(viewer, f"/ohif/{name}"), "Cache-Control")
    for name in ("index.html", "app-config.js", "1602.css", "viewer"):
        assert header(ask(viewer, f"/ohif/{name}"), "Cache-Control") == "no-cache"


def test_an_unchanged_file_is_not_sent_again(viewer: Viewer) -> None:
    tag = header(ask(viewer, "/ohif/app-config.js"), "ETag")
    again = ask(viewer, "/ohif/app-config.js", **{"if-none-match": f'W/"x", {tag}'})
    assert (again.status, again.body, header(again, "ETag")) == (304, b"", tag)
    assert ask(viewer, "/ohif/index.html", **{"if-none-match": tag}).status == 200


def test_another_content_has_another_tag(tmp_path: Path) -> None:
    tags = set()
    for content in ("aa", "bb"):
        (tmp_path / "index.html").write_text(content)
        tags.add(header(ask(Viewer(tmp_path), "/ohif"), "ETag"))
    assert len(tags) == 2


def test_an_empty_file_is_served(viewer: Viewer) -> None:
    output = ask(viewer, "/ohif/empty.js")
    assert (output.status, output.body) == (200, b"")


def test_only_reading(viewer: Viewer) -> None:
    output = ask(viewer, "/ohif/", "POST")
    assert (output.status, output.headers) == (405, [("Allow", "GET")])


def test_without_ohif_it_says_so(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        viewer = Viewer(folder)
        output = ask(viewer, "/ohif/viewer")
        problem = json.loads(output.body)
        assert not viewer.installed
        assert (output.status, problem["code"]) == (503, "VIEWER_MISSING")
        assert "AI.ViewerDirectory" in problem["title"]


def test_a_file_that_vanishes_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(PAGE)
    viewer = Viewer(tmp_path)
    (tmp_path / "index.html").unlink()
    assert ask(viewer, "/ohif").status == 404


def test_explorer_writes_texts_never_markup() -> None:
    """Findings and descriptions come from files of others."""
    script = SCRIPT.read_text()
    for method in (".html(", "innerHTML", "document.write", "eval("):
        assert method not in script
