"""A radiograph that was read, and what came of it."""

from collections.abc import Mapping

from orthanc_ai.analyses import Answer
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome, Result
from orthanc_ai.server import Resource

IMAGE = "0a9b3153-2512774b-2d9580de-1fc3dcf6-3bd83918"
THRESHOLD = 0.5


def radiograph(metadata: Mapping[str, str] | None = None, view: str = "PA", identifier: str = IMAGE) -> Resource:
    return Resource("instance", identifier, {"ViewPosition": view}, metadata or {})


def outcome(
    scores: Mapping[str, float] | None = None, *, demonstration: bool = False, model: str = "densenet121-res224-all"
) -> Outcome:
    """An outcome with these scores by finding, each with the same threshold."""
    findings = [
        {
            "label": label,
            "score": score,
            "threshold": THRESHOLD,
            "presence": None if demonstration else score >= THRESHOLD,
        }
        for label, score in (scores or {}).items()
    ]
    return Outcome(
        Code.REPORTED,
        "recipe",
        result=Result("1.2.840.10008.5.1.4.1.1.88.33", "1.2.3", "1.2", "1", demonstration),
        model=model,
        data={"demonstration": demonstration, "findings": findings},
        at="2026-07-01T00:00:00+00:00",
    )


def answer(scores: Mapping[str, float] | None = None, *, demonstration: bool = False) -> Answer:
    return Answer(outcome(scores, demonstration=demonstration))
