"""Whatever comes in over the wire: an answer in good form, no fault, and a server that works on."""

import json
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from orthanc_ai.api.dispatch import DECODES_QUERIES
from orthanc_ai.api.http import STATUS
from orthanc_ai.codes import Code
from phantom.dicom import chest_dx
from tests.unit.api.examples import NASTY

from . import raw
from .orthanc import Orthanc

ORTHANCS_OWN = {400, 404, 405, 411, 413, 414}
"""What Orthanc and its web server answer with before they ask the plugin."""


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server that is still well afterwards: it reads another image, and stops in peace."""
    made = Orthanc(tmp_path_factory.mktemp("any-request"), options={"KeepAlive": False}).start()
    made.upload([chest_dx(1, 64, 64)])
    made.wait_idle()
    yield made
    made.post("/ai/resume")  # one of the requests was to pause
    [instance] = made.upload([chest_dx(2, 64, 64)])
    made.wait_idle()
    assert made.get(f"/ai/instances/{instance}/findings")["code"] == "REPORTED"
    assert made.stop() == 0
    log = made.log_text()
    assert "Traceback" not in log
    assert "in a request" not in log, "neither INTERNAL_ERROR nor DATABASE_BUSY"


@pytest.fixture(scope="module")
def paths(orthanc: Orthanc) -> list[str]:
    """Paths of all routes, with something real in place of the parameters."""
    instance = orthanc.find("Instance", {"Modality": "DX"})[0]["ID"]
    values = {"{id}": instance, "{patient}": "PHANTOM", "{name}": "phantom", "{code}": "HELD"}
    values["{job}"] = f"xray-findings:{instance}"
    found = []
    for template in orthanc.get("/ai/openapi.json")["paths"]:
        path = template
        for name, value in values.items():
            path = path.replace(name, value)
        found.append(path)
    return found


def check(orthanc: Orthanc, request: bytes) -> None:
    """Whether the answer is one that a client can do something with; the web server may also just hang up."""
    answer = raw.send(orthanc.port, request)
    if answer is None:
        return
    if answer.status == 500:
        assert is_orthancs_own(orthanc, request), answer
        return
    kind = answer.headers.get("Content-Type", "")
    if kind == "application/problem+json":
        code = Code(json.loads(answer.body)["code"])
        assert code not in {Code.INTERNAL_ERROR, Code.DATABASE_BUSY}
        assert answer.status in (STATUS[code], 415)
    elif answer.status in (200, 202):
        if kind == "application/json":
            json.loads(answer.body)
    else:
        assert answer.status in ORTHANCS_OWN, answer


def is_orthancs_own(orthanc: Orthanc, request: bytes) -> bool:
    """Whether its Python plugin (7.1) answers 500 by itself: it makes texts of decoded queries, and only of UTF-8."""
    _, _, query = request.partition(b" HTTP/")[0].partition(b"?")
    try:
        unquote_to_bytes(query).decode("utf-8")
    except UnicodeDecodeError:
        return orthanc.version() >= DECODES_QUERIES
    return False


def test_identifiers_that_lead_astray(orthanc: Orthanc) -> None:
    """Escaped as a client would, as they stand in a browser's address, and escaped twice."""
    for template, methods in orthanc.get("/ai/openapi.json")["paths"].items():
        if "{" not in template:
            continue
        before, _, after = template.partition("{")
        for text in NASTY:
            for escaped in (quote(text, safe=""), quote(text, safe="/.*%?"), quote(quote(text, safe=""))):
                for method in methods:
                    target = before + escaped + after.partition("}")[2]
                    check(orthanc, raw.request(method.upper(), target))


def test_bodies_that_try_the_parser(orthanc: Orthanc, paths: list[str]) -> None:
    deep = (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":[' * 600, b"1" * 200_000)
    odd = (b"", b"\xff\xfe", b'{"\\ud800":1}', b"null", b'"' + b"\\" * 9999, b'{"a":NaN}', bytes(range(256)))
    for path in paths:
        for body in deep if path.endswith("/analyze") else odd:
            for method in ("POST", "PUT"):
                check(orthanc, raw.request(method, path, "Content-Type: application/json", body=body))


@pytest.mark.parametrize(
    "request_",
    [
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{}{}{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\n\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}",
        b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 3\r\n\r\n--B",
        b"GET {} HTTP/1.1\r\nHost: x\r\nX-Y: " + b"y" * 12_000 + b"\r\n\r\n",
        b"GET {} HTTP/1.1\r\nHost: x\r\nX-Y: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET {} HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"GET {} HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n",
        b"GET {} HTTP/1.1\r\n\r\n",
        b"GET {} HTTP/1.0\r\n\r\n",
        b"GET {}\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET http://elsewhere{} HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET {}" + b"/x" * 6000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET {}?" + b"a=b&" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET {}?a=%ff&%00=%00&=&&&%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET {}?_method=PATCH HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET {}?_method=PUT HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW {} HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS {} HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PATCH {} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"TRACE {} HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0\0\0\0",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ],
    ids=lambda request: repr(request[:60]),
)
def test_requests_in_bad_form(orthanc: Orthanc, paths: list[str], request_: bytes) -> None:
    for path in paths if request_.startswith(b"POST") else paths[:6]:
        check(orthanc, request_.replace(b"{}", path.encode(), 1))


WIRE = settings(
    max_examples=500,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Header values are Latin-1 on the wire; of those, Orthanc's Python plugin (5.0) takes ASCII only and else answers 500 by
# itself, before anything of ours is asked.
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
percent = st.binary(max_size=8).map(lambda data: "".join(f"%{byte:02x}" for byte in data))
pieces = (
    st.sampled_from(["/", "//", "..", "%2e%2e", "%2f", "%5c", "\\", "%00", "*", "%3f", "#", "%ff", ";", "%C3%BC"])
    | percent
)
targets = st.lists(pieces | printable.map(lambda text: text.replace(" ", "+")), max_size=6).map("".join)
names = st.sampled_from(
    (
        *("Accept", "Accept-Encoding", "Authorization", "Content-Type", "Cookie", "Expect", "Host", "If-None-Match"),
        *("Origin", "Range", "Sec-Fetch-Site", "Upgrade", "X-HTTP-Method-Override"),
    )
)


@seed(20260131)
@WIRE
@given(data=st.data())
def test_anything_over_the_wire(orthanc: Orthanc, paths: list[str], data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(["GET", "GET", "POST", "PUT", "DELETE", "PATCH"]))
    path = data.draw(st.sampled_from([*paths, "/ai/instances/", "/ai/patients/", "/ohif/", "/ohif"]))
    target = path + data.draw(st.just("") | targets) + data.draw(st.just("") | targets.map("?{}".format))
    headers = data.draw(st.dictionaries(names, printable, max_size=3))
    body = data.draw(st.binary(max_size=60) | st.sampled_from([b"", b"{}", b"[]"]))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    check(orthanc, raw.request(method, target, *lines, body=body))


def test_names_in_a_query_that_are_no_text(orthanc: Orthanc) -> None:
    """Plugin 7.1 calls us with an error of its own left standing, which would freeze every route."""
    for path, status in (("/ai/status", 400), ("/ohif/", 200), ("/ai/status", 400)):
        answer = raw.send(orthanc.port, raw.request("GET", f"{path}?a&%cc"))
        assert answer is not None
        assert answer.status == status
        assert orthanc.get("/ai/status")


def test_bytes_that_are_no_text(orthanc: Orthanc) -> None:
    """In a path they are not found. In a header they never reach us: Orthanc's Python plugin answers 500, and lives."""
    for path in ("/ai/instances/%ff/findings", "/ai/%c0%af", "/ai/%ed%a0%80", "/ohif/%ff", "/ohif/%f5%80%80%80"):
        answer = raw.send(orthanc.port, raw.request("GET", path))
        assert answer is not None
        assert answer.status == 404
    assert raw.send(orthanc.port, b"GET /ai/status HTTP/1.1\r\nHost: x\r\nX-Y: \xff\r\n\r\n")
    assert orthanc.get("/ai/status")
