"""The command `python -m outlast`: see `python -m outlast --help`."""

from __future__ import annotations

import signal
import sys

from outlast._outlast import command_line


def main() -> int:
    """Runs the command and answers its exit code."""
    # Python's own handler would raise KeyboardInterrupt once the server has ended well.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
