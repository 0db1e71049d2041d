"""Answers as tables: CSV (RFC 4180) for spreadsheets and statistics."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from ..formulas import with_apostrophe
from .http import CSV_TYPE, Response


def table(name: str, rows: Iterable[BaseModel], columns: Mapping[str, str], next_page: str | None) -> Response:
    """Rows as CSV.

    Parameters
    ----------
    name
        Of the file that a browser saves.
    columns
        Path of the value in a row, as ``concept.value``, by the column's name.
    next_page
        Path of the next page, given in the header ``Link`` (RFC 8288).
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(_cell, columns))
    for row in rows:
        content = row.model_dump(mode="json", by_alias=True)
        writer.writerow([_cell(_value(content, path)) for path in columns.values()])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    if next_page:
        headers["Link"] = f'<{next_page}>; rel="next"'
    return Response(text.getvalue().encode(), f"{CSV_TYPE}; charset=utf-8", headers=headers)


def _value(content: Any, path: str) -> Any:
    if not isinstance(content, dict):
        return None
    if path in content:
        return content[path]  # It may be a model's name of a finding, with dots of its own.
    name, dot, rest = path.partition(".")
    return _value(content.get(name), rest) if dot else None


def _cell(value: Any) -> Any:
    """A cell as spreadsheets take it: DICOM texts come from others, so none may be taken for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ";".join(str(one["code"]) if isinstance(one, dict) else str(one) for one in value)
    return with_apostrophe(value) if isinstance(value, str) else value
