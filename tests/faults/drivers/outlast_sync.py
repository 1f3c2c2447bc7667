"""Works through the Python client, on threads."""

import logging

import outlast
from outlast import _log
from working import drive


class Lines(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(f"{record.levelname} {record.outlast_code}: {record.getMessage()}")


class Client:
    errors = (outlast.OutlastError,)

    def __init__(self, url):
        self._lines = Lines()
        logging.getLogger("outlast").addHandler(self._lines)
        logging.getLogger("outlast").setLevel(logging.DEBUG)
        self._client = outlast.from_url(url)
        self._client.connect()
        self.execute_command = self._client.execute_command

    def status(self):
        return self._client.get_status()

    def log(self):
        logging.getLogger("outlast").removeHandler(self._lines)
        return self._lines.lines

    def close(self):
        self._client.close()
        with _log._state.logging:
            _log._log_all()


drive(Client)
