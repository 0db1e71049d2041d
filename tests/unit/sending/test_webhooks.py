"""Webhooks are told by signed messages, over real connections, and what becomes of each is what the receiver says."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from orthanc_ai.outcomes import REPORT_METADATA
from orthanc_ai.sending.couriers import End, Fate
from orthanc_ai.sending.delivery import Delivery, DeliveryState, Destination, Mark
from orthanc_ai.sending.webhooks import Webhooks, fate_of_status, message_of, read_secrets, signature
from orthanc_ai.server import Server
from orthanc_ai.settings import SettingsError, Webhook

from ..stand_in import Archive
from .receiver import HANG, SECRET, Receiver, snippet, wait_for

LIST = Destination("webhook", "list")


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """The vector that its libraries are tested with (standard-webhooks, libraries/javascript, "sign function works")."""
    [secret] = read_secrets(Webhook.model_validate({"Name": "a", "Url": "https://a.example", "Secret": SECRET}))
    signed = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_who_verifies_as_the_docs_say_takes_ours_and_nothing_else() -> None:
    verify = snippet()
    [secret] = read_secrets(Webhook.model_validate({"Name": "a", "Url": "https://a.example", "Secret": SECRET}))

    def headers(body: bytes, at: int) -> dict[str, str]:
        signed = signature([b"another secret of 24 byte", secret], "msg_1", at, body)
        return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signed}

    now = int(time.time())
    assert verify(SECRET, headers(b"{}", now), b"{}") == "msg_1"
    for spoiled in (
        (SECRET, headers(b"{}", now), b"{ }"),
        (SECRET, headers(b"{}", now - 301), b"{}"),
        (SECRET, headers(b"{}", now) | {"webhook-id": "msg_2"}, b"{}"),
        (SECRET, headers(b"{}", now) | {"webhook-timestamp": str(now + 1)}, b"{}"),
        ("whsec_" + "A" * 32, headers(b"{}", now), b"{}"),
    ):
        with pytest.raises(ValueError, match=r"signed|old"):
            verify(*spoiled)


def test_a_message_has_one_id_for_each_report_and_webhook() -> None:
    ids = {message_of(report, name) for report in ("a", "b") for name in ("list", "other")}
    assert len(ids) == 4
    assert message_of("a", "list") in ids
    assert all("." not in one for one in ids), "it would end the signed content early"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"SecretFile": "nowhere/secret"}, "AI.SendTo.Webhooks.a.SecretFile: found 'nowhere/secret'"),
        ({"SecretEnvironment": "ORTHANC_AI_NOWHERE"}, "SecretEnvironment: found 'ORTHANC_AI_NOWHERE'"),
        ({"Secret": "whsec_tooshort"}, "AI.SendTo.Webhooks.a.Secret: found"),
        ({"Secret": "whsec_" + "A" * 88}, "found [66] bytes; allowed: whsec_ and 24 to 64 bytes in Base64"),
        ({"Secret": "pass word!"}, "found what is no Base64"),
        ({"Secret": ""}, "found [] bytes"),
    ],
)
def test_a_secret_that_is_none_is_explained_and_not_shown(where: dict[str, str], words: str) -> None:
    webhook = Webhook.model_validate({"Name": "a", "Url": "https://a.example", **where})
    with pytest.raises(SettingsError) as error:
        read_secrets(webhook)
    assert words in str(error.value)
    assert where.get("Secret", "-") not in str(error.value) or not where["Secret"]


def test_a_secret_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\nwhsec_{'A' * 32}\n")
    common = {"Name": "a", "Url": "https://a.example"}
    of_file = read_secrets(Webhook.model_validate(common | {"SecretFile": str(tmp_path / "secret")}))
    assert [len(one) for one in of_file] == [24, 24]
    hook = Webhook.model_validate(common | {"SecretEnvironment": "HOOK"})
    assert read_secrets(hook, {"HOOK": SECRET}) == of_file[:1]
    assert SECRET not in repr(Webhook.model_validate(common | {"Secret": SECRET}))


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (200, End.SENT),
        (204, End.SENT),
        (301, End.AWAY),
        (308, End.AWAY),
        (400, End.REFUSED),
        (401, End.REFUSED),
        (408, End.AWAY),
        (410, End.REFUSED),
        (429, End.AWAY),
        (500, End.BROKEN),
        (503, End.BROKEN),
        (999, End.BROKEN),
        (101, End.BROKEN),
    ],
)
def test_a_status_means(status: int, end: End) -> None:
    assert fate_of_status(status).end is end


class Surroundings(Archive):
    """An archive with a report that a webhook is to be told of, and Orthanc's configuration."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.image = self.put("1.2.840.9", patient="Doe^Jane", study="1.2.840.7")
        self.report = self.put("1.2.840.8", modality="SR", patient="Doe^Jane", study="1.2.840.7")
        event: dict[str, Any] = {"type": "xray.reported", "timestamp": "now", "level": "instance", "source": self.image}
        event |= {"study": "s", "model": "m", "labels": ["urgent"]}
        mark = Mark((Delivery(LIST, DeliveryState.SENDING),), event)
        self.items[self.report].metadata[REPORT_METADATA] = mark.to_text()

    def configuration(self) -> dict[str, Any]:
        return self.options

    def configuration_folder(self) -> Path:
        return Path("/")


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*arguments: Any, **options: Any) -> Receiver:
        made.append(Receiver(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def tell(surroundings: Surroundings, hook: dict[str, Any]) -> tuple[Fate, Webhooks]:
    """Tell a webhook of the report, and wait for what becomes of it."""
    webhooks = Webhooks(cast(Server, surroundings), [Webhook.model_validate(hook)])
    assert webhooks.known() == {LIST}
    job = webhooks.submit(surroundings.report, LIST)
    fates: list[Fate] = []

    def known() -> bool:
        fates.append(webhooks.fate(job))
        return fates[-1].end is not End.UNFINISHED

    wait_for(known)
    assert webhooks.fate(job).end is End.FORGOTTEN
    return fates[-1], webhooks


def test_a_message_arrives_signed_and_names_no_patient(receive: Callable[..., Receiver]) -> None:
    receiver, surroundings = receive(), Surroundings()
    fate, _ = tell(surroundings, receiver.webhook())
    assert fate == Fate(End.SENT)
    [(message, body)] = receiver.taken
    assert message == message_of(surroundings.report, "list")
    assert json.loads(body) == {
        "type": "xray.reported",
        "timestamp": "now",
        "data": {
            "source": {"level": "instance", "id": surroundings.image},
            "study": "s",
            "report": surroundings.report,
            "model": "m",
            "labels": ["urgent"],
        },
    }
    assert b"Doe" not in body
    assert b"1.2.840" not in body


def test_a_message_says_whose_images_only_as_far_as_asked(receive: Callable[..., Receiver]) -> None:
    receiver, surroundings = receive(), Surroundings()
    tell(surroundings, receiver.webhook(With=["uids"]))
    tell(surroundings, receiver.webhook(With=["patient", "accession"]))
    first, second = (json.loads(body)["data"]["dicom"] for _, body in receiver.taken)
    assert first == {
        "studyInstanceUID": "1.2.840.7",
        "reportSOPInstanceUID": "1.2.840.8",
        "imageSOPInstanceUID": "1.2.840.9",
    }
    assert second == {"patientID": "Doe^Jane", "accessionNumber": ""}


def test_a_redirect_is_not_followed(receive: Callable[..., Receiver]) -> None:
    receiver = receive(lambda _: 307)
    fate, _ = tell(Surroundings(), receiver.webhook())
    assert fate == Fate(End.AWAY, "HTTP 307: redirects are not followed")
    assert receiver.asked == 1


def test_who_hangs_is_hung_up_on(receive: Callable[..., Receiver]) -> None:
    receiver = receive(lambda _: HANG)
    fate, _ = tell(Surroundings(), receiver.webhook(Timeout=1))
    assert fate.end is End.BROKEN


def test_nobody_there(receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    hook = receiver.webhook()
    receiver.stop()
    fate, webhooks = tell(Surroundings(), hook)
    assert fate.end is End.AWAY
    assert fate.detail == "no connection: Connection refused"
    assert not webhooks.may_be_under_way("", Delivery(LIST))
    assert not webhooks.has("", LIST)


def test_certificates_are_checked(tmp_path: Path, receive: Callable[..., Receiver]) -> None:
    own = tmp_path / "own.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(own), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run([*command, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    with own.open("a") as file:
        file.write((tmp_path / "cert.pem").read_text())
    receiver = receive(certificate=own)
    fate, _ = tell(Surroundings(), receiver.webhook(With=["patient"]))
    assert fate == Fate(End.AWAY, "no connection: certificate: self-signed certificate")
    assert receiver.asked == 0
    fate, _ = tell(Surroundings(HttpsCACertificates=str(tmp_path / "cert.pem")), receiver.webhook())
    assert fate.end is End.SENT
    with pytest.raises(SettingsError, match="HttpsCACertificates: found '/nowhere'"):
        tell(Surroundings(HttpsCACertificates="/nowhere"), receiver.webhook())
