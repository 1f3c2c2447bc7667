"""Works through redis-py, to see what becomes of it beside outlast."""

from urllib.parse import parse_qs, urlsplit

import redis
from working import drive


class Client:
    errors = (Exception,)

    def __init__(self, url):
        place = urlsplit(url)
        knobs = {
            name: int(values[0]) / 1e3
            for name, values in parse_qs(place.query).items()
            if name.endswith("timeout_ms")
        }
        self._client = redis.Redis(
            host=place.hostname,
            port=place.port,
            socket_timeout=knobs["command_timeout_ms"],
            socket_connect_timeout=knobs["connect_timeout_ms"],
        )
        self.execute_command = self._client.execute_command

    def status(self):
        return None

    def log(self):
        return []

    def close(self):
        self._client.close()


drive(Client)
