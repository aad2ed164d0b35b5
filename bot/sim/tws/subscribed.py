"""Which market data the client's login has no subscription for, and what TWS says and does then.

| code | said | what comes |
|---|---|---|
| 354, 10089, 10168, 10186, 460 and others | not subscribed | nothing |
| 10090 | a part is not subscribed | the rest, as if nothing had been said |
| 10167 | delayed data is shown (10089 to a client that did not ask for that kind) | ticks of 15 minutes ago |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from bot.sim.tws.market_streams import MarketStream
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.wire import WireMessage

PART, DELAYED, NEEDS_MORE = 10090, 10167, 10089
DELAYED_KINDS: Final = frozenset({3, 4})
LIVE_KIND, DELAYED_KIND = 1, 3
BEHIND: Final = timedelta(minutes=15)

TEXTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        354: "Requested market data is not subscribed.",
        460: "No trading permissions.",
        10089: "Requested market data requires additional subscription for API. See link in 'Market Data Connections' "
        "dialog for more details.",
        10090: "Part of requested market data is not subscribed. Subscription-independent ticks are still active.",
        10167: "Requested market data is not subscribed. Displaying delayed market data.",
        10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
        10186: "Requested market data is not subscribed. Delayed market data is not available.",
    }
)
_DELAYED_TICK: Final[Mapping[int, int]] = MappingProxyType(
    {1: 66, 2: 67, 4: 68, 0: 69, 3: 70, 5: 71, 6: 72, 7: 73, 8: 74, 9: 75, 14: 76, 10: 80, 11: 81, 12: 82, 13: 83}
)
_TICKS: Final = frozenset({1, 2})
_COMPUTATION: Final = 21


def text_of(code: int) -> str:
    """Return what TWS says with a code of no subscription."""
    return TEXTS.get(code, f"Market data farm refused the request ({code}).")


def answered(code: int, kind_asked: int) -> int:
    """Return the code that a client hears, by the kind of data that it has asked for."""
    return NEEDS_MORE if code == DELAYED and kind_asked not in DELAYED_KINDS else code


def goes_on(code: int) -> bool:
    """Say whether anything comes after a code."""
    return code in {0, PART, DELAYED}


def only_live(code: int) -> bool:
    """Say whether books and single ticks come after a code: of those nothing is ever delayed."""
    return code in {0, PART}


class DelayedLine:
    """A line whose ticks are a quarter of an hour old, and say so by their numbers."""

    def __init__(self, line: MarketStream) -> None:
        self._line = line
        self.instrument = getattr(line, "instrument", None)

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        before = VenueMoment(moment.venue, moment.at - BEHIND, moment.monotonic)
        return [delayed(each) for each in self._line.pace(before)]


def delayed(message: WireMessage) -> WireMessage:
    """Return a tick under its delayed number; what has none stays as it is."""
    place = 2 if message.id in _TICKS else 1 if message.id == _COMPUTATION else None
    if place is None:
        return message
    fields = list(message.fields)
    number = fields[place]
    fields[place] = _DELAYED_TICK.get(number, number) if isinstance(number, int) else number
    return WireMessage(message.id, tuple(fields))
