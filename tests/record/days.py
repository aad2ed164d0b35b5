"""Small recorded days, put on disk through the recorder's own front door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.domain.events import Event
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.market_data import QuoteReceived
from bot.domain.quotes import Quote
from bot.domain.recording import RunTold
from bot.record.keeper import Keeper
from bot.record.tap import HEAD_BYTES, Tap, columns_of_frame, count_of

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def go(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def a_quote(key: str, cents: int, at: datetime) -> QuoteReceived:
    price = Decimal(cents).scaleb(-2)
    return QuoteReceived(key, Quote(price, price + Decimal("0.02"), 10, 12, None, at, close=Decimal("1.50")))


def a_run(at: datetime = START) -> RunTold:
    return RunTold(at, "qty", "sim", "quiet_day", 1.0, 7, "abc", overseen=False, settings={})


def some_events(count: int, clock: Hand) -> list[Event]:
    quotes: list[Event] = [a_quote("SPY", 58_800 + number % 90, clock.now()) for number in range(count)]
    return [LinkChanged(LinkChange.ACCEPTED, "account DU1", clock.now()), *quotes]


def flush(tap: Tap, keeper: Keeper) -> None:
    """Hand rows on as the bot does, once a second."""
    frame, _ = tap.take()
    columns = columns_of_frame(frame[HEAD_BYTES:])
    keeper.take(columns)
    tap.kept(count_of(columns))


def record(root: Path, events: Sequence[Event], clock: Hand, *, finished: bool = True, step_s: float = 1.0) -> Path:
    """Record events, a second apart, flushed ten at a time; returns the day's folder."""
    tap, keeper = Tap(clock), Keeper(root, 0)
    tap.runs(a_run(clock.now()))
    for number, event in enumerate(events):
        tap.heard(event)
        tap.ticked(number + 1, clock.now(), float(number))
        clock.go(step_s)
        if number % 10 == 9:
            flush(tap, keeper)
    flush(tap, keeper)
    if finished:
        keeper.close()
    keeper.let_go()
    return root / "2026-11-20"
