"""One class for each code, all under one base."""

import pickle
import socket

import outlast
import pytest
import redis
from outlast import _outlast, exceptions

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]


def test_every_error_kind_has_a_class_of_its_own():
    classes = {code: _outlast.error_class(code) for code in outlast.error_kinds()}
    assert len(set(classes.values())) == len(classes) == 10
    assert set(classes.values()) == set(CLASSES) - {outlast.OutlastError}
    assert all(issubclass(cls, outlast.OutlastError) for cls in classes.values())
    assert {cls.code: cls for cls in classes.values()} == classes
    assert _outlast.error_class("nope") is None


def test_every_failure_kind_has_exactly_one_class():
    kinds = outlast.failure_kinds()
    assert len({kind["kind"] for kind in kinds}) == len(kinds) == 25
    for kind in kinds:
        cls = _outlast.failure_class(kind["kind"])
        own = {
            "command_error": outlast.CommandError,
            "no_script": outlast.NoScriptError,
            "permission_denied": outlast.PermissionDeniedError,
        }
        assert cls is own.get(kind["kind"], outlast.RedisUnavailable)
        assert (kind["verdict"] == "command") == issubclass(cls, outlast.CommandError)
    assert _outlast.failure_class("nope") is None


def test_classes_are_exported_and_documented():
    for cls in CLASSES:
        assert getattr(outlast, cls.__name__) is cls
        assert cls.__doc__
        assert (cls.kind, cls.next_dial_in) == (None, None)
    assert set(outlast.__all__) >= set(exceptions.__all__)
    assert all(hasattr(outlast, name) for name in outlast.__all__)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_exception_survives_pickling(cls):
    error = cls("why")
    error.kind, error.next_dial_in = "dns_error", 1.5
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.args, vars(copied)) == (cls, ("why",), vars(error))


def test_each_is_an_exception_of_redis_py():
    assert issubclass(outlast.OutlastError, redis.RedisError)
    assert issubclass(outlast.RedisUnavailable, redis.ConnectionError)
    assert issubclass(outlast.CommandError, redis.ResponseError)
    assert issubclass(outlast.InvalidArgument, redis.DataError)
    of_failures = {
        "auth_failed": redis.AuthenticationError,
        "response_timeout": redis.TimeoutError,
        "connect_timeout": redis.TimeoutError,
        "loading": redis.BusyLoadingError,
        "read_only": redis.ReadOnlyError,
        "out_of_memory": redis.OutOfMemoryError,
        "master_down": redis.exceptions.MasterDownError,
        "cluster_down": redis.exceptions.ClusterDownError,
    }
    for kind in outlast.failure_kinds():
        name = kind["kind"]
        made = ("RedisUnavailable", "redis_unavailable", "why", name, 1.5)
        error = exceptions.made(*made)
        assert isinstance(error, outlast.RedisUnavailable)
        assert isinstance(error, of_failures.get(name, redis.ConnectionError))
        assert (str(error), error.kind, error.next_dial_in) == ("why", name, 1.5)
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), vars(copied)) == (type(error), "why", vars(error))


def test_exceptions_of_python_are_classified_with_their_causes():
    assert outlast.classify(ConnectionRefusedError(111, "refused"))["kind"] == "connection_refused"
    assert outlast.classify(TimeoutError("timed out"))["verdict"] == "link"
    error = RuntimeError("cache failed")
    error.__cause__ = ConnectionResetError(104, "Connection reset by peer")
    assert outlast.classify(error)["kind"] == "connection_lost"
    error = RuntimeError("cache failed")
    error.__context__ = socket.gaierror(-2, "Name or service not known")
    assert outlast.classify(error)["kind"] == "dns_error"
    error.__suppress_context__ = True
    assert outlast.classify(error)["kind"] == "unknown_error"
    error = redis.exceptions.ConnectionError(
        "Error -2 connecting to h:1. Name or service not known."
    )
    assert outlast.classify(error)["kind"] == "dns_error"
    endless = ValueError("a")
    endless.__cause__ = endless
    assert outlast.classify(endless)["kind"] == "unknown_error"
    for wrong in (1, None, [], object()):
        with pytest.raises(outlast.InvalidArgument):
            outlast.classify(wrong)
