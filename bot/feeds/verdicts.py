"""What each answer of Unusual Whales means for us, as a table by status and code.

Source: the vendor's documents and observed answers. A status that no table has disables its dataset and raises an
alert with the raw words: asking again what nobody understands only spends quota.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bot.domain.outside import outside
from bot.feeds.transport import Response


class Verdict(StrEnum):
    OK = "ok"
    TRANSIENT = "transient"  # again after backing off; counts towards the breaker
    CROWDED = "crowded"  # too many in flight: again at once, nearly
    MINUTE_SPENT = "minute_spent"  # again when the vendor's minute is over
    DAY_SPENT = "day_spent"  # everything stops until 20:00 New York
    REFUSED = "refused"  # the token (or our name) is not accepted: everything stops; one request in half an hour
    DISABLED = "disabled"  # this dataset is not ours to ask for, or we ask wrongly: one request in half an hour
    UNKNOWN_SYMBOL = "unknown_symbol"  # this dataset does not know this symbol
    SKIPPED = "skipped"  # nothing to be had this time; not a fault of the endpoint


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str


_BY_STATUS: Final[Mapping[int, Verdict]] = MappingProxyType(
    {
        400: Verdict.DISABLED,
        401: Verdict.REFUSED,
        403: Verdict.DISABLED,
        404: Verdict.UNKNOWN_SYMBOL,
        408: Verdict.TRANSIENT,
        422: Verdict.DISABLED,
        429: Verdict.MINUTE_SPENT,
    }
)
# A code in the body says more than the status.
_BY_CODE: Final[Mapping[tuple[int, str], Verdict]] = MappingProxyType(
    {
        (403, "historic_data_access_missing"): Verdict.SKIPPED,
        (403, "advanced_tier_required"): Verdict.DISABLED,
        (403, "volatility_scope_required"): Verdict.DISABLED,
        (403, "options_pulse_scope_required"): Verdict.DISABLED,
        (403, "futures_access_required"): Verdict.DISABLED,
        (429, "daily_request_limit_hit"): Verdict.DAY_SPENT,
    }
)
# And some bodies have no code: what they contain, in lower case.
_BY_WORDS: Final[tuple[tuple[int, str, Verdict], ...]] = (
    (403, "1010", Verdict.REFUSED),  # the edge does not like our User-Agent
    (404, "route not found", Verdict.DISABLED),
    (429, "daily_request_limit_hit", Verdict.DAY_SPENT),
    (429, "concurrent", Verdict.CROWDED),
)
_QUOTED: Final = 160
_LOOKED_AT: Final = 65_536
"""Bytes of a refusal in which its code is looked for: a longer one is no refusal in words."""


def judge(response: Response) -> Judgement:
    """Return what to do about an answer. A 200 is only OK when its body looks like JSON: edges answer 200 with HTML."""
    if response.status == 200:
        return _judge_body(response.body)
    quoted = outside(response.body.lstrip()[:_LOOKED_AT], _QUOTED).strip()
    reason = f"HTTP {response.status}" + (f": {quoted}" if quoted else "")
    return Judgement(_verdict(response), reason)


def _judge_body(body: bytes) -> Judgement:
    start = body[:64].lstrip()
    if not start:
        return Judgement(Verdict.TRANSIENT, "HTTP 200 with an empty body")
    if start[:1] not in (b"{", b"["):
        return Judgement(Verdict.TRANSIENT, f"HTTP 200 that is not JSON: {outside(start, 40)!r}")
    return Judgement(Verdict.OK, "")


def _verdict(response: Response) -> Verdict:
    status = response.status
    if status >= 500 or 300 <= status < 400:
        return Verdict.TRANSIENT
    by_code = _BY_CODE.get((status, _code(response.body)))
    if by_code is not None:
        return by_code
    said = response.body[:2000].decode("utf-8", "replace").lower()
    for of_status, words, verdict in _BY_WORDS:
        if status == of_status and words in said:
            return verdict
    return _BY_STATUS.get(status, Verdict.DISABLED)


def _code(body: bytes) -> str:
    if len(body) > _LOOKED_AT:
        return ""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answer, dict):
        return ""
    inner = answer.get("error")
    code = answer.get("code") or (inner.get("code") if isinstance(inner, dict) else None)
    return str(code or "")
