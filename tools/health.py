"""Tells a container engine whether the server is well: exit status 0 if ``/ai/status`` answers, else 1.

Usage: ``python3 -m tools.health CONFIGURATION``, the file or folder that Orthanc was started with.
"""

import sys
from pathlib import Path

from tools.client import Client, ServerError
from tools.configure import read_configuration

if __name__ == "__main__":
    try:
        Client.for_configuration(read_configuration(Path(sys.argv[1]))).get("/ai/status")
    except ServerError as error:
        sys.exit(str(error))
