"""Computed identifiers: the same inputs give the same UIDs, so that work done twice gives one object.

A UID is ``2.25.`` and a UUID written as a decimal number (PS3.5 section B.2, ITU-T X.667). The UUID is name-based
(version 5, RFC 9562) over everything the object is made from, so nothing has to remember which image already has a
report. Dates are left out on purpose: reading an image again tomorrow is the same reading.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

type JSON = str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None

# The project's name space for name-based UUIDs. Never to be changed: every computed UID hangs on it.
_NAMESPACE = uuid.UUID("f3c44ffb-8c43-48e2-bab3-c0a560e52fa3")


@dataclass(frozen=True, slots=True)
class ReportIdentity:
    """The identifiers of a report, which is alone in its series."""

    sop_instance_uid: str
    series_instance_uid: str


def derive_uid(*parts: str) -> str:
    """Compute a UID from texts.

    The texts are joined as a JSON list, so that ``("ab", "c")`` and ``("a", "bc")`` give different UIDs.

    >>> derive_uid("ab", "c") == derive_uid("a", "bc")
    False
    """
    name = json.dumps(parts, separators=(",", ":"), ensure_ascii=True)
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def report_identity(source: str, pixels: str, analysis: str, recipe: str, kind: str) -> ReportIdentity:
    """Identifiers of the report on a source.

    Parameters
    ----------
    source
        SOP Instance UID of the image, or Study Instance UID for a report on a study.
    pixels
        Digest of the image's pixel data element. Two images that share their UIDs, as badly made sample sets do, get
        two reports. Empty for a report that looks at no pixels.
    analysis
        Name of the analysis.
    recipe
        `recipe_digest` of what else determines the result.
    kind
        Which of the objects that the analysis makes, e.g. ``"findings"``.
    """
    parts = (source, pixels, analysis, recipe, kind)
    return ReportIdentity(derive_uid("instance", *parts), derive_uid("series", *parts))


def tracking_uid(source: str, label: str) -> str:
    """Tracking Unique Identifier (PS3.16 TID 4108) of a finding on an image.

    It does not depend on the model, so that readings of one image by two versions can be compared.

    Parameters
    ----------
    source
        SOP Instance UID of the image, or Series Instance UID of a series.
    label
        The finding's label.
    """
    return derive_uid("tracking", source, label)


def device_uid(name: str, digest: str, version: str) -> str:
    """UID of an analysing device: another model, other weights or another plugin version is another device.

    Parameters
    ----------
    name
        Name of the model or of the set of rules.
    digest
        Digest of the weights or of the rules.
    version
        Version of this plugin.
    """
    return derive_uid("device", name, digest, version)


def recipe_digest(parts: Mapping[str, JSON]) -> str:
    """SHA-256 (hex) of everything that determines a result for given pixels.

    Parameters
    ----------
    parts
        Weights digest, card digest, precision, report schema, every setting that changes the result. JSON types; the
        order of keys does not matter.

    Raises
    ------
    ValueError
        For NaN and infinities, which JSON does not have.
    TypeError
        For values that are not JSON types.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
