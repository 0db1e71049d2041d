"""What became of a resource, as written into its Orthanc metadata.

One metadata entry for each analysis holds the whole outcome, so that it is written and read in one step: a crash
leaves either the old one or the new one. The code stands first in the text, so that `/tools/find` can look for it with
a wildcard (see `search_pattern`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .codes import Code

XRAY_METADATA = "ai-xray-findings"
"""Metadata of an X-ray instance that holds the outcome of reading it."""

CARDIAC_METADATA = "ai-cardiac-ct"
"""Metadata of a CT study and of each of its series that holds the outcome of judging it."""


REQUEST_METADATA = "ai-requested"
"""Metadata of a resource of any level that somebody has asked to be analysed, until that is done."""

REPORT_METADATA = "ai-report"
"""Metadata of a stored report: the mark that this server made it, and how far it has been sent on."""


OVERLAYS_METADATA = "ai-overlays"
"""Metadata of an X-ray instance whose heat maps, outlines and lines somebody has asked for as DICOM objects."""

TRIAGE_METADATA = "ai-triage"
"""Metadata of a study that says which labels the rules of `AI.Triage` have given it, and for which images."""

CORRECTIONS_METADATA = "ai-corrections"
"""Metadata of an X-ray instance that says what readers have stated about its findings."""


WEIGHTS_DIGITS = 16
"""Digits of the weights' digest that an outcome keeps: enough to tell one model from another."""


class OutcomeError(ValueError):
    """A metadata text is not an outcome."""


@dataclass(frozen=True, slots=True)
class Result:
    """Where a stored report is: its DICOM identifiers."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    demonstration: bool = False
    """Made by a demonstration model."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one analysis of one resource.

    Attributes
    ----------
    code
        What became of it. ``Code.REPORTED`` if there is a report.
    recipe
        Digest of everything that determines the result for given pixels; an outcome with another recipe is outdated.
    detail
        What a reader needs beyond the code's own sentence; empty if nothing.
    notes
        Remarks that do not change the code, e.g. ``BODY_PART_NOT_STATED``.
    result
        The report, if one was stored.
    model
        Name of the model that was used or is waited for; empty if none is needed.
    data
        Values of the result for listings: findings of a radiograph, verdict of a series. JSON types only.
    attempts
        How often the analysis was tried.
    spared
        How many of these attempts do not count towards `AI.MaxAttempts`.
    at
        Time of the outcome, ISO 8601 in UTC.
    due
        When it is tried again, ISO 8601 in UTC; empty unless the code is ``Code.RETRYING``.
    """

    code: Code
    recipe: str
    detail: str = ""
    notes: tuple[Code, ...] = ()
    result: Result | None = None
    model: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 1
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    due: str = ""
    spared: int = 0

    def to_text(self) -> str:
        """The outcome as metadata text: JSON, the code first, empty parts left out."""
        parts: dict[str, Any] = {"code": str(self.code), "recipe": self.recipe, "at": self.at}
        if self.detail:
            parts["detail"] = self.detail
        if self.notes:
            parts["notes"] = [str(note) for note in self.notes]
        if self.model:
            parts["model"] = self.model
        if self.attempts != 1:
            parts["attempts"] = self.attempts
        if self.spared:
            parts["spared"] = self.spared
        if self.due:
            parts["due"] = self.due
        if self.result:
            parts["result"] = {
                "sopClassUID": self.result.sop_class_uid,
                "sopInstanceUID": self.result.sop_instance_uid,
                "seriesInstanceUID": self.result.series_instance_uid,
                "studyInstanceUID": self.result.study_instance_uid,
            }
            if self.result.demonstration:
                parts["result"]["demonstration"] = True
        if self.data:
            parts["data"] = dict(self.data)
        # In ASCII: half a surrogate pair, which metadata that somebody has edited may hold, can be written in no other way.
        return json.dumps(parts, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Outcome":
        """Read an outcome back.

        Raises
        ------
        OutcomeError
            If the text is not one; metadata can be edited by anybody who may write to Orthanc.
        """
        try:
            parts = json.loads(text, parse_constant=_no_number)
            if "\\u" in text:
                # Half of a surrogate pair can be named in JSON, but in no answer and no report.
                json.dumps(parts, ensure_ascii=False).encode()
            result = parts.get("result")
            return cls(
                code=Code(parts["code"]),
                recipe=_text(parts["recipe"]),
                detail=_text(parts.get("detail", "")),
                notes=tuple(Code(note) for note in parts.get("notes", ())),
                result=Result(
                    sop_class_uid=_text(result["sopClassUID"]),
                    sop_instance_uid=_text(result["sopInstanceUID"]),
                    series_instance_uid=_text(result["seriesInstanceUID"]),
                    study_instance_uid=_text(result["studyInstanceUID"]),
                    demonstration=result.get("demonstration") is True,
                )
                if result
                else None,
                model=_text(parts.get("model", "")),
                data=dict(parts.get("data", {})),
                attempts=int(parts.get("attempts", 1)),
                at=_text(parts["at"]),
                due=_text(parts.get("due", "")),
                spared=int(parts.get("spared", 0)),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise OutcomeError(f"not an outcome: {error}") from None


def search_pattern(code: Code) -> str:
    """Wildcard for the `MetadataQuery` of `/tools/find` that matches outcomes with this code."""
    return f'{{"code":"{code}"*'


def read_outcome(metadata: Mapping[str, str], name: str) -> Outcome | None:
    """The outcome among a resource's metadata; ``None`` if there is none, or one that somebody has spoiled."""
    text = metadata.get(name)
    try:
        return Outcome.from_text(text) if text else None
    except OutcomeError:
        return None


def overlays_of(outcome: Outcome) -> tuple[Result, ...]:
    """The objects beside the report, as `Outcome.data` names them; those that somebody has spoiled are left out."""
    listed = outcome.data.get("overlays")
    found = []
    for one in listed if isinstance(listed, list) else ():
        try:
            uids = (_text(one["sopClassUID"]), _text(one["sopInstanceUID"]), _text(one["seriesInstanceUID"]))
        except (TypeError, KeyError):
            continue
        study = outcome.result.study_instance_uid if outcome.result else ""
        found.append(Result(*uids, study_instance_uid=study))
    return tuple(found)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r}")
    return value
