"""Who agrees on one symbol and direction now: the strategies' latest ideas, bought or not, as opinions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from bot.analytics.confluence import Confluence, Opinion, confluence
from bot.domain.instruments import Right
from bot.store.bounded import bounded
from bot.store.tables.signal import SIGNAL
from bot.store.values import parse_time, time_text

OLDEST: Final = timedelta(minutes=30)
"""How long an idea speaks."""


def confluences(connection: Connection, now: datetime) -> list[Confluence]:
    """Return where ideas of several strategies agree, by what they proposed within OLDEST: a call speaks for up, a put
    for down, whatever became of the idea."""
    idea = SIGNAL.c
    query = select(bounded(idea.strategy), idea.symbol, idea.right, idea.created_at).where(
        idea.created_at >= time_text(now - OLDEST), idea.created_at <= time_text(now)
    )
    ideas = [
        Opinion(strategy, symbol, 1 if right == Right.CALL.value else -1, parse_time(at))
        for strategy, symbol, right, at in connection.execute(query)
    ]
    return confluence(ideas, now, OLDEST)
