"""Texts in CSV that no spreadsheet takes for a formula: those in DICOM files were written by others.

What begins like a formula gets an apostrophe, and so does what would then look as if it had got one; so that
`without_apostrophe` gives back what there was.
"""

import re

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection"), behind any number of apostrophes."""


def with_apostrophe(text: str) -> str:
    """A text as a cell has it."""
    return f"'{text}" if FORMULA.match(text) else text


def without_apostrophe(cell: str) -> str:
    """The text of a cell."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
