"""A small web service on outlast, which keeps answering while Redis is down.

REDIS_URL=redis://localhost:6379 PORT=8000 python service.py

POST /visits         counts a visit
PUT  /session/<id>   keeps a session, any JSON, for half an hour
GET  /session/<id>   reads it back
GET  /health         for probes and for people

For callers on this machine: /outlast/livez, /outlast/readyz, /outlast/status, and with
DEVTOOLS_FOLDER=<folder> the devtools page at /outlast/devtools/.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys

import outlast
import outlast.health
from flask import Flask, Response, request
from waitress import serve

SESSION_SECONDS = 1800
PREFIX = os.environ.get("KEY_PREFIX", "")

logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
log = logging.getLogger("service")

try:
    redis = outlast.Redis.from_url(
        os.environ.get("REDIS_URL", "redis://localhost:6379"),
        profile="production",
        decode_responses=True,
    )
except outlast.RedisUnavailable as error:
    # Production starts only with Redis there. An outage that comes later stops nothing.
    sys.exit(f"not started: {error}")

app = Flask(__name__)
app.wsgi_app = outlast.health.wsgi(  # type: ignore[method-assign]
    redis, within=app.wsgi_app, devtools=os.environ.get("DEVTOOLS_FOLDER")
)


@app.post("/visits")
def count_visit() -> tuple[dict[str, int | None], int]:
    try:
        return {"visits": redis.incr(f"{PREFIX}visits")}, 200
    except outlast.MaybeApplied:
        # Redis went away after this INCR was sent and before it answered. Once more could count
        # twice, so the visitor is told that the visit was taken, but no number.
        return {"visits": None}, 202


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
def health() -> dict[str, object]:
    # Always 200: restarting this service would not bring Redis back, and would lose what was
    # written meanwhile. People and dashboards read the mode.
    status = redis.get_status()
    return {"live": True, "ready": status["mode"] != "closed", "redis": status}


@app.errorhandler(outlast.OutlastError)
def not_done(error: outlast.OutlastError) -> tuple[dict[str, str], int]:
    # What outlast neither does nor may pretend to have done: a lock, say, or a full memory.
    log.error("%s: %s", request.path, error)
    return {"error": error.code}, 503


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    with redis:
        serve(
            app,
            host="127.0.0.1",
            port=int(os.environ.get("PORT", "8000")),
            # What comes through a proxy is not of this machine, and outlast.health is to see that.
            clear_untrusted_proxy_headers=False,
        )
