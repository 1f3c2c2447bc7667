"""The log lines of outlast, for a driver to tell."""

import logging

from outlast import _log


class Lines(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self._lines = []
        logging.getLogger("outlast").addHandler(self)
        logging.getLogger("outlast").setLevel(logging.DEBUG)

    def emit(self, record):
        self._lines.append(f"{record.levelname} {record.outlast_code}: {record.getMessage()}")

    def take(self):
        """All of them; no more are kept."""
        with _log._state.logging:
            _log._log_all()
        logging.getLogger("outlast").removeHandler(self)
        return self._lines
