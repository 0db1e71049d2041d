"""``DELETE /ai/demonstration``: forget everything that a demonstration model has written."""

import dataclasses
from collections import defaultdict

from ..corrections.journal import DEMONSTRATION_PATTERN
from ..outcomes import CORRECTIONS_METADATA, XRAY_METADATA
from ..server import Resource, Server
from .context import Context
from .reading import is_demonstration, outcome_of, tag
from .views import View

# As `report.provenance` writes them; a test compares. Asked for by maker and description, both of which the index has, so
# that a report is also found when its image's outcome names a newer one, and so is what a report refers to.
REPORT_QUERY = {"Manufacturer": "Orthanc AI", "SeriesDescription": "AI * DEMONSTRATION not for diagnosis"}

_DEMONSTRATION_CORRECTION = {CORRECTIONS_METADATA: DEMONSTRATION_PATTERN}
_DEMONSTRATION_OUTCOME = {XRAY_METADATA: '{"code":"REPORTED"*"demonstration":true*'}

BATCH = 200
"""Reports, and outcomes, that one request removes at most: one or two seconds' work."""


class Forgotten(View):
    """What was removed."""

    reports: int
    """Series of demonstration reports, and of what they refer to, that this request removed."""
    outcomes: int
    """Images that count as not analysed again."""
    remaining: int
    """Reports, outcomes and images with readers' statements on such reports that are left: ask again until it is 0."""


def forget(context: Context) -> Forgotten:
    """Remove demonstration reports and the outcomes that go with them, at most `BATCH` of each."""
    server = context.server
    reports = server.find("series", REPORT_QUERY, limit=BATCH)
    gone: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        instances = server.children("series", report.identifier, "instance")
        gone[report.parent] |= {tag(one, "SOPInstanceUID") for one in instances}
        server.delete("series", report.identifier)
    for study, uids in gone.items():
        _forget_references(server, study, uids)
    outcomes = server.find("instance", metadata=_DEMONSTRATION_OUTCOME, limit=BATCH)
    for image in outcomes:
        server.remove_metadata("instance", image.identifier, XRAY_METADATA)
    if outcomes and any(rule.demonstration for rule in context.triage.rules):
        context.triage.apply()
    for image in server.find("instance", metadata=_DEMONSTRATION_CORRECTION, limit=BATCH):
        context.corrections.forget_demonstration(image.identifier)
    remaining = server.count("series", REPORT_QUERY) + sum(
        server.count("instance", metadata=pattern) for pattern in (_DEMONSTRATION_OUTCOME, _DEMONSTRATION_CORRECTION)
    )
    return Forgotten(reports=len(reports), outcomes=len(outcomes), remaining=remaining)


def _forget_references(server: Server, study: str, uids: set[str]) -> None:
    """Let other outcomes, e.g. of images held for another model since, no longer name a report that is gone."""
    for image in _with_outcome(server, study):
        outcome = outcome_of(image, XRAY_METADATA)
        if outcome and outcome.result and outcome.result.sop_instance_uid in uids and not is_demonstration(outcome):
            text = dataclasses.replace(outcome, result=None).to_text()
            server.set_metadata("instance", image.identifier, XRAY_METADATA, text)


def _with_outcome(server: Server, study: str) -> tuple[Resource, ...]:
    return server.find("instance", metadata={XRAY_METADATA: "*"}, parent=("study", study))
