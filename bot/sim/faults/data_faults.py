"""What befalls market data: late, halted, fewer, reset, refused, with gaps; and a vendor that says otherwise.

The socket's part of it; what a venue in the process can say is in `bot.sim.faults.market`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from bot.sim.faults.catalogue import BarsRefused, Delayed, DepthWord, FewerLines, HaltTold, TapeGap, UwAnswers
from bot.sim.faults.script import FaultScript
from bot.sim.tws import messages, requests, subscribed
from bot.sim.tws.market_streams import DepthLine, MarketLine
from bot.sim.tws.requests import WireRequest
from bot.sim.tws.serve_data import DEPTH, QUOTES
from bot.sim.tws.server import TwsFace
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import WireMessage

_HALTED, _TRADE = 49, 99
_TICKS: Final = frozenset({1, 2, 21})
_BARS: Final = (requests.HistoricalData, requests.RealTimeBarsAsk)
_TEXTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        162: "Historical Market Data Service error message:Historical data request pacing violation",
        366: "No historical data query found for ticker id:0",
        420: "Invalid Real-time Query:Historical data request pacing violation",
        10182: "Failed to request live updates (disconnected).",
        316: "Market depth data has been HALTED. Please re-subscribe.",
        317: "Market depth data has been RESET. Please empty deep book contents before applying any new entries.",
    }
)


class DataFaults:
    """Does to the lines of a face what its script says."""

    def __init__(self, face: TwsFace, script: FaultScript, sessions: Callable[[], Sequence[ClientSession]]) -> None:
        self._face = face
        self._script = script
        self._sessions = sessions
        self._limits = face.limits
        self._late: Delayed | None = None
        self._halt: HaltTold | None = None
        self._few: FewerLines | None = None
        self._held_back: dict[tuple[ClientSession, object], WireMessage] = {}  # a print that comes after a later one

    def look(self, now: datetime) -> None:
        """Bring everything to where the script has it."""
        self._follow_limits(now)
        late, halt = self._script.active(Delayed, now), self._script.active(HaltTold, now)
        if late is not self._late:
            before, self._late = self._late, late
            self._turn(before or late, subscribed.LIVE_KIND if late is None else subscribed.DELAYED_KIND)
        if halt is not self._halt:
            before_halt, self._halt = self._halt, halt
            self._say_halted(before_halt or halt, halt.value if halt is not None else 0)
        for word in self._script.due(DepthWord, now):
            self._say_of_books(word.code)

    def _follow_limits(self, now: datetime) -> None:
        few = self._script.active(FewerLines, now)
        if few is self._few:
            return
        if self._few is None:
            self._limits = self._face.limits
        self._few = few
        self._face.limits = (
            self._limits
            if few is None
            else replace(self._limits, market_data_lines=few.quotes, depth_requests=few.books)
        )

    def _quote_lines(self, concerned: Callable[[bool], bool]) -> list[tuple[ClientSession, int, MarketLine]]:
        return [
            (session, number, stream)
            for session in self._sessions()
            for (kind, number), stream in session.streams.items()
            if kind == QUOTES and isinstance(stream, MarketLine) and concerned(stream.instrument.sec_type == "OPT")
        ]

    def _turn(self, fault: Delayed | None, kind: int) -> None:
        """Say of which kind the data are from now on, and all of it anew."""
        for session, number, stream in self._quote_lines(fault.concerns) if fault is not None else ():
            session.send(messages.market_data_type(number, kind))
            stream.renew()

    def _say_halted(self, fault: HaltTold | None, value: int) -> None:
        for session, number, _ in self._quote_lines(fault.concerns) if fault is not None else ():
            session.send(messages.tick_generic(number, _HALTED, value))

    def _say_of_books(self, code: int) -> None:
        for session in self._sessions():
            for (kind, number), stream in [*session.streams.items()]:
                if kind != DEPTH or not isinstance(stream, DepthLine):
                    continue
                session.error(number, code, _TEXTS[code])
                if code == 316:
                    session.unsubscribe(DEPTH, number)
                else:
                    stream.renew()

    # ---- what comes and goes

    def refuses(self, session: ClientSession, request: WireRequest, now: datetime) -> bool:
        """Refuse bars while that is so, and say whether this was one."""
        fault = self._script.active(BarsRefused, now)
        if fault is None or not isinstance(request, _BARS):
            return False
        session.error(request.req_id, fault.code, _TEXTS[fault.code])
        return True

    def of_the_market(self, session: ClientSession, message: WireMessage, now: datetime) -> Sequence[WireMessage]:
        """Return what is said in place of one message of the market."""
        if message.id == _TRADE:
            return self._with_gaps(session, message, now)
        if self._late is None or message.id not in _TICKS:
            return (message,)
        number = message.fields[0 if message.id == 21 else 1]
        stream = session.streams.get((QUOTES, int(str(number)))) if str(number).isdigit() else None
        concerned = isinstance(stream, MarketLine) and self._late.concerns(stream.instrument.sec_type == "OPT")
        return (subscribed.delayed(message),) if concerned else (message,)

    def _with_gaps(self, session: ClientSession, message: WireMessage, now: datetime) -> Sequence[WireMessage]:
        fault, chance = self._script.active(TapeGap, now), self._script.chance
        late = self._held_back.pop((session, message.fields[0]), None)
        behind = () if late is None else (late,)
        if fault is None or chance.random() >= fault.share:
            return (message, *behind)
        if late is None and chance.random() < 0.5:
            self._held_back[session, message.fields[0]] = message
        return behind


# ---- a vendor that says otherwise

OFF: Final[Mapping[str, Mapping[str, Callable[[float], float]]]] = MappingProxyType(
    {
        "off_price": {"price": lambda value: value * 1.05},
        "off_quote": {"nbbo_bid": lambda value: value + 0.4, "nbbo_ask": lambda value: value + 0.4},
        "off_spread": {"nbbo_ask": lambda value: value * 1.3 + 0.2},
        "off_greeks": {name: lambda value: value * 1.5 for name in ("implied_volatility", "delta", "gamma")},
    }
)
"""By the answer's word: field and what becomes of its number."""


def divergent(script: FaultScript) -> Callable[[str, bytes, datetime], bytes]:
    """Return what a UW face makes of an answer before it is sent: the same rows with other numbers, while that is
    so."""

    def bend(path: str, body: bytes, now: datetime) -> bytes:
        active = script.active(UwAnswers, now)
        return body if active is None or active.answer not in OFF else bent_answer(body, OFF[active.answer])

    return bend


def bent_answer(body: bytes, fields: Mapping[str, Callable[[float], float]]) -> bytes:
    """Return a vendor's answer in which some numbers are others; what is no such answer stays as it is."""
    try:
        told = json.loads(body)
    except ValueError:
        return body
    rows = told.get("data") if isinstance(told, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            row.update({name: _bent(row[name], make) for name, make in fields.items() if row.get(name) is not None})
    return json.dumps(told).encode()


def _bent(value: Any, make: Callable[[float], float]) -> Any:
    try:
        return f"{make(float(value)):.6f}"
    except (TypeError, ValueError):
        return value
