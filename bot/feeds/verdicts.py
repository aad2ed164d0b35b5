"""What an answer means for us: the verdicts, and how a vendor's tables of statuses, codes and words lead to one.

A status that no table has disables its endpoint and raises an alert with the raw words: asking again what nobody
understands only spends quota. `outcome` is the one word that the feed's row shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bot.domain.outside import outside
from bot.feeds.outcome import Outcome
from bot.feeds.transport import Response


class Verdict(StrEnum):
    OK = "ok"
    TRANSIENT = "transient"  # again after backing off; counts towards the breaker
    CROWDED = "crowded"  # too many in flight: again at once, nearly
    MINUTE_SPENT = "minute_spent"  # again when the vendor's minute is over
    DAY_SPENT = "day_spent"  # everything stops until the quota is renewed
    REFUSED = "refused"  # the token (or our name) is not accepted: everything stops; one request in half an hour
    DISABLED = "disabled"  # this endpoint is not ours to ask for, or we ask wrongly: one request in half an hour
    DEMO = "demo"  # only a demonstration is given to the key that we have: as DISABLED
    UNKNOWN_SYMBOL = "unknown_symbol"  # this endpoint does not know this symbol
    SKIPPED = "skipped"  # nothing to be had this time; not a fault of the endpoint


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str
    outcome: Outcome = Outcome.OK


_OUTCOMES: Final[Mapping[Verdict, Outcome]] = MappingProxyType(
    {
        Verdict.OK: Outcome.OK,
        Verdict.TRANSIENT: Outcome.HTTP_ERROR,
        Verdict.CROWDED: Outcome.CROWDED,
        Verdict.MINUTE_SPENT: Outcome.MINUTE_SPENT,
        Verdict.DAY_SPENT: Outcome.QUOTA_SPENT,
        Verdict.REFUSED: Outcome.REFUSED,
        Verdict.DISABLED: Outcome.NOT_IN_PLAN,
        Verdict.DEMO: Outcome.DEMO,
        Verdict.UNKNOWN_SYMBOL: Outcome.UNKNOWN_TICKER,
        Verdict.SKIPPED: Outcome.SKIPPED,
    }
)


def judged(verdict: Verdict, reason: str) -> Judgement:
    """Return a judgement with the outcome that its verdict has."""
    return Judgement(verdict, reason, _OUTCOMES[verdict])


BY_STATUS: Final[Mapping[int, Verdict]] = MappingProxyType(
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
"""What statuses mean where a vendor has no meaning of its own."""
_QUOTED: Final = 160
_LOOKED_AT: Final = 65_536
"""Bytes of a refusal in which its code is looked for: a longer one is no refusal in words."""
_WORDS_IN: Final = 2000
_NAMED_IN: Final = 400


@dataclass(frozen=True, slots=True)
class Refusals:
    """A vendor's refusals as tables. `by_code`: a code in the body says more than the status. `by_words`: what a body
    without a code contains, in lower case; a status of 200 there is a refusal in the guise of an answer. `refusing`:
    names of JSON under which this vendor says so; a 200 without one of them near its beginning is none. `of_nothing`:
    what a 200 with an empty object means."""

    by_status: Mapping[int, Verdict] = field(default_factory=lambda: BY_STATUS)
    by_code: Mapping[tuple[int, str], Verdict] = field(default_factory=dict)
    by_words: tuple[tuple[int, str, Verdict], ...] = ()
    refusing: tuple[str, ...] = ()
    of_nothing: Verdict = Verdict.OK

    def judge(self, response: Response) -> Judgement:
        """Return what to do about an answer. A 200 is only OK when its body looks like JSON: edges answer 200 with
        HTML."""
        if response.status == 200:
            return self._judge_body(response)
        quoted = outside(response.body.lstrip()[:_LOOKED_AT], _QUOTED).strip()
        reason = f"HTTP {response.status}" + (f": {quoted}" if quoted else "")
        verdict = self._verdict(response)
        outcome = Outcome.REDIRECTED if 300 <= response.status < 400 else _OUTCOMES[verdict]
        return Judgement(verdict, reason, outcome)

    def _judge_body(self, response: Response) -> Judgement:
        start = response.body[:64].lstrip()
        if not start:
            return Judgement(Verdict.TRANSIENT, "HTTP 200 with an empty body", Outcome.NOT_JSON)
        if start[:1] not in (b"{", b"["):
            return Judgement(Verdict.TRANSIENT, f"HTTP 200 that is not JSON: {outside(start, 40)!r}", Outcome.NOT_JSON)
        if self.of_nothing is not Verdict.OK and response.body[:64].strip() == b"{}":
            return judged(self.of_nothing, "HTTP 200 with an empty object")
        verdict = self._by_words(response)
        if verdict is not None:
            quoted = outside(response.body[:_WORDS_IN], _QUOTED).strip()
            return Judgement(verdict, f"HTTP 200 that refuses: {quoted}", _OUTCOMES[verdict])
        return Judgement(Verdict.OK, "")

    def _verdict(self, response: Response) -> Verdict:
        status = response.status
        if status >= 500 or 300 <= status < 400:
            return Verdict.TRANSIENT
        by_code = self.by_code.get((status, _code(response.body)))
        return by_code or self._by_words(response) or self.by_status.get(status, Verdict.DISABLED)

    def _by_words(self, response: Response) -> Verdict | None:
        of_status = [(words, verdict) for status, words, verdict in self.by_words if status == response.status]
        if not of_status or (response.status == 200 and not self._may_refuse(response.body)):
            return None
        said = response.body[:_WORDS_IN].decode("utf-8", "replace").lower()
        return next((verdict for words, verdict in of_status if words in said), None)

    def _may_refuse(self, body: bytes) -> bool:
        """Say whether a 200 can be a refusal. Data are longer than any, but where it says by which name it is one."""
        if not self.refusing:
            return len(body) <= _WORDS_IN
        begins = body[:_NAMED_IN].decode("utf-8", "replace")
        return any(f'"{name}"' in begins for name in self.refusing)


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
