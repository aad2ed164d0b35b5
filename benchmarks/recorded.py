"""(f) The session of (e), read from a recording: 187,200 quotes through the whole loop with the store on disk.

The recording lies on disk as Parquet and is read while it is played. The reference is the least that any replay must do
in the same run: read the same recording, make each row's fact, and hand it to a function by its kind.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.replay import a_session, prices_of_the_session, quotes_of
from benchmarks.replay_venue import CONTRACTS, OPEN, SECONDS
from benchmarks.result import Result
from bot.app.allocator import seldom_collected
from bot.domain.events import Event
from bot.domain.events.market_data import QuoteReceived
from bot.domain.recording import EventKind, key_of, micros, values_of
from bot.record.keeper import write_tables
from bot.record.library import Recording
from bot.record.player import HeardMoment, life_of, moments

_AIM = 0.3


def _write(folder: Path) -> Recording:
    """Record the session's quotes, each received in its second."""
    folder.mkdir()
    events = [event for second in quotes_of(prices_of_the_session()) for event in second]
    rows = (
        (number, micros(event.quote.at), EventKind.QUOTES.value, "ibkr", key_of(event), values_of(event))
        for number, event in enumerate(events, 1)
    )
    write_tables(folder, rows)
    return Recording(folder)


def _dispatched(recording: Recording) -> float:
    """Read, decode and dispatch every fact, and nothing else; seconds of processor time."""
    seen: dict[str, Event] = {}

    def take(event: Event) -> None:
        seen[key_of(event)] = event

    by_kind = dict.fromkeys(EventKind, take)
    began = time.process_time()
    for entry in moments(recording, life_of(recording)):
        if isinstance(entry, HeardMoment):
            for kind, event in entry.heard:
                by_kind[kind](event)
    return time.process_time() - began


async def _played(recording: Recording, folder: Path) -> tuple[float, int, int]:
    """Play it; seconds of processor time with the reading, trades, chained transitions."""
    async with a_session(folder) as session:
        with seldom_collected():  # as replays have it
            began, entries = time.process_time(), moments(recording, life_of(recording))
            for number, entry in enumerate(each for each in entries if isinstance(each, HeardMoment)):
                session.clock.advance((entry.at - session.clock.now()).total_seconds())
                quotes = [event for _, event in entry.heard if isinstance(event, QuoteReceived)]
                bids = {event.key: event.quote.bid for event in quotes if event.quote.bid is not None}
                await session.second(number, quotes, bids)
            took = time.process_time() - began
        return took, len(session.engine.ledger.closed), session.store.head.seq


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="quanticity-recorded-") as place:
        recording = _write(Path(place) / OPEN.date().isoformat())
        bare = _dispatched(recording)
        took, trades, chained = asyncio.run(_played(recording, Path(place)))
    events = SECONDS * len(CONTRACTS)
    share = bare / took
    figures = f"{events:,} recorded quotes in {took:.1f} s of processor time, {trades} trades, {chained:,} chained "
    figures += f"transitions; read, decoded and dispatched alone {events / bare:,.0f}/s"
    measured = f"{events / took:,.0f}/s, {share:.2f} of the loop"
    return [Result("replay of a recorded session", figures, measured, f"{_AIM} of the loop", share >= _AIM)]
