"""Imports run one way, and the pure rooms know neither Orthanc nor HTTP."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "plugin" / "orthanc_ai"

PURE_ROOMS = (
    "cardiac",
    "cardiothoracic",
    "corrections",
    "deidentify",
    "images",
    "models",
    "overlays",
    "pages",
    "report",
    "tables",
    "triage",
    "volumes",
    "xray",
)

SERVER_HALVES = {
    "xray/trigger.py",
    "xray/prior.py",
    "cardiac/trigger.py",
    "volumes/batch.py",
    "volumes/choice.py",
    "volumes/records.py",
    "tables/batch.py",
    "tables/listing.py",
    "triage/triage.py",
    "corrections/desk.py",
    "corrections/clerk.py",
}
"""The halves of the analyses that run in the server: they read its index, and nothing in their room imports them."""

FORBIDDEN_IN_PURE_ROOMS = (
    "orthanc",
    "requests",
    "http",
    "orthanc_ai.server",
    "orthanc_ai.errands",
    "orthanc_ai.inbox",
    "orthanc_ai.studies_to_come",
    "orthanc_ai.jobs",
    "orthanc_ai.api",
)


def imports(file: Path) -> set[str]:
    """Names of all modules that a file imports, absolute."""
    package = ["orthanc_ai", *file.relative_to(PACKAGE).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names |= {stem} | {f"{stem}.{alias.name}" for alias in node.names}
    return names


def files(*rooms: str) -> list[Path]:
    return [file for room in rooms for file in sorted((PACKAGE / room).rglob("*.py"))]


@pytest.mark.parametrize("file", files(*PURE_ROOMS), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_pure_rooms_know_no_server(file: Path) -> None:
    name = str(file.relative_to(PACKAGE))
    for imported in imports(file):
        if name not in SERVER_HALVES:
            assert not any(imported == bad or imported.startswith(bad + ".") for bad in FORBIDDEN_IN_PURE_ROOMS), (
                imported
            )
            assert not imported.endswith(
                (
                    ".trigger",
                    "xray.prior",
                    "volumes.batch",
                    "volumes.choice",
                    "volumes.records",
                    "tables.batch",
                    "tables.listing",
                    "corrections.desk",
                    "corrections.clerk",
                    "triage.triage",
                )
            ), imported


@pytest.mark.parametrize("file", files("report"), ids=lambda file: file.name)
def test_report_is_below_the_analyses(file: Path) -> None:
    assert not any(name.startswith(("orthanc_ai.xray", "orthanc_ai.cardiac")) for name in imports(file))


def test_only_main_imports_the_sdk() -> None:
    importers = [file for file in PACKAGE.rglob("*.py") if "orthanc" in imports(file)]
    assert importers == []
