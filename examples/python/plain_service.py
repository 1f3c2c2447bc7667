"""The service of service.py on redis-py, to compare: the same routes, for the same requests.

    REDIS_URL=redis://localhost:6379 PORT=8000 python plain_service.py

redis-py as its documentation shows it, with a timeout of a second and with its errors handled: one
log line and a 503 for each.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys

from flask import Flask, Response, request
from redis import Redis, RedisError
from waitress import serve

SESSION_SECONDS = 1800
PREFIX = os.environ.get("KEY_PREFIX", "")

logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
log = logging.getLogger("service")

redis = Redis.from_url(
    os.environ.get("REDIS_URL", "redis://localhost:6379"),
    socket_timeout=1,
    socket_connect_timeout=1,
    decode_responses=True,
)

app = Flask(__name__)


@app.post("/visits")
def count_visit() -> dict[str, int]:
    return {"visits": redis.incr(f"{PREFIX}visits")}


@app.put("/session/<name>")
def keep_session(name: str) -> tuple[str, int]:
    redis.set(f"{PREFIX}session:{name}", json.dumps(request.get_json()), ex=SESSION_SECONDS)
    return "", 204


@app.get("/session/<name>")
def read_session(name: str) -> Response | tuple[dict[str, str], int]:
    session = redis.get(f"{PREFIX}session:{name}")
    if session is None:
        return {"error": "no such session"}, 404
    return Response(session, mimetype="application/json")


@app.get("/health")
def health() -> dict[str, bool]:
    # Always 200, as in service.py: it is alive, whatever Redis is.
    try:
        ready = redis.ping()
    except RedisError as error:
        log.warning("%s: %s", request.path, error)
        ready = False
    return {"live": True, "ready": ready}


@app.errorhandler(RedisError)
def not_done(error: RedisError) -> tuple[dict[str, str], int]:
    log.error("%s: %s", request.path, error)
    return {"error": "Redis is unavailable"}, 503


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    with redis:
        serve(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
