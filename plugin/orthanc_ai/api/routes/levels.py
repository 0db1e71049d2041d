"""What is known of one resource, and to analyse it again: the same routes for each level."""

from pydantic import BaseModel

from ...codes import Code
from ...server import Level
from .. import analyze, findings, overlays
from ..context import Context
from ..reading import ImageFindings
from ..route import Call, Route


def of_level(level: Level, collection: str, parameter: str) -> list[Route]:
    """Routes of the resources of one level, e.g. ``/ai/studies/{id}/findings``."""
    resource = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER)

    def found(context: Context, call: Call) -> BaseModel:
        return findings.of_resource(context, level, call.path[parameter])

    def asked(context: Context, call: Call) -> BaseModel:
        return analyze.analyze(context, level, call.path[parameter])

    def overlays_asked(context: Context, call: Call) -> BaseModel:
        return overlays.ask(context, level, call.path[parameter])

    of_one = level == "instance"
    return [
        Route(
            "GET",
            f"/ai/{collection}/{{{parameter}}}/findings",
            f"Findings of one {level}",
            (lambda context, call: findings.of_instance(context, call.path[parameter])) if of_one else found,
            ImageFindings if of_one else findings.ResourceFindings,
            problems=(*resource, Code.NOT_AN_XRAY) if of_one else resource,
        ),
        Route(
            "POST",
            f"/ai/{collection}/{{{parameter}}}/analyze",
            f"Analyse one {level} again",
            asked,
            analyze.Queued,
            status=202,
            body=analyze.AnalyzeRequest,
            problems=(*resource, Code.NOTHING_TO_ANALYZE, Code.BODY_TOO_LARGE),
        ),
        Route(
            "POST",
            f"/ai/{collection}/{{{parameter}}}/overlays",
            f"Write heat maps, outlines and lines of one {level} as DICOM",
            overlays_asked,
            analyze.Queued,
            status=202,
            body=analyze.AnalyzeRequest,
            problems=(*resource, Code.NOTHING_TO_ANALYZE, Code.BODY_TOO_LARGE),
        ),
    ]
