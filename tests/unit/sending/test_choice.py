"""Where a report goes is decided when it is stored, by what was found, by labels and by senders."""

from typing import Any

import pytest

from orthanc_ai.analyses import Answer
from orthanc_ai.outcomes import XRAY_METADATA
from orthanc_ai.sending.choice import Choice
from orthanc_ai.sending.delivery import Mark
from orthanc_ai.settings import AI, SendTo, SettingsError, read_settings
from orthanc_ai.triage.triage import Triage

from ..stand_in import Archive
from .reading import answer, outcome

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK: dict[str, Any] = {"Name": "list", "Url": "https://list.example/", "Secret": SECRET}


def mark(archive: Archive, image: str, read: Answer, *, overlay: bool = False, **send_to: Any) -> Mark:
    rules = {"Triage": [{"Label": "urgent", "Findings": ["Mass"]}]}
    triage = Triage(archive.server, AI.model_validate(rules))
    choice = Choice(archive.server, SendTo.model_validate(send_to), triage.labels_of)
    found = archive.server.resource("instance", image)
    assert found
    return choice.mark(found, read, overlay=overlay)


def goes_to(made: Mark) -> list[str]:
    return [str(one.destination) for one in made.deliveries]


@pytest.fixture
def archive() -> Archive:
    return Archive()


def test_a_name_alone_limits_nothing(archive: Archive) -> None:
    image = archive.put("a")
    assert goes_to(mark(archive, image, answer(), Modalities=["pacs"], DicomWebServers=["web"])) == [
        "modality:pacs",
        "dicom-web:web",
    ]


def test_findings_labels_and_senders_limit_what_goes_where(archive: Archive) -> None:
    image = archive.put("a", metadata={"RemoteAET": "ER_DX"})
    send_to: dict[str, Any] = {
        "Modalities": [
            {"Name": "masses", "Findings": ["Mass", "Nodule"]},
            {"Name": "urgent", "Labels": ["urgent"]},
            {"Name": "emergency", "Sources": {"RemoteAET": ["ER_DX"]}},
            {"Name": "ward", "Sources": {"RemoteAET": ["WARD"]}},
            {"Name": "both", "Labels": ["urgent"], "Sources": {"RemoteAET": ["WARD"]}},
        ]
    }
    # The label is one that this very report gives its study.
    assert goes_to(mark(archive, image, answer({"Mass": 0.5}), **send_to)) == [
        "modality:masses",
        "modality:urgent",
        "modality:emergency",
    ]
    assert goes_to(mark(archive, image, answer({"Mass": 0.4, "Nodule": 0.6}), **send_to)) == [
        "modality:masses",
        "modality:emergency",
    ]


def test_a_label_that_the_study_bears_already_counts(archive: Archive) -> None:
    image = archive.put("a")
    study = archive.items[archive.items[image].parent].parent
    archive.items[study].labels.add("trial-7")
    send_to: dict[str, Any] = {"Modalities": [{"Name": "trial", "Labels": ["trial-7"]}]}
    assert goes_to(mark(archive, image, answer(), **send_to)) == ["modality:trial"]
    assert goes_to(mark(archive, archive.put("b", study="2"), answer(), **send_to)) == []


def test_overlays_and_images_go_where_they_are_asked_for(archive: Archive) -> None:
    image = archive.put("a")
    send_to: dict[str, Any] = {
        "Modalities": ["plain", {"Name": "all", "With": ["overlays", "images"]}, {"Name": "image", "With": ["images"]}],
        "Webhooks": [HOOK],
    }
    report = mark(archive, image, answer(), **send_to)
    assert {str(one.destination): one.also for one in report.deliveries} == {
        "modality:plain": (),
        "modality:all": (image,),
        "modality:image": (image,),
        "webhook:list": (),
    }
    overlay = mark(archive, image, answer(), overlay=True, **send_to)
    assert {str(one.destination): one.also for one in overlay.deliveries} == {"modality:all": ()}
    assert overlay.event == {}


def test_a_correction_goes_where_the_findings_report_goes(archive: Archive) -> None:
    """By what the model has found, not by what the reader says; no image goes along, and nobody is told."""
    image = archive.put("a", metadata={XRAY_METADATA: answer({"Mass": 0.9}).outcome.to_text()})
    found = archive.server.resource("instance", image)
    assert found
    send_to = {
        "Modalities": [
            {"Name": "masses", "Findings": ["Mass"], "With": ["images"]},
            {"Name": "nodules", "Findings": ["Nodule"]},
        ],
        "DicomWebServers": ["web"],
        "Webhooks": [HOOK],
    }
    choice = Choice(archive.server, SendTo.model_validate(send_to), lambda *_: frozenset())
    made = choice.mark_correction(found, Answer(answer({}).outcome))
    assert [(str(one.destination), one.also) for one in made.deliveries] == [
        ("modality:masses", ()),
        ("dicom-web:web", ()),
    ]
    assert made.event == {}
    assert choice.mark_correction(found, answer({"Mass": 0.9}, demonstration=True)) == Mark()


def test_an_archive_named_twice_gets_what_either_entry_gives(archive: Archive) -> None:
    image = archive.put("a")
    entries = [{"Name": "pacs", "Findings": ["Mass"]}, {"Name": "pacs", "Findings": ["Nodule"], "With": ["images"]}]
    made = mark(archive, image, answer({"Mass": 0.9, "Nodule": 0.9}), Modalities=entries)
    assert [(str(one.destination), one.also) for one in made.deliveries] == [("modality:pacs", (image,))]
    assert goes_to(mark(archive, image, answer({"Nodule": 0.9}), Modalities=entries)) == ["modality:pacs"]


def test_a_demonstration_goes_nowhere(archive: Archive) -> None:
    image = archive.put("a")
    read = answer({"Mass": 0.9}, demonstration=True)
    send_to: dict[str, Any] = {"Modalities": ["pacs"], "DicomWebServers": ["web"], "Webhooks": [HOOK]}
    assert mark(archive, image, read, **send_to) == Mark()


def test_webhooks_are_told_of_their_events_only(archive: Archive) -> None:
    image = archive.put("a")
    hooks = [HOOK, HOOK | {"Name": "ct", "Events": ["cardiac_ct.reported"]}]
    assert goes_to(mark(archive, image, answer(), Webhooks=hooks)) == ["webhook:list"]
    ct = archive.put("c", modality="CT", study="2", metadata={"RemoteAET": "CT1"})
    study = archive.server.resource("study", archive.items[archive.items[ct].parent].parent)
    assert study
    choice = Choice(
        archive.server,
        SendTo.model_validate({"Webhooks": [hooks[1] | {"Labels": ["cardiac-ct"], "Sources": {"RemoteAET": ["CT1"]}}]}),
        lambda *_: frozenset(),
    )
    accepted = Answer(outcome(), labels={"cardiac-ct": True})
    assert goes_to(choice.mark(study, accepted, overlay=False)) == ["webhook:ct"]
    assert goes_to(choice.mark(study, Answer(outcome(), labels={"cardiac-ct": False}), overlay=False)) == []


def test_the_event_is_decided_once_and_names_no_patient(archive: Archive) -> None:
    image = archive.put("1.2.840.9", patient="Doe^Jane", study="1.2.840.7")
    made = mark(archive, image, answer({"Mass": 0.9, "Edema": 0.1}), Webhooks=[HOOK])
    assert made.event == {
        "type": "xray.reported",
        "timestamp": "2026-07-01T00:00:00+00:00",
        "level": "instance",
        "source": image,
        "study": archive.items[archive.items[image].parent].parent,
        "model": "densenet121-res224-all",
        "notes": [],
        "labels": ["urgent"],
        "findings": [
            {"label": "Mass", "score": 0.9, "threshold": 0.5, "presence": "present"},
            {"label": "Edema", "score": 0.1, "threshold": 0.5, "presence": "absent"},
        ],
    }
    assert Mark.from_text(made.to_text()) == made
    assert XRAY_METADATA not in archive.items[image].metadata


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ({"Url": "ftp://list.example/"}, ["Url must be http:// or https://"]),
        ({"Url": "https://user:word@list.example/"}, ["without user and password"]),
        ({"Url": "https://list.example:port/"}, ["AI.SendTo.Webhooks.0"]),
        ({"Url": "http://list.example/", "With": ["patient"]}, ["With needs https://"]),
        ({"SecretFile": "/run/secret"}, ["one of Secret, SecretFile and SecretEnvironment"]),
        ({"Name": "two words"}, ["AI.SendTo.Webhooks.0.Name", "'two words'"]),
        ({"Events": ["all"]}, ["AI.SendTo.Webhooks.0.Events.0", "'all'"]),
        ({"Secret": 17}, ["AI.SendTo.Webhooks.0.Secret"]),
        ({"Secrett": SECRET}, ["AI.SendTo.Webhooks.0.Secrett", "no such field"]),
        ({"Url": SECRET}, ["Url must be"]),
        ({"Name": None}, ["AI.SendTo.Webhooks.0.Name"]),
    ],
)
def test_a_webhook_that_cannot_be_meant_is_explained_without_its_secret(hook: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({"Python": {"AllowThreads": True}, "AI": {"SendTo": {"Webhooks": [HOOK | hook]}}})
    for word in words:
        assert word in str(error.value)
    assert SECRET not in str(error.value)
    assert "word@" not in str(error.value)


@pytest.mark.parametrize("send_to", [[HOOK], {"Webhooks": HOOK}, {"Webhooks": [HOOK, HOOK]}, {"Webhooks": [SECRET]}])
def test_a_secret_in_the_wrong_place_is_not_shown_either(send_to: Any) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({"Python": {"AllowThreads": True}, "AI": {"SendTo": send_to}})
    assert SECRET not in str(error.value)
