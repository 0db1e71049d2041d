"""The soak: a server under steady load that is killed again and again. `python3 -m tests.soak --help`."""
