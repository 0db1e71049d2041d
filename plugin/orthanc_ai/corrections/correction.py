"""One reader's statement on the findings of one report, and where it becomes DICOM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from ..analyses import XRAY
from ..codes import Code
from ..outcomes import Result
from ..report.uids import JSON, recipe_digest, report_identity

SOP_CLASS_UID = "1.2.840.10008.5.1.4.1.1.88.34"
"""Comprehensive 3D SR Storage, as all our reports are."""

SCHEMA = 1
"""Version of the SR's form: another one makes other objects of the statements to come, and leaves what is stored."""

LONGEST_READER = 64
"""Characters of a component group of a Person Name (PS3.5 table 6.2-1)."""

LONGEST_COMMENT = 2000
"""Characters: a remark, not a report."""


class State(StrEnum):
    """How far a statement is."""

    PENDING = "pending"
    """It is written down, and its SR will be stored."""
    STORED = "stored"
    """Its SR is in the archive."""
    FAILED = "failed"
    """It is written down, but there is no SR of it."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a reader says of one finding, beside what the model had said.

    Attributes
    ----------
    finding
        The model's name of it.
    present
        Whether the reader says that it is there.
    score, threshold
        Of the model, 0 to 1, as the report states them.
    """

    finding: str
    present: bool
    score: float
    threshold: float

    @property
    def above(self) -> bool:
        """Whether the score reaches the threshold."""
        return self.score >= self.threshold

    @property
    def agrees(self) -> bool:
        """Whether reader and score lie on the same side."""
        return self.present == self.above


@dataclass(frozen=True, slots=True)
class Correction:
    """One statement. What makes up its SR never changes: made twice, it is the same object.

    Attributes
    ----------
    reader
        Name of the reader.
    login
        Whether the name is the one under which the reader had logged in.
    at
        When it was stated, ISO 8601 in UTC, to a microsecond.
    model
        Whose findings these are.
    demonstration
        Whether that is a demonstration model.
    findings
        At least one, each once.
    comment
        In the reader's own words; may be empty.
    report
        The report that it is about.
    result
        Its SR, stored or not.
    previous
        The SR of the same reader's previous statement on the image.
    key
        Name that the client has given to the request; may be empty.
    state
        How far it is.
    code
        Why there is no SR.
    """

    reader: str
    login: bool
    at: str
    model: str
    demonstration: bool
    findings: tuple[Stated, ...]
    comment: str
    report: Result
    result: Result
    previous: Result | None = None
    key: str = ""
    state: State = State.PENDING
    code: Code | None = None

    @classmethod
    def make(
        cls,
        image: str,
        reader: str,
        findings: Sequence[Stated],
        comment: str,
        report: Result,
        *,
        login: bool,
        model: str,
        previous: Result | None,
        key: str,
    ) -> Self:
        """A new statement, with the identifiers that its SR will have.

        Parameters
        ----------
        image
            SOP Instance UID of the image.
        """
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        said: list[JSON] = [list(one) for one in sorted((one.finding, one.present) for one in findings)]
        content: dict[str, JSON] = {
            "schema": SCHEMA,
            "report": report.sop_instance_uid,
            "reader": reader,
            "at": at,
            "findings": said,
            "comment": comment,
        }
        identity = report_identity(image, "", XRAY, recipe_digest(content), "correction")
        result = Result(
            SOP_CLASS_UID,
            identity.sop_instance_uid,
            identity.series_instance_uid,
            report.study_instance_uid,
            report.demonstration,
        )
        stated = tuple(findings)
        return cls(
            reader, login, at, model, report.demonstration, stated, comment, report, result, previous=previous, key=key
        )

    def says_the_same(self, other: Self) -> bool:
        """Whether the same reader says the same about the same report."""
        return self._said() == other._said()

    def _said(self) -> tuple[Any, ...]:
        findings = frozenset((one.finding, one.present) for one in self.findings)
        return self.reader, self.login, self.report.sop_instance_uid, findings, self.comment

    def to_json(self) -> dict[str, Any]:
        """The statement in JSON types, empty parts left out."""
        parts: dict[str, Any] = {
            "state": str(self.state),
            "at": self.at,
            "reader": self.reader,
            "model": self.model,
            "findings": [
                {"finding": one.finding, "present": one.present, "score": one.score, "threshold": one.threshold}
                for one in self.findings
            ],
            "report": _uids(self.report),
            "result": _uids(self.result),
        }
        optional = {
            "login": self.login,
            "demonstration": self.demonstration,
            "comment": self.comment,
            "previous": _uids(self.previous) if self.previous else None,
            "key": self.key,
            "code": str(self.code) if self.code else "",
        }
        return parts | {name: value for name, value in optional.items() if value}

    @classmethod
    def of(cls, parts: Mapping[str, Any]) -> Self:
        """Read what `to_json` has written.

        Raises
        ------
        KeyError, TypeError, ValueError, AttributeError
            If it is something else.
        """
        demonstration = parts.get("demonstration") is True
        return cls(
            reader=_text(parts["reader"]),
            login=parts.get("login") is True,
            at=_moment(parts["at"]),
            model=_text(parts["model"]),
            demonstration=demonstration,
            findings=tuple(_stated(one) for one in parts["findings"]),
            comment=_text(parts.get("comment", "")),
            report=_result(parts["report"], demonstration),
            result=_result(parts["result"], demonstration),
            previous=_result(parts["previous"], demonstration) if parts.get("previous") else None,
            key=_text(parts.get("key", "")),
            state=State(parts["state"]),
            code=Code(parts["code"]) if parts.get("code") else None,
        )


def _stated(parts: Mapping[str, Any]) -> Stated:
    score, threshold = float(parts["score"]), float(parts["threshold"])
    if not (0 <= score <= 1 and 0 <= threshold <= 1 and isinstance(parts["present"], bool)):
        raise ValueError("not a statement on a finding")
    return Stated(_text(parts["finding"]), parts["present"], score, threshold)


def _uids(result: Result) -> list[str]:
    return [result.sop_class_uid, result.sop_instance_uid, result.series_instance_uid, result.study_instance_uid]


def _result(uids: Any, demonstration: bool) -> Result:
    sop_class, instance, series, study = map(_text, uids)
    return Result(sop_class, instance, series, study, demonstration)


def _moment(value: object) -> str:
    text = _text(value)
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"a time without time zone: {text!r}")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r}")
    return value
