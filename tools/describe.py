"""Writes docs/configuration.md and docs/codes.md from the code, so that they cannot drift from it.

Usage: ``python3 -m tools.describe`` writes both; ``make docs`` does so in the box.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "plugin"))

from pydantic.fields import FieldInfo

from orthanc_ai.codes import Code
from orthanc_ai.settings import AI, Section

_CONFIGURATION = """\
# Configuration

`orthanc.json` carries the whole configuration of the server: Orthanc's own options, and the section `AI`, described
here. Every field has a default, so the section may be empty. A wrong value or an unknown field stops the start with a
line that names the field, what was found, and what is allowed.

Some of Orthanc's own options are conditions: `Python.AllowThreads` must be `true` (without it a worker that stores a report
and Orthanc's callback for the next stored instance wait for each other for ever), and `UserMetadata` must declare
the names that the product's own `orthanc.json` declares. With `RemoteAccessAllowed`, users are a condition too: `AuthenticationEnabled` and
`RegisteredUsers`. `LimitFindResults` and `LimitFindInstances` must be 0: Orthanc would cut answers to the plugin's own questions
short as well. `ExtraMainDicomTags` acts only on what is stored after it is set: keep the list that
comes with the product from the first day.

This page is generated from `plugin/orthanc_ai/settings.py` by `make docs`.

| field | default | meaning |
|---|---|---|
"""

_CODES = """\
# Codes

One vocabulary for instance metadata, SR text, `/ai` answers, logs and metrics. A code is never renamed.

This page is generated from `plugin/orthanc_ai/codes.py` by `make docs`.

| code | meaning |
|---|---|
"""


def configuration_page() -> str:
    """Every field of the ``AI`` section with its default and its meaning, as Markdown."""
    rows = [f"| `{name}` | `{default}` | {meaning} |" for name, default, meaning in _fields(AI, "")]
    return _CONFIGURATION + "\n".join(rows) + "\n"


def codes_page() -> str:
    """Every code with its sentence, as Markdown."""
    return _CODES + "\n".join(f"| `{code}` | {code.sentence} |" for code in Code) + "\n"


def _fields(section: type[Section], prefix: str) -> Iterator[tuple[str, str, str]]:
    in_lists: set[type[Section]] = set()
    for name, info in section.model_fields.items():
        path = prefix + (info.alias or name)
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _fields(kind, path + ".")
            continue
        yield path, _default(info), re.sub(r"\s+", " ", info.description or "").strip().replace("|", r"\|")
        # Objects in a list: their fields stand below it, once.
        for item in get_args(kind):
            of_list = get_args(item)[0] if get_args(item) else item
            if isinstance(of_list, type) and issubclass(of_list, Section) and of_list not in in_lists:
                in_lists.add(of_list)
                yield from _fields(of_list, path + "[].")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "(required)"
    value = info.get_default(call_default_factory=False)
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


PAGES = {"configuration.md": configuration_page, "codes.md": codes_page}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page())
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
