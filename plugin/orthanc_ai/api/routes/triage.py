"""Labels for triage."""

from ...codes import Code
from .. import triage
from ..route import Route
from ..views import Nothing


def of_triage() -> list[Route]:
    """Their routes."""
    return [
        Route(
            "GET",
            triage.PATH,
            "Which labels studies get, and how many bear them",
            lambda context, _: triage.show(context),
            triage.TriageView,
        ),
        Route(
            "POST",
            f"{triage.PATH}/apply",
            "Look through all studies and give and take labels by today's rules",
            lambda context, _: triage.apply(context),
            triage.TriageView,
            status=202,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
    ]
