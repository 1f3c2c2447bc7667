"""Options, where they come from, and what is said of wrong ones before anything is dialled."""

import outlast
import pytest

PORTS = "allowed is a whole number from 1 to 65535"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: outlast.from_url("http://h"),
            'invalid URL scheme "http": allowed is one of redis, rediss, unix,',
        ),
        (lambda: outlast.from_url("localhost"), 'invalid URL "localhost": '),
        (lambda: outlast.from_url(""), 'invalid URL "": '),
        (lambda: outlast.from_url("redis://h:99999"), f'invalid port "99999": {PORTS}'),
        (lambda: outlast.Redis(port=0), f'invalid port "0": {PORTS}'),
        (lambda: outlast.Redis(port=-1), f'invalid port "-1": {PORTS}'),
        (lambda: outlast.Redis(port="http"), f'invalid port "http": {PORTS}'),
        (lambda: outlast.Redis(port=True), f'invalid port "True": {PORTS}'),
        (lambda: outlast.Redis(port=None), f'invalid port "None": {PORTS}'),
        (
            lambda: outlast.Redis(db=-1),
            'invalid database "-1": allowed is a whole number from 0 to',
        ),
        (lambda: outlast.from_url("redis://app@h"), "invalid URL: a user without a password"),
        (
            lambda: outlast.Redis(profile="prodction"),
            'invalid profile "prodction": allowed is one of development, test, staging, production',
        ),
        (
            lambda: outlast.Redis(comand_timeout_ms=1),
            'unknown option "comand_timeout_ms": did you mean command_timeout_ms?',
        ),
        (lambda: outlast.Redis(nope=1), 'unknown option "nope": allowed is one of profile, '),
        (lambda: outlast.from_url("redis://h?nope=1"), 'unknown URL parameter "nope"'),
        (
            lambda: outlast.Redis(server_delay_ms=-5),
            'invalid server_delay_ms "-5": allowed is a whole number from 1 to 86400000 (ms)',
        ),
        (
            lambda: outlast.Redis(server_delay_ms=10, server_delay_ms_max=5),
            'invalid server_delay_ms_max "5": allowed is at least server_delay_ms (10)',
        ),
        (
            lambda: outlast.Redis(command_timeout_ms=0.5),
            'invalid command_timeout_ms "0.5": allowed is a whole number',
        ),
        (
            lambda: outlast.Redis(command_timeout_ms=True),
            'invalid command_timeout_ms "True": allowed is a whole number',
        ),
        (
            lambda: outlast.Redis(startup="maybe"),
            'invalid startup "maybe": allowed is one of optional, required',
        ),
        (
            lambda: outlast.Redis(rules=[("a:*", "lock", "merge")]),
            'invalid rules[0].policy "merge": allowed is only discard for the class lock',
        ),
        (
            lambda: outlast.Redis(rules={"a:*": "sesion"}),
            'invalid rules[0].class "sesion": allowed is one of cache, counter, ',
        ),
        (
            lambda: outlast.Redis(rules={"*": "cache", "a:*": ("lock", "discard")}),
            'invalid rules[1].pattern "a:*": allowed is a pattern that no earlier rule covers',
        ),
        (lambda: outlast.Redis(rules=["a"]), 'invalid rules[0] "\\"a\\"": allowed is [pattern'),
        (
            lambda: outlast.Redis(rules=5),
            'invalid rules "5": allowed is a list of [pattern, class]',
        ),
        (
            lambda: outlast.from_url("redis://h?rules=a:*=lck"),
            'invalid URL parameter rules[0].class "lck": allowed is one of ',
        ),
        (lambda: outlast.Redis(lazy_connect="so"), 'invalid lazy_connect "so": allowed is one of'),
    ],
)
def test_what_is_wrong_is_named_with_its_value_and_what_is_allowed(make, message):
    with pytest.raises(outlast.InvalidOption) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert caught.value.code == "invalid_option"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: outlast.Redis(host=b"h"), "host must be str, not bytes"),
        (lambda: outlast.Redis(host=None), "host must be str, not NoneType"),
        (lambda: outlast.Redis(password=1234), "password must be str, not int"),
        (lambda: outlast.from_url(None), "url must be str, not NoneType"),
        (lambda: outlast.from_url("redis://h", profile=1), "'profile'"),
        (lambda: outlast.Redis("h", 1, 0, None, None, "test"), "positional arguments"),
    ],
)
def test_what_is_of_the_wrong_type_is_a_type_error(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def profile_of(**options):
    with outlast.Redis(lazy_connect=True, **options) as client:
        return client.get_status()["profile"]


def test_the_profile_is_named_or_that_of_the_environment(monkeypatch):
    for variable in ("OUTLAST_PROFILE", "APP_ENV", "FLASK_ENV", "DJANGO_ENV"):
        monkeypatch.delenv(variable, raising=False)
    assert profile_of() == "development"
    monkeypatch.setenv("DJANGO_ENV", "staging")
    assert profile_of() == "staging"
    monkeypatch.setenv("FLASK_ENV", "nothing we know")
    assert profile_of() == "staging"
    monkeypatch.setenv("APP_ENV", "prod")
    assert profile_of() == "production"
    monkeypatch.setenv("OUTLAST_PROFILE", "test")
    assert profile_of() == "test"
    assert profile_of(profile="staging") == "staging"


def test_keyword_goes_before_variable_and_variable_before_url(monkeypatch):
    monkeypatch.setenv("OUTLAST_STORE_BYTES_MAX", "nothing")
    with pytest.raises(outlast.InvalidOption, match='OUTLAST_STORE_BYTES_MAX "nothing"'):
        outlast.from_url("redis://h?store_bytes_max=5000")
    monkeypatch.setenv("OUTLAST_STORE_BYTES_MAX", "2048")
    url = "redis://127.0.0.1:1?store_bytes_max=1048576&startup=optional&startup_attempts_max=1"
    with outlast.from_url(url) as client, pytest.raises(outlast.LimitReached, match="2048"):
        client.set("k", "x" * 10_000)
    with (
        outlast.from_url(url, store_bytes_max=4_096) as client,
        pytest.raises(outlast.LimitReached, match="4096"),
    ):
        client.set("k", "x" * 10_000)


def test_none_leaves_an_option_as_it_is():
    with outlast.Redis(command_timeout_ms=None, profile=None, username=None) as client:
        assert client.mode == "degraded"


def test_every_knob_is_an_option():
    defaults = outlast.policy({"profile": "production", "lazy_connect": True})
    with outlast.Redis(**defaults) as client:
        assert client.get_status()["profile"] == "production"
    assert {knob["name"] for knob in outlast.knobs()} == set(defaults) - {"profile", "rules"}
