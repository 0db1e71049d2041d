"""A key of pseudonyms that is kept: the same for the same request on the same server, and of no use elsewhere.

A random key would make each run of one request another dataset. So keys that are kept come from a secret of the server.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..deidentify.pseudonyms import KEY_BYTES
from ..files import write_atomically

_SECRET = ".secret"


def key_of(folder: Path, request: Mapping[str, Any]) -> bytes:
    """The key for a request.

    Parameters
    ----------
    folder
        Where the secret of the server lies; it is made when it is needed first.
    request
        In JSON types.

    Raises
    ------
    OSError
    """
    said = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hmac.digest(_secret(folder), said.encode(), hashlib.sha256)


def _secret(folder: Path) -> bytes:
    file = folder / _SECRET
    if not file.is_file():
        write_atomically(file, secrets.token_hex(KEY_BYTES).encode())
        file.chmod(0o600)
    return bytes.fromhex(file.read_text("ascii"))
