"""What readers state about findings."""

from ...codes import Code
from .. import agreement, corrections
from ..route import Route


def of_corrections() -> list[Route]:
    """Their routes."""
    of_image = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER, Code.NOT_AN_XRAY, Code.CORRECTIONS_UNREADABLE)
    return [
        Route(
            "GET",
            corrections.PATH,
            "What readers have stated about findings",
            lambda context, call: corrections.list_corrections(context, call.query, call.request),
            corrections.CorrectionsPage,
            query=corrections.CorrectionsQuery,
            csv=True,
        ),
        Route(
            "GET",
            agreement.PATH,
            "How often readers agree with the model",
            lambda context, call: agreement.agreement(context, call.query, call.request),
            agreement.AgreementView,
            query=agreement.AgreementQuery,
            csv=True,
        ),
        Route(
            "GET",
            "/ai/instances/{id}/corrections",
            "What readers have stated about one image",
            lambda context, call: corrections.of_instance(context, call.path["id"], call.request),
            corrections.Statements,
            problems=of_image,
        ),
        Route(
            "POST",
            "/ai/instances/{id}/corrections",
            "Agree or disagree with findings",
            lambda context, call: corrections.correct(context, call.path["id"], call.body, call.request),
            corrections.CorrectionView,
            status=201,
            body=corrections.CorrectionRequest,
            of_readers=True,
            problems=(
                *of_image,
                Code.NOTHING_TO_CORRECT,
                Code.FINDING_UNKNOWN,
                Code.NOTHING_STATED,
                Code.READER_MISSING,
                Code.READER_DIFFERS,
                Code.TOO_MANY_CORRECTIONS,
                Code.BODY_TOO_LARGE,
            ),
        ),
    ]
