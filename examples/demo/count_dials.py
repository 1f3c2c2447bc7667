"""Runs a Python program and counts its connection attempts to one port, a byte in a file for each.

    DIALS_FILE=dials DIALS_PORT=6379 python count_dials.py program.py

The program is as it is: Python itself tells of every `connect`, also of those that are refused.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

PORT = int(os.environ["DIALS_PORT"])
counted = Path(os.environ["DIALS_FILE"]).open("ab", buffering=0)  # noqa: SIM115 (until it ends)


def count(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and address[1] == PORT:
        counted.write(b".")


sys.addaudithook(count)
runpy.run_path(sys.argv[1], run_name="__main__")
