"""The key columns of a row whose file cannot be read: what Orthanc's index says, as pseudonyms if need be."""

from typing import Any

from ..codes import Code
from ..deidentify.options import Options
from ..deidentify.pseudonyms import Pseudonyms
from .columns import KEYS
from .orders import ImageOrder
from .wanted import Wanted

ISSUER = "IssuerOfPatientID"

INDEXED = (*KEYS, ISSUER)
"""What the index is asked for."""


def row_without_file(order: ImageOrder, wanted: Wanted, code: Code) -> list[Any]:
    """The row of an image of which there is nothing but its keys and a code."""
    first = (order.identifier,) if wanted.layout.identified else ()
    keys = keys_of(order)
    empty = [None] * (len(wanted.layout.tags) + len(wanted.layout.after))
    return [*first, *(keys[key] or None for key in KEYS), None, None, code, *empty]


def keys_of(order: ImageOrder) -> dict[str, str]:
    """The key columns from what the index says."""
    texts = {name: order.keys.get(name, "") for name in KEYS}
    options = order.request["deidentify"]
    if options is None:
        return texts
    if order.key is None:
        raise ValueError("no key of the pseudonyms")
    pseudonyms = Pseudonyms(order.key)
    patient = pseudonyms.patient(texts["PatientID"], order.keys.get(ISSUER, ""), texts["StudyInstanceUID"])
    if "uids" not in Options.of(options).retain:
        texts = {name: pseudonyms.uid(text) if text else "" for name, text in texts.items()}
    return texts | {"PatientID": patient}
