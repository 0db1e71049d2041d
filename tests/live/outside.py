"""Asks a server from this machine and from another one, inside a network namespace of its own.

Run by test_start.py as ``unshare --net python3 -m tests.live.outside FOLDER``: the namespace holds nothing but its own
loopback interface, which gets a second address. A caller who uses that one comes, for the server, from elsewhere. Prints
the answers as JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

from phantom.dicom import chest_dx

from .orthanc import CALLING_AET, Orthanc

ELSEWHERE = "192.0.2.1"
"""An address of TEST-NET-1 (RFC 5737), which belongs to nobody."""


def stored(orthanc: Orthanc, host: str, calling_aet: str = CALLING_AET) -> bool:
    """Whether an image sent to this address is taken."""
    try:
        return orthanc.send([chest_dx(1, 128, 128)], calling_aet, host) == [0]
    except ConnectionError:
        return False


def main() -> None:
    """Start the server, ask, and print."""
    for command in ("link set lo up", f"address add {ELSEWHERE}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    orthanc = Orthanc(Path(sys.argv[1])).start()
    try:
        answers = {
            name: {"http": orthanc.answers("/system", host=host), "store": stored(orthanc, host)}
            for name, host in (("loopback", "127.0.0.1"), ("elsewhere", ELSEWHERE))
        }
        print(json.dumps(answers | {"stranger": stored(orthanc, "127.0.0.1", "STRANGER")}))
    finally:
        orthanc.stop()


if __name__ == "__main__":
    main()
