"""Works through the Python client, on threads."""

import outlast
from lines import Lines
from working import drive


class Client:
    errors = (outlast.OutlastError,)

    def __init__(self, url):
        self._lines = Lines()
        self._client = outlast.from_url(url)
        self._client.connect()
        self.execute_command = self._client.execute_command

    def status(self):
        return self._client.get_status()

    def log(self):
        return self._lines.take()

    def close(self):
        self._client.close()


drive(Client)
