"""Removes every report that a demonstration model has written from the running server.

Usage: ``python3 -m tools.forget_demo [--http-port N]``, from ``make forget-demo``.
"""

import argparse
import sys

from tools.client import Client, ServerError


def main() -> int:
    """Ask until nothing is left; return the exit status."""
    parser = argparse.ArgumentParser(description="Removes the demonstration model's reports from the running server.")
    parser.add_argument("--http-port", type=int, default=8042)
    options = parser.parse_args()
    client = Client(f"http://127.0.0.1:{options.http_port}")
    reports = 0
    try:
        while True:
            answer = client.delete("/ai/demonstration")
            reports += answer["reports"]
            if not answer["remaining"]:
                break
            print(f"{reports} removed, {answer['remaining']} left", flush=True)
    except ServerError as error:
        print(f"{error}\nIs the server running? Start it with: make run", file=sys.stderr)
        return 1
    print(f"Demonstration reports removed: {reports}. The images stay, and are not read again before somebody asks.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
