"""Text on its way out: cleaned of what a terminal would obey, freed of secrets, and cut to a length.

The order matters: cleaned first, so that no control character splits a token in two, and cut last, so that no cut
makes a token unrecognizable.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
REDACTED = "[redacted]"
TEXT_LIMIT = 500
"""Characters of one text that came from a cluster or from Azure: enough for a sentence and its cause."""
_READ_AHEAD = 16
"""How many times the limit is looked at before redacting; what stands behind it is cut off anyway."""
_MAX_DEPTH = 8
"""Deeper values are written as text; our own lines nest four deep."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Control, invisible and bidirectional marks, halves of surrogate pairs, private use, line separators."""

_WORDS = (
    r"(?:token|password|passwd|secret|authorization|assertion|signature|sig|kubeconfig"
    r"|key[_-]?data|(?:api|account|access|shared|private)[_-]?key)"
)
_HINTS = ("eyj", "key", "bearer", "basic", "://", "token", "pass", "secret", "auth", "assertion", "sig", "config")
"""Without one of these, in small letters, there is nothing to hide: almost every text is done after this look."""

_SECRETS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), REDACTED),
    # A JWT, whole or cut: "eyJ" is how '{"' begins in base64.
    (re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*)*"), REDACTED),
    (re.compile(r"(?i)(\bauthorization\\*[\"']?\s*[:=]\s*\\*[\"']?\w+\s+)[^\s\"'\\]+"), rf"\1{REDACTED}"),
    # A scheme and what it presents. Words of plain English ("a bearer token was refused") are left alone.
    (
        re.compile(
            r"(?i)\b(bearer|basic|sharedkey)(\s+)(?!\w+=[\"'])"
            r"(?=[\w.~+/:=-]{20}|[\w.~+/:=-]*(?:[\d~+/=_]|(?-i:[a-z][A-Z])))[\w.~+/:=-]{6,}"
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@]{1,200}@"), rf"\1{REDACTED}@"),
    # password="...", "access_token": "..."
    (re.compile(rf"(?i)({_WORDS}\\*[\"']?\s*[:=]\s*\\*([\"']))(?:\\.|(?!\2).)*"), rf"\1{REDACTED}"),
    # client_secret=..., sig=...; after an unquoted colon only what is long: "secret: not found" is no secret.
    (
        re.compile(rf"(?i)({_WORDS}(?:\\*[\"']?\s*=\s*|\\*[\"']\s*:\s*|:\s*(?=[^\s,;&\"']{{16}})))[^\s,;&\"'}}\]]+"),
        rf"\1{REDACTED}",
    ),
)

_SECRET_KEY = re.compile(
    r"(?:token|password|passwd|secret|authorization|cookie|kubeconfig|apikey|keydata|privatekey|assertion)s?$"
)


def redact(text: str) -> str:
    """The text without anything that looks like a token, a password or a key."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def clean(text: str) -> str:
    """The text on one line, without control characters, invisible marks and broken surrogates."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if unicodedata.category(character) not in _HIDDEN else " " if character.isspace() else ""
        for character in text
    )


def clean_lines(text: str) -> str:
    """A text of several lines, such as a traceback: its line breaks stay, the rest is cleaned and redacted."""
    return redact("\n".join(clean(line) for line in text.split("\n")))


def bounded(text: str, limit: int = TEXT_LIMIT) -> str:
    """Foreign text made fit to be shown: clean, redacted, and at most `limit` characters."""
    head = redact(clean(text[: limit * _READ_AHEAD]))
    return head if len(head) <= limit else head[: limit - 1] + "…"


def without_secrets(value: object, key: str = "", depth: int = 0) -> JsonValue:
    """A log value of any shape as plain JSON types, clean and redacted at every depth.

    Args:
        value: anything; what is not a JSON type is written as text.
        key: the name that the value stands under; the value of a key such as ``accessToken`` is hidden whole.
        depth: how deep the value stands.
    """
    if value is not None and _is_secret(key):
        return REDACTED
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        names = {name: _shown_key(str(name)) for name in value}
        return {names[name]: without_secrets(item, names[name], depth + 1) for name, item in value.items()}
    if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [without_secrets(item, key, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: object) -> JsonValue:
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
    return redact(clean(text))


def rfc3339(at: datetime) -> str:
    """A time as logs write it; one without a zone is taken for UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=1024)  # keys are few, and the same ones come with every line
def _shown_key(key: str) -> str:
    return redact(clean(key))


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(re.sub(r"[^a-z]", "", key.lower())) is not None
