"""What Orthanc loads: wires the rooms together and registers the callbacks, which only hand over."""

import sys
from pathlib import Path

import orthanc

# The venv beside the server holds the libraries; it is made for the same Python as the one embedded here. It comes
# before Debian's own packages, as it does in the venv's interpreter.
_LIBRARIES = Path("/opt/venv/lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
sys.path[:0] = [str(Path(__file__).resolve().parent), str(_LIBRARIES)]

from orthanc_ai.plugin import Plugin

Plugin(orthanc).register()
