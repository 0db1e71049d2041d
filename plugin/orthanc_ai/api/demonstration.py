"""``DELETE /ai/demonstration``: forget everything that a demonstration model has written."""

import dataclasses
from collections import defaultdict
from functools import partial

from ..codes import Code
from ..corrections.journal import DEMONSTRATION_PATTERN
from ..outcomes import CORRECTIONS_METADATA, XRAY_METADATA, Outcome
from ..server import Resource, Server
from .context import Context
from .reading import is_demonstration, outcome_of, tag
from .views import View

# As `report.provenance` writes them; a test compares. Asked for by maker and description, both of which the index has, so
# that a report is also found when its image's outcome names a newer one, and so is what a report refers to.
REPORT_QUERY = {"Manufacturer": "Orthanc AI", "SeriesDescription": "AI * DEMONSTRATION not for diagnosis"}

_DEMONSTRATION_CORRECTION = {CORRECTIONS_METADATA: DEMONSTRATION_PATTERN}
_DEMONSTRATION_OUTCOME = {XRAY_METADATA: '{"code":"REPORTED"*"demonstration":true*'}

_NOTHING = Outcome(Code.NOT_ANALYZED_YET, "")

BATCH = 200
"""Reports, and outcomes, that one request removes at most: one or two seconds' work."""


class Forgotten(View):
    """What was removed."""

    reports: int
    """Series of demonstration reports, and of what they refer to, that this request removed."""
    outcomes: int
    """Images that count as not analysed again."""
    remaining: int
    """Reports, outcomes and images with readers' statements on such reports that are left: ask again until it is 0.
    Statements that somebody has spoiled are not among them."""


def forget(context: Context) -> Forgotten:
    """Remove demonstration reports and the outcomes that go with them, at most `BATCH` of each."""
    server = context.server
    reports = server.find("series", REPORT_QUERY, limit=BATCH)
    gone: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        instances = server.children("series", report.identifier, "instance")
        gone[report.parent] |= {tag(one, "SOPInstanceUID") for one in instances}
    # Before they go, for whoever repeats this after a crash finds only what is there.
    for study, uids in gone.items():
        _forget_references(context, study, uids)
    for report in reports:
        server.delete("series", report.identifier)
    outcomes = server.find("instance", metadata=_DEMONSTRATION_OUTCOME, limit=BATCH)
    for image in outcomes:
        # Its labels go before it, so that a crash in between leaves it to be found by the next request.
        context.triage.settle(image, _NOTHING, partial(_remove_outcome, server, image))
    unreadable = 0
    for image in server.find("instance", metadata=_DEMONSTRATION_CORRECTION, limit=BATCH):
        # Asked for by itself, such an image says so; whoever asks again until nothing is left must not ask for ever.
        unreadable += not context.corrections.forget_demonstration(image.identifier)
    remaining = server.count("series", REPORT_QUERY) + sum(
        server.count("instance", metadata=pattern) for pattern in (_DEMONSTRATION_OUTCOME, _DEMONSTRATION_CORRECTION)
    )
    return Forgotten(reports=len(reports), outcomes=len(outcomes), remaining=max(0, remaining - unreadable))


def _remove_outcome(server: Server, image: Resource) -> bool:
    server.remove_metadata("instance", image.identifier, XRAY_METADATA)
    return True


def _forget_references(context: Context, study: str, uids: set[str]) -> None:
    """Let other outcomes, e.g. of images held for another model since, name neither a report that is gone nor its findings."""
    server = context.server
    for image in _with_outcome(server, study):
        outcome = outcome_of(image, XRAY_METADATA)
        if outcome is None or outcome.result is None or outcome.result.sop_instance_uid not in uids:
            continue
        if is_demonstration(outcome) and outcome.code is Code.REPORTED:
            continue  # goes as a whole
        kept = dataclasses.replace(outcome, result=None, data={} if is_demonstration(outcome) else outcome.data)
        write = partial(server.set_metadata, "instance", image.identifier, XRAY_METADATA, kept.to_text())
        context.triage.settle(image, kept, write)


def _with_outcome(server: Server, study: str) -> tuple[Resource, ...]:
    return server.find("instance", metadata={XRAY_METADATA: "*"}, parent=("study", study))
