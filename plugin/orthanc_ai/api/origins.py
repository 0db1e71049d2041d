"""Pages of other web sites: those that the settings name may read (CORS, fetch.spec.whatwg.org section 3.2).

Only answers to GET are shared, so a page can change nothing, whatever its user may do. Orthanc answers OPTIONS, by which
browsers ask before any but the simplest requests, itself and with 404; so pages send no headers of their own, and have their
browser send the login that it has for this server (`credentials: "include"`).
"""

from collections.abc import Collection
from dataclasses import replace

from .http import Request, Response

_EXPOSED = "Content-Disposition, Link, Retry-After"
"""Headers that a page may read beside the usual ones."""


def share(response: Response, request: Request, allowed: Collection[str]) -> Response:
    """An answer as a page of another site may read it, if it may.

    Parameters
    ----------
    allowed
        Origins, as browsers name them.
    """
    if not allowed or request.method != "GET":
        return response
    # What is kept for one origin must not be handed to another one.
    headers = {**response.headers, "Vary": "Origin"}
    origin = request.headers.get("origin", "")
    if origin in allowed:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
        headers["Access-Control-Expose-Headers"] = _EXPOSED
    return replace(response, headers=headers)
