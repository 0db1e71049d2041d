"""Faults of workers that no real file provokes at will."""

from pathlib import Path

FAULTY_PYTHON = Path(__file__).with_name("python3")
"""An interpreter for `AI.Python` whose decoders misbehave where a Patient ID asks for it."""
