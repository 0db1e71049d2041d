"""Reads and changes Orthanc configurations.

Orthanc takes several files but refuses a key that stands in two of them, so a variant of ``orthanc.json`` is written as
a whole.

Usage: ``python3 tools/configure.py orthanc.json KEY=JSON ... > variant.json``, where ``KEY`` may be dotted
(``AI.Model="phantom"``) and ``KEY=`` alone takes the key out.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

type Configuration = dict[str, Any]

# A string, or one of the two kinds of comment that Orthanc's JSON reader (JsonCpp) admits.
_STRING_OR_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


class ConfigurationError(Exception):
    """A configuration that cannot be read. The message names the file and the place."""


def read_configuration(path: Path) -> Configuration:
    """Read a configuration file, or a folder of them as Orthanc does.

    Raises
    ------
    ConfigurationError
        If a file is no JSON object.
    """
    merged: Configuration = {}
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        try:
            section = json.loads(_STRING_OR_COMMENT.sub(lambda match: match[1] or " ", file.read_text("utf-8")))
        except ValueError as error:
            raise ConfigurationError(f"{file}: {error}") from None
        if not isinstance(section, dict):
            raise ConfigurationError(f"{file}: not a JSON object")
        merged |= section
    return merged


def with_changes(configuration: Configuration, changes: Configuration) -> Configuration:
    """Return the configuration with some values replaced.

    Parameters
    ----------
    configuration
        Left as it is.
    changes
        New values by dotted key; ``None`` takes the key out.
    """
    changed: Configuration = json.loads(json.dumps(configuration))
    for key, value in changes.items():
        *sections, name = key.split(".")
        place = changed
        for section in sections:
            place = place.setdefault(section, {})
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return changed


def _parse(argument: str) -> tuple[str, Any]:
    key, _, text = argument.partition("=")
    return key, json.loads(text) if text else None


if __name__ == "__main__":
    variant = with_changes(read_configuration(Path(sys.argv[1])), dict(_parse(argument) for argument in sys.argv[2:]))
    json.dump(variant, sys.stdout, indent=2, ensure_ascii=False)
    print()
