"""Templates and what goes with them: escaping, the style, and the policy that keeps a page from loading anything else.

Texts of a page come from DICOM headers, which are written by others. Everything is escaped by Jinja; what would get past
that meets the Content Security Policy: no script runs, no style but ours applies, and images come from this server only.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent

STYLE = (FOLDER / "style.css").read_text(encoding="utf-8")

_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""Content Security Policy Level 3: the one style sheet by its digest, images of this server, nothing else."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, content: Mapping[str, Any]) -> bytes:
    """A page as UTF-8.

    Parameters
    ----------
    template
        File name in this folder.
    content
        Values by name. Texts are escaped, whatever they are.
    """
    text = _ENVIRONMENT.get_template(template).render(content, style=Markup(STYLE))
    # Half a surrogate pair can be in no text that is sent.
    return text.encode("utf-8", "replace")
