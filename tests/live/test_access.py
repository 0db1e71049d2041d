"""Who may do what on a real server, and that nobody reaches files."""

import hashlib
import json
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import XRAY_METADATA, Outcome
from phantom.dicom import chest_dx

from . import raw
from .orthanc import MODELS_CACHE, ROOT, Orthanc

OPERATOR, READER = ("operator", "pass: word"), ("reader", "secret")
CANARY = b"nobody may read this"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server that asks for users, with models of its own."""
    folder = tmp_path_factory.mktemp("access")
    shutil.copytree(MODELS_CACHE, folder / "cache")
    shutil.copytree(ROOT / "models", folder / "models")
    for place in ("cache", "models"):
        (folder / place / "canary.txt").write_bytes(CANARY)
    options = {"AuthenticationEnabled": True, "RegisteredUsers": dict([OPERATOR, READER])}
    directories = {"CacheDirectory": str(folder / "cache"), "ModelsDirectory": str(folder / "models")}
    orthanc = Orthanc(folder, {"Operators": [OPERATOR[0]], **directories}, options).start()
    yield orthanc
    assert orthanc.stop() == 0
    assert "Traceback" not in orthanc.log_text()


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server of one's own."""
    orthanc = Orthanc(tmp_path_factory.mktemp("unlocked")).start()
    yield orthanc
    assert orthanc.stop() == 0


def failed_image(orthanc: Orthanc) -> str:
    """An image whose analysis has failed: another one would change its outcome."""
    [instance] = orthanc.upload([chest_dx(7, 64, 64)])
    orthanc.wait_idle()
    failed = Outcome(Code.FAILED, "r").to_text().encode()
    assert orthanc.request("PUT", f"/instances/{instance}/metadata/{XRAY_METADATA}", data=failed).ok
    return instance


def is_failed(orthanc: Orthanc, instance: str) -> bool:
    orthanc.wait_idle()
    return bool(orthanc.get(f"/ai/instances/{instance}/findings")["code"] == "FAILED")


def code(answer: raw.Answer | None) -> str:
    assert answer is not None
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(json.loads(answer.body)["code"])


def basic(user: tuple[str, str]) -> str:
    return "Authorization: Basic " + b64encode(":".join(user).encode()).decode()


# Operators


def test_readers_read_and_operators_act(locked: Orthanc) -> None:
    instance = failed_image(locked)
    path = f"/ai/instances/{instance}/analyze"
    for method, target in (("POST", path), ("DELETE", "/ai/demonstration")):
        assert locked.request(method, target, auth=None).status_code == 401
        answer = locked.request(method, target, auth=READER)
        assert (answer.status_code, answer.json()["code"]) == (403, "OPERATOR_ONLY")
        assert "AI.Operators" in answer.json()["detail"]
    assert is_failed(locked, instance)
    assert locked.request("GET", "/ai/findings", auth=READER).ok
    assert locked.request("POST", path, auth=OPERATOR).status_code == 202
    assert not is_failed(locked, instance)


def test_every_route_that_changes_something_refuses_a_reader(locked: Orthanc) -> None:
    refused = 0
    for template, methods in locked.get("/ai/openapi.json")["paths"].items():
        for method in methods.keys() - {"get"}:
            path = template.replace("{", "").replace("}", "")
            assert code(raw.send(locked.port, raw.request(method.upper(), path, basic(READER)))) == "OPERATOR_ONLY"
            refused += 1
    assert refused >= 5


def test_a_reader_in_an_operators_name_is_a_reader(locked: Orthanc) -> None:
    """Orthanc takes a form apart and hands over each part with headers of its own, which the sender writes."""
    instance = failed_image(locked)
    boundary = "--B\r\n{}\r\n\r\n\r\n--B--\r\n"
    for claimed in ((OPERATOR[0], ""), (OPERATOR[0], READER[1])):
        body = boundary.format(basic(claimed)).encode()
        headers = (basic(READER), "Content-Type: multipart/form-data; boundary=B")
        assert raw.send(locked.port, raw.request("POST", f"/ai/instances/{instance}/analyze", *headers, body=body))
    doubled = raw.request("POST", f"/ai/instances/{instance}/analyze", basic(READER), basic((OPERATOR[0], "")))
    assert code(raw.send(locked.port, doubled)) == "OPERATOR_ONLY"
    assert is_failed(locked, instance)


def test_without_operators_the_start_says_so(make_server: Callable[..., Orthanc]) -> None:
    options = {"AuthenticationEnabled": True, "RegisteredUsers": dict([READER])}
    orthanc = make_server(options=options).start()
    answer = orthanc.request("DELETE", "/ai/demonstration")
    assert (answer.status_code, answer.json()["code"]) == (403, "OPERATOR_ONLY")
    assert orthanc.log_text().count("AI.Operators names none of the RegisteredUsers") == 1


def test_an_unknown_operator_stops_the_start(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server({"Operators": ["nobody"]}, {"AuthenticationEnabled": True, "RegisteredUsers": dict([READER])})
    assert orthanc.launch().wait(30) != 0
    assert "AI.Operators: found ['nobody']" in orthanc.log_text()


# Pages of other web sites


BROWSER = ("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Accept-Language: en")


@pytest.mark.parametrize(
    ("method", "query", "headers"),
    [
        ("POST", "", ("Sec-Fetch-Site: cross-site", "Origin: http://evil.example")),
        ("POST", "", ("Origin: http://evil.example",)),
        ("POST", "", ("Origin: null",)),
        # Orthanc takes this GET for a PUT or DELETE; a picture on any page can send it.
        ("GET", "?_method=DELETE", BROWSER),
        ("GET", "?_method=DELETE", (*BROWSER, "Sec-Fetch-Site: cross-site")),
    ],
)
def test_pages_of_others_change_nothing(unlocked: Orthanc, method: str, query: str, headers: tuple[str, ...]) -> None:
    target = "/ai/studies/1.2.3/analyze" if method == "POST" else f"/ai/demonstration{query}"
    assert code(raw.send(unlocked.port, raw.request(method, target, *headers))) == "CROSS_SITE"


def test_a_form_of_another_page_starts_nothing(unlocked: Orthanc) -> None:
    """Not even the form itself is seen, only its parts; they are known by their Content-Disposition."""
    instance = failed_image(unlocked)
    body = b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n{}\r\n--B--\r\n'
    headers = ("Origin: http://evil.example", "Content-Type: multipart/form-data; boundary=B")
    assert raw.send(unlocked.port, raw.request("POST", f"/ai/instances/{instance}/analyze", *headers, body=body))
    assert is_failed(unlocked, instance)


def test_pages_of_this_server_and_programs_may(unlocked: Orthanc) -> None:
    instance = failed_image(unlocked)
    path = f"/ai/instances/{instance}/analyze"
    for headers in ((), ("Origin: http://localhost",), (*BROWSER, "Sec-Fetch-Site: same-origin")):
        answer = raw.send(unlocked.port, raw.request("POST", path, *headers))
        assert answer is not None
        assert answer.status == 202


# Files


def snapshot(*folders: Path) -> dict[str, str]:
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def escapes(folder: Path) -> Iterator[str]:
    """Ways that might lead from a route to a folder."""
    for target in (f"{folder}/canary.txt", "cache/canary.txt", "models/canary.txt", "phantom/card.yaml"):
        up = "../" * 12 + target.lstrip("/")
        for path in (target, up, f"assets/{up}", f"/{target}"):
            for dots in ("..", "%2e%2e", "%2E.", "%252e%252e", "..;"):
                for slash in ("/", "%2f", "%5c", "\\", "//"):
                    yield path.replace("..", dots).replace("/", slash)
        yield f"{up}%00.js"


def test_no_route_reaches_the_models(locked: Orthanc) -> None:
    """Neither to read them, nor, with whatever method, to replace them."""
    before = snapshot(locked.folder / "cache", locked.folder / "models")
    assert CANARY.decode() in [(locked.folder / place / "canary.txt").read_text() for place in ("cache", "models")]
    targets = sorted(set(escapes(locked.folder)))
    for number, escape in enumerate(targets):
        root = ("/ohif/", "/ai/models/", "/ai/", "/")[number % 4]
        method = ("GET", "GET", "PUT", "POST", "DELETE")[number % 5]
        answer = raw.send(locked.port, raw.request(method, root + escape, basic(OPERATOR), body=b"x"))
        assert answer is None or CANARY not in answer.body
        assert answer is None or answer.status < 500
    assert snapshot(locked.folder / "cache", locked.folder / "models") == before


def test_orthanc_runs_no_scripts_and_writes_no_files_for_strangers(unlocked: Orthanc, tmp_path: Path) -> None:
    """Not even for those who may use all of its routes."""
    [instance] = unlocked.upload([chest_dx(8, 64, 64)])
    target = tmp_path / "taken"
    script = f'f = io.open("{target}", "w") f:close()'
    assert unlocked.request("POST", "/tools/execute-script", data=script).status_code == 403
    assert unlocked.request("POST", f"/instances/{instance}/export", data=str(target)).status_code in (403, 404)
    assert not target.exists()
