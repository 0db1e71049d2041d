"""``/ai/codes``: the vocabulary of codes. A problem's type is the path of its code here."""

from ..codes import Code
from .http import Problem
from .views import CodeView, View


class CodeList(View):
    """All codes."""

    codes: list[CodeView]


def list_codes() -> CodeList:
    """All codes with their sentences."""
    return CodeList(codes=[CodeView.of(code) for code in Code])


def one_code(name: str) -> CodeView:
    """One code.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    if name not in Code:
        raise Problem(Code.NOT_FOUND, f"There is no code {name!r}.")
    return CodeView.of(Code(name))
