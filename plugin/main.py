"""What Orthanc loads: wires the rooms together and registers the callbacks, which only hand over."""

import site
import sys
from pathlib import Path

import orthanc

# The venv beside the server holds the libraries; it is made for the same Python as the one embedded here.
_VENV = Path("/opt/venv")
site.addsitedir(str(_VENV / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from orthanc_ai.plugin import Plugin  # noqa: E402 - only now can it be found

plugin = Plugin(orthanc)
plugin.register()
