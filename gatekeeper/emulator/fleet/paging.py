"""Lists of resources: `$filter`, `$top`, `$skipToken` and an absolute `nextLink`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlencode

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call

Test = Callable[[dict[str, Any]], bool]

# The CLI sends `state eq Pending`; OData's own spelling has quotes, other clients write `properties/state`.
_TERM = re.compile(r"(?:properties/)?(state|gateType|displayName)\s+(eq|ne)\s+('[^']*'|\"[^\"]*\"|\S+)")


def page(bodies: Iterable[dict[str, Any]], call: Call, size: int) -> Answer:
    """Answer one page, in order of name, of `size` resources if the call has no smaller `$top`.

    The token names the last resource shown: a list that changes between two pages neither repeats nor loses any.
    """
    wanted = _test(call.query.get("$filter"))
    after = _decode(call.query.get("$skipToken"))
    limit = _top(call.query.get("$top"), size)
    rest = sorted(
        (body for body in bodies if wanted(body) and body["name"].lower() > after),
        key=lambda body: body["name"].lower(),
    )
    shown = rest[:limit]
    if len(rest) == len(shown):
        return Answer(200, {"value": shown})
    query = {**call.query, "$skipToken": base64.urlsafe_b64encode(shown[-1]["name"].lower().encode()).decode()}
    return Answer(200, {"value": shown, "nextLink": f"{call.base}{call.path}?{urlencode(query, quote_via=quote)}"})


def _test(text: str | None) -> Test:
    if text is None:
        return lambda _: True
    terms = [_TERM.fullmatch(term.strip()) for term in re.split(r"\s+and\s+", text)]
    if not all(terms):
        raise ArmError(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")
    wanted = [(term[1], term[2] == "eq", term[3].strip("'\"")) for term in terms if term]
    return lambda body: all((body["properties"].get(key) == value) is equal for key, equal, value in wanted)


def _top(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ArmError(400, "InvalidTopInQueryString", f"Invalid $top '{text}' specified in the query string.")
    return min(int(text), default)


def _decode(token: str | None) -> str:
    try:
        return base64.b64decode(token or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ArmError(400, "InvalidSkipToken", f"Invalid $skipToken '{token}'.") from error
