"""Text on its way out: nothing that a terminal obeys, nothing that is secret, nothing without an end."""

from __future__ import annotations

import base64
import json
import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gatekeeper.decision import Reason
from gatekeeper.observers.text import REDACTED, bounded, clean, clean_lines, redact, without_secrets

untimed = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
_URLSAFE = string.ascii_letters + string.digits + "-_"
_words = st.text(st.sampled_from(string.ascii_letters + " .,:/'\"()[]{}\n\té\x1b"), max_size=40)
_opaque = st.text(st.sampled_from(string.ascii_letters + string.digits), min_size=24, max_size=60)


@st.composite
def jwts(draw: st.DrawFn) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": draw(_opaque)}).encode()).decode().rstrip("=")
    body, signature = (draw(st.text(st.sampled_from(_URLSAFE), min_size=20, max_size=80)) for _ in range(2))
    return f"{header}.{body}.{signature}"


_presented = st.one_of(
    jwts().map(lambda token: (token, token)),
    _opaque.map(lambda token: (token, f"Bearer {token}")),
    _opaque.map(lambda token: (token, f"authorization: bearer {token}")),
    _opaque.map(lambda token: (token, f"client_secret={token}&grant_type=client_credentials")),
    _opaque.map(lambda token: (token, json.dumps({"access_token": token, "expires_in": 3600}))),
    _opaque.map(lambda token: (token, json.dumps(json.dumps({"refresh_token": token})))),
    _opaque.map(lambda token: (token, repr({"Authorization": f"Bearer {token}"}))),
    _opaque.map(lambda token: (token, f"https://user:{token}@example.com/path")),
    _opaque.map(lambda token: (token, f"password: {token}")),
    _opaque.map(lambda token: (token, f"https://x.blob.core.windows.net/c?sv=2024&sig={token}")),
    _opaque.map(lambda token: (token, f"-----BEGIN RSA PRIVATE KEY-----\n{token}\n-----END RSA PRIVATE KEY-----")),
)


@untimed
@given(_words, _presented, _words)
def test_no_token_survives_in_any_text(before: str, presented: tuple[str, str], after: str) -> None:
    token, text = presented
    assume(token[8:24] not in before + after)

    shown = [redact(f"{before} {text} {after}"), bounded(f"{before} {text} {after}"), bounded(text, 30)]

    assert not [line for line in shown if token in line or token[8:24] in line]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _words | st.binary(max_size=10) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)


@untimed
@given(_values, _presented, st.sampled_from(["first", "nested", "deep", "key", "bytes", "error"]))
def test_no_token_survives_in_any_value(value: Any, presented: tuple[str, str], place: str) -> None:
    token, text = presented
    assume(token[8:24] not in repr(value))
    places: dict[str, Any] = {
        "first": [text, value],
        "nested": {"a": [value, {"b": (text,)}]},
        "deep": [[[[[[[[[[text]]]]]]]]]],
        "key": {text: value},
        "bytes": text.encode(),
        "error": ValueError(text),
    }

    written = json.dumps(without_secrets({"value": places[place]}), allow_nan=False)

    assert token not in written
    assert token[8:24] not in written


@pytest.mark.parametrize(
    "key",
    [
        *("token", "accessToken", "refresh_token", "tokens", "Authorization", "password", "client_secret"),
        *("kubeconfig", "x-api-key", "Set-Cookie", "clientKeyData"),
    ],
)
def test_what_stands_under_a_secret_name_is_hidden_whole(key: str) -> None:
    assert without_secrets({"a": [{key: ["anything", 1]}]}) == {"a": [{key: REDACTED}]}


@pytest.mark.parametrize(
    "text",
    [
        "a bearer token was refused",
        "Basic authentication is disabled",
        "secret: not found",
        'MountVolume.SetUp failed: secret "shop-tls" not found',
        "couldn't find key token in Secret default/web",
        "does not have authorization to perform action 'Microsoft.ContainerService/fleets/read'",
        "tokenFile /var/run/secrets/azure/tokens/azure-identity-token is missing",
        "digest sha256:0123456789abcdef",
        "GET https://management.azure.com/subscriptions/0?api-version=2026-06-01 answered 403",
        "1 of 12 nodes is not Ready",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc", "Authorization: Bearer [redacted]"),
        ("'authorization': 'Basic YWRtaW46cGFzcw'", "'authorization': '[redacted]'"),
        ("Basic YWRtaW46cGFzcw==, then", "Basic [redacted], then"),
        ('{"password": "my long pass word", "user": "u"}', '{"password": "[redacted]", "user": "u"}'),
        ("token=abc&x=1", "token=[redacted]&x=1"),
        ("see eyJhbGciOi", "see [redacted]"),
        ("AccountKey=ab+c/==;Next=1", "AccountKey=[redacted];Next=1"),
        ("postgres://u:p@db:5432/x", "postgres://[redacted]@db:5432/x"),
    ],
)
def test_a_secret_is_hidden_and_its_place_is_kept(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
        ("two\r\nlines\tand a tab", "two  lines and a tab"),
        ("left\u202eright\u2066", "leftright"),
        ("half \ud83d of it\x00", "half  of it"),
        ("naïve – 日本 😀", "naïve – 日本 😀"),
        ("a\u2028b", "a b"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@untimed
@given(st.text())
def test_clean_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = clean(text)

    assert len(shown.splitlines()) <= 1
    shown.encode()


@untimed
@given(st.text(), st.integers(min_value=1, max_value=50))
def test_bounded_text_has_an_end(text: str, limit: int) -> None:
    assert len(bounded(text * 40, limit)) <= limit


def test_a_cut_is_marked() -> None:
    assert bounded("x" * 501) == "x" * 499 + "…"
    assert bounded("x" * 500) == "x" * 500


def test_a_token_across_the_cut_is_hidden() -> None:
    assert bounded("x" * 490 + " Bearer " + "t0" * 300) == "x" * 490 + " Bearer [" + "…"


def test_hostile_text_takes_no_time_worth_speaking_of() -> None:
    for text in ("eyJ" * 500_000, "Bearer " * 200_000, "secret='" * 200_000, "a://" * 200_000, "-----BEGIN " * 100_000):
        assert len(bounded(text)) <= 500


def test_lines_stay_lines_in_a_traceback() -> None:
    assert clean_lines("Traceback:\n  token=abc\x1b\n") == "Traceback:\n  token=[redacted]\n"


def test_values_become_plain_json_types() -> None:
    value = {
        "enum": Reason.HEALTHY,
        "nan": float("nan"),
        "time": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "tuple": (1, 2.5, True, None),
        "set": {"one"},
        3: b"bytes\xff",
        "error": ValueError("bad"),
    }

    assert without_secrets(value) == {
        "enum": "Healthy",
        "nan": "nan",
        "time": "2026-03-01T12:00:00Z",
        "tuple": [1, 2.5, True, None],
        "set": ["one"],
        "3": "bytes\ufffd",
        "error": "bad",
    }
