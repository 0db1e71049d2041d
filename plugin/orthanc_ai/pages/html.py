"""Templates and what goes with them: escaping, the style, and the policy that keeps a page from loading anything else.

Texts of a page come from DICOM headers, which are written by others. Everything is escaped by Jinja; what would get past
that meets the Content Security Policy: no script runs but, where a page has any, those of this server; no style but ours
applies; and images come from this server only.
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


def digest(text: str | bytes) -> str:
    """SHA-256 as policies and the attribute `integrity` have it."""
    content = text.encode() if isinstance(text, str) else text
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def headers(*styles: str, scripts: bool = False, form: bool = False, asks: bool = False) -> Mapping[str, str]:
    """Headers of a page, with its Content Security Policy (Level 3).

    Parameters
    ----------
    styles
        Digests of the style sheets in it: no other applies.
    scripts
        Whether it loads scripts from this server. They may turn no text into markup or code.
    form
        Whether it has a form, which may be sent to this server only.
    asks
        Whether its scripts ask this server, and only this one, for more.
    """
    sheets = " ".join(f"'{one}'" for one in styles)
    policy = {
        "default-src": "'none'",
        "style-src": sheets,
        "img-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'" if form else "'none'",
        "frame-ancestors": "'self'",
    }
    if scripts:
        policy |= {"script-src": "'self'", "require-trusted-types-for": "'script'"}
    if asks:
        policy["connect-src"] = "'self'"
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


HEADERS = headers(digest(STYLE))
"""Of a page without scripts and forms: the one style sheet by its digest, images of this server, nothing else."""

CONTENT_SECURITY_POLICY = HEADERS["Content-Security-Policy"]

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, content: Mapping[str, Any], style: str = STYLE) -> bytes:
    """A page as UTF-8.

    Parameters
    ----------
    template
        File name in this folder.
    content
        Values by name. Texts are escaped, whatever they are.
    style
        Style sheet of ours.
    """
    text = _ENVIRONMENT.get_template(template).render(content, style=Markup(style))
    # Half a surrogate pair can be in no text that is sent.
    return text.encode("utf-8", "replace")


def inert(text: str) -> Markup:
    """JSON as text that no browser takes for markup: it may write `<` as an escape."""
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
