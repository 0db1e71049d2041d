"""Fuzzing of a reader of untrusted input: ``python3 -m tests.fuzz TARGET [libFuzzer option ...]``.

Starts from the target's seeds. An input that ends with an unforeseen error, takes too long or too much memory is written
to artifacts/fuzz/; give it as the only option to see the error again.
"""

import importlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

from . import TARGETS

TABLES = ("pydicom._dicom_dict", "pydicom._private_dict", "pydicom._uid_dict", "pydicom.sr")
"""Modules without decisions in them, slow to instrument."""

ARTIFACTS = Path("artifacts/fuzz")
DATA = Path(os.environ.get("ORTHANC_AI_TEST_DATA", "/opt/test-data"))
LIGHTLY = "--lightly"
"""Starts quickly, without an eye on what happens in pydicom."""

LIMITS = ("-timeout=20", "-rss_limit_mb=1536", "-max_len=40000", "-print_final_stats=1")


def main() -> None:
    name, *options = sys.argv[1:]
    lightly = LIGHTLY in options
    options = [option for option in options if option != LIGHTLY]
    if name not in TARGETS:
        sys.exit(f"{name}: no such target; there are {', '.join(TARGETS)}")
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(
        include=["orthanc_ai"] if lightly else ["orthanc_ai", "pydicom"], exclude=list(TABLES)
    ):
        target = importlib.import_module(f"tests.fuzz.{name}")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, seed in enumerate(target.seeds(DATA)):
        (corpus / f"seed-{number}").write_bytes(seed)
    where = [] if any(not option.startswith("-") for option in options) else [str(corpus)]
    atheris.Setup([sys.argv[0], f"-artifact_prefix={ARTIFACTS}/{name}-", *LIMITS, *options, *where], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
