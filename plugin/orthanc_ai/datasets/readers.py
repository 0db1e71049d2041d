"""What readers have stated about an image, as labels: who disagrees is said, and a rule decides what counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ..corrections.correction import Correction
from ..deidentify.options import Options
from ..deidentify.pseudonyms import Pseudonyms

RuleName = Literal["latest", "majority", "unanimous", "reader"]
"""``latest``: the latest statement on a finding; ``majority``: what more than half of its readers say; ``unanimous``: what all
of them say; ``reader``: what one of them says. Of each reader, the latest statement on a finding is the one that counts."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How statements become labels.

    Attributes
    ----------
    name
        Which of several readers counts.
    reader
        Of ``reader``: the name.
    only
        Whether images without such a label are left out.
    """

    name: RuleName
    reader: str = ""
    only: bool = False

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Rule":
        """Read the request of a batch, which was checked when it was taken in."""
        return cls(request["rule"], request["reader"], request["only"])


@dataclass(frozen=True, slots=True)
class Label:
    """What readers say of one finding of one image.

    Attributes
    ----------
    present
        By the rule; ``None`` if it does not decide.
    readers
        Names of those who have said something, in the order of their statements.
    at
        When the latest of these statements was made, ISO 8601 in UTC.
    disagree
        Whether they say different things.
    """

    present: bool | None
    readers: tuple[str, ...]
    at: str
    disagree: bool

    def to_json(self) -> dict[str, Any]:
        """The label in JSON types. It names readers."""
        return {"present": self.present, "readers": list(self.readers), "at": self.at, "disagree": self.disagree}


def labels_by_readers(corrections: Sequence[Correction], rule: Rule) -> dict[str, Label]:
    """Labels of an image by finding.

    Parameters
    ----------
    corrections
        Statements on the image, oldest first.
    """
    latest: dict[str, dict[tuple[str, bool], tuple[bool, str]]] = {}
    for one in corrections:
        # A name without a login may be anybody's: the same name with one is another reader.
        reader = (one.reader, one.login)
        if rule.name == "reader" and one.reader != rule.reader:
            continue
        for stated in one.findings:
            said = latest.setdefault(stated.finding, {})
            said.pop(reader, None)  # so that the order is that of the statements that count
            said[reader] = (stated.present, one.at)
    return {finding: _label(said, rule.name) for finding, said in sorted(latest.items())}


def _label(said: Mapping[tuple[str, bool], tuple[bool, str]], rule: RuleName) -> Label:
    statements = list(said.values())
    votes = [present for present, _ in statements]
    present: bool | None
    match rule:
        case "latest" | "reader":
            present = votes[-1]
        case "majority":
            present = None if 2 * sum(votes) == len(votes) else 2 * sum(votes) > len(votes)
        case "unanimous":
            present = votes[0] if len(set(votes)) == 1 else None
    names = tuple(name for name, _ in said)
    return Label(present, names, statements[-1][1], len(set(votes)) > 1)


def entry(
    labels: Mapping[str, Mapping[str, Any]], patient: str, options: Options, pseudonyms: Pseudonyms
) -> dict[str, Any]:
    """What the manifest says of the labels of an image: readers by pseudonym, dates only where they stay.

    Parameters
    ----------
    labels
        As `Label.to_json` has written them.
    patient
        Pseudonym of the patient, by which dates are shifted.
    """
    return {
        finding: {
            "present": label["present"],
            "disagree": label["disagree"],
            "readers": [_name(reader, options, pseudonyms) for reader in label["readers"]],
            **_moment(label["at"], patient, options, pseudonyms),
        }
        for finding, label in labels.items()
    }


def said_rule(request: Mapping[str, Any], options_enabled: bool, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """The rule as the manifest states it: a reader only by pseudonym where the dataset is de-identified."""
    named = request["reader"] and options_enabled
    return {**request, "reader": pseudonyms.name("reader", request["reader"]) if named else request["reader"]}


def summary(labels: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """How many images have labels by readers, and about which findings readers disagree on how many, in JSON types."""
    images = 0
    findings: dict[str, dict[str, int]] = {}
    for of_image in labels:
        images += bool(of_image)
        for finding, label in of_image.items():
            counts = findings.setdefault(finding, {"present": 0, "absent": 0, "undecided": 0, "disagree": 0})
            counts[{True: "present", False: "absent", None: "undecided"}[label["present"]]] += 1
            counts["disagree"] += label["disagree"]
    return {"images": images, "findings": dict(sorted(findings.items()))}


def _name(reader: str, options: Options, pseudonyms: Pseudonyms) -> str:
    return pseudonyms.name("reader", reader) if options.enabled else reader


def _moment(at: str, patient: str, options: Options, pseudonyms: Pseudonyms) -> dict[str, str]:
    if not options.enabled or "fullDates" in options.retain:
        return {"at": at}
    if "modifiedDates" in options.retain:
        shifted = datetime.fromisoformat(at) - timedelta(days=pseudonyms.shift_days(patient))
        return {"at": shifted.isoformat(timespec="microseconds")}
    return {}
