"""Where a report is sent on to, decided when it is marked: from then on it stands in the mark, whatever the settings say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..analyses import Answer
from ..outcomes import XRAY_METADATA, Outcome, read_outcome
from ..server import Resource, Server
from ..settings import Archive, Limits, SendTo, Sources
from ..triage.rules import scored
from .delivery import Delivery, Destination, Kind, Mark

EVENTS = {"instance": "xray.reported", "study": "cardiac_ct.reported"}
"""What webhooks are told of, by the level of what was analysed."""

_PRESENCE = {True: "present", False: "absent", None: "undetermined"}
"""As the /ai routes say it; nobody is told of a demonstration, which decides nothing."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What decides where a report goes.

    Attributes
    ----------
    senders
        Orthanc's metadata of the image, or of the images of the study.
    labels
        What the study bears, or is about to bear.
    """

    findings: frozenset[str]
    senders: tuple[Mapping[str, str], ...]
    study: str
    labels: frozenset[str]

    def admitted_by(self, limits: Limits) -> bool:
        return (
            (not limits.findings or not self.findings.isdisjoint(limits.findings))
            and (not limits.labels or not self.labels.isdisjoint(limits.labels))
            and (limits.sources == Sources() or any(map(limits.sources.admit, self.senders)))
        )


class Choice:
    """Decides where reports, and what they refer to, are sent on to.

    Parameters
    ----------
    labels_of
        The labels that a resource with this outcome gives its study.
    """

    def __init__(
        self, server: Server, send_to: SendTo, labels_of: Callable[[Resource, Outcome], frozenset[str]]
    ) -> None:
        self._server = server
        self._labels_of = labels_of
        self._archives: list[tuple[Kind, Archive]] = [("modality", one) for one in send_to.modalities]
        self._archives += [("dicom-web", one) for one in send_to.dicom_web_servers]
        self._webhooks = send_to.webhooks
        limits: list[Limits] = [*send_to.modalities, *send_to.dicom_web_servers, *send_to.webhooks]
        self._asks_for_study = bool(send_to.webhooks) or any(one.labels for one in limits)
        self._asks_for_senders = any(one.sources != Sources() for one in limits)

    def mark(self, found: Resource, answer: Answer, *, overlay: bool) -> Mark:
        """The mark of an object that has just been stored; see `keeper.Marker`."""
        result = answer.outcome.result
        if result is None or result.demonstration:
            return Mark()
        case = self._case(found, answer)
        # An archive that is named twice gets what either entry gives it.
        wanted: dict[Destination, tuple[str, ...]] = {}
        for kind, one in self._archives:
            if case.admitted_by(one) and (not overlay or "overlays" in one.with_):
                also = (found.identifier,) if "images" in one.with_ and not overlay else ()
                destination = Destination(kind, one.name)
                wanted[destination] = wanted.get(destination, ()) or also
        event = EVENTS[found.level]
        told = [one for one in self._webhooks if not overlay and event in one.events and case.admitted_by(one)]
        deliveries = [Delivery(destination, also=also) for destination, also in wanted.items()]
        deliveries += [Delivery(Destination("webhook", one.name)) for one in told]
        return Mark(tuple(deliveries), _event(event, found, answer.outcome, case) if told else {})

    def mark_correction(self, found: Resource, answer: Answer) -> Mark:
        """The mark of a reader's statement: it goes to the archives to which the findings report goes, by itself."""
        result = answer.outcome.result
        if result is None or result.demonstration:
            return Mark()
        of_image = read_outcome(found.metadata, XRAY_METADATA) or answer.outcome
        case = self._case(found, replace(answer, outcome=of_image))
        wanted = [Destination(kind, one.name) for kind, one in self._archives if case.admitted_by(one)]
        return Mark(tuple(map(Delivery, dict.fromkeys(wanted))))

    def _case(self, found: Resource, answer: Answer) -> _Case:
        labels = frozenset(label for label, present in answer.labels.items() if present)
        labels |= self._labels_of(found, answer.outcome)
        study = found if found.level == "study" else None
        if self._asks_for_study and study is None:
            study = self._server.study_of("instance", found.identifier)
        if study:
            labels |= frozenset(study.labels) - {label for label, present in answer.labels.items() if not present}
        return _Case(scored(answer.outcome), self._senders(found), study.identifier if study else "", labels)

    def _senders(self, found: Resource) -> tuple[Mapping[str, str], ...]:
        if found.level == "instance" or not self._asks_for_senders:
            return (found.metadata,)
        images = self._server.children("study", found.identifier, "instance", content=("Metadata",))
        return tuple(one.metadata for one in images)


def _event(name: str, found: Resource, outcome: Outcome, case: _Case) -> dict[str, Any]:
    findings = outcome.data.get("findings")
    shown = ("label", "score", "threshold")
    return {
        "type": name,
        "timestamp": outcome.at,
        "level": found.level,
        "source": found.identifier,
        "study": case.study,
        "model": outcome.model,
        "notes": [str(note) for note in outcome.notes],
        "labels": sorted(case.labels),
        **(
            {
                "findings": [
                    {key: one[key] for key in shown} | {"presence": _PRESENCE[one["presence"]]} for one in findings
                ]
            }
            if findings
            else {}
        ),
    }
