"""A calendar of one rule, a strategy that proposes when it is told, a quote."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from bot.config.strategies import ExitSettings
from bot.domain.calendar import NEW_YORK, TradingSession, new_york_day
from bot.domain.chains import ChainNeed
from bot.domain.instruments import OptionContract
from bot.domain.market import MarketView
from bot.domain.position import Position
from bot.domain.quotes import Quote
from bot.strategies.base import STANDS, Look, Proposal, Thesis


class FakeCalendar:
    """Weekdays are sessions; the days told are half ones."""

    def __init__(self, half_days: frozenset[date] = frozenset()) -> None:
        self.half_days = half_days

    def session_on(self, day: date) -> TradingSession | None:
        if day.weekday() > 4:
            return None
        half = day in self.half_days
        open_at = datetime.combine(day, time(9, 30), NEW_YORK).astimezone(UTC)
        close_at = datetime.combine(day, time(13) if half else time(16), NEW_YORK).astimezone(UTC)
        return TradingSession(day, open_at, close_at, half)

    def next_session(self, after: date) -> TradingSession:
        day = after + timedelta(days=1)
        while (session := self.session_on(day)) is None:
            day += timedelta(days=1)
        return session

    def today(self, now: datetime) -> date:
        return new_york_day(now)


@dataclass
class FakeStrategy:
    """Proposes once, when it is told."""

    name: str = "fake"
    symbols: tuple[str, ...] = ("SPY",)
    exit: ExitSettings = field(default_factory=ExitSettings)
    cool_down_s: float = 0.0
    due_every_s: float = 0.0
    contract: OptionContract | None = None  # what to propose at the next look
    faults: tuple[str, ...] = ()
    wants: dict[str, frozenset[str]] = field(default_factory=dict)
    chain: ChainNeed | None = None
    looks: int = 0
    rationale: dict[str, Any] = field(default_factory=lambda: {"told": True})

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        return dict(self.wants)

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        self.looks += 1
        contract, self.contract = self.contract, None
        quote = view.quote(contract.key) if contract else None
        if contract is None or quote is None:
            return Look(symbol, None, "nothing was told", {"condition": "told"})
        return Look(symbol, Proposal(self.name, contract, quote, dict(self.rationale)), "told", {"condition": "met"})

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        return self.faults

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        return STANDS


def a_quote(bid: str | None, ask: str | None, at: datetime) -> Quote:
    return Quote(Decimal(bid) if bid else None, Decimal(ask) if ask else None, 50, 50, None, at)
