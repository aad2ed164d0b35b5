"""What of the market is written down for whoever reads it by name: rows of data sets, figures derived from quotes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from bot.analytics.macro import macro_values
from bot.domain.data.sets import MARKET_WIDE
from bot.domain.events.feeds import DatumReceived
from bot.engine.state.board import Board
from bot.engine.state.records import FeedRows

MACRO: Final = "macro"
_MACRO_MAX_AGE_S: Final = 900.0
_BROKER: Final = "ibkr"


def shown_rows(event: DatumReceived) -> FeedRows:
    """Return the last rows of an answer, as many as are shown of it."""
    value: Sequence[Any] = event.value
    return FeedRows(
        event.dataset, event.key, event.source, event.received_at, event.source_at, event.ttl_s, len(value),
        value[-event.shown :],
    )  # fmt: skip


def macro_rows(board: Board, now: datetime) -> FeedRows | None:
    """Return the macro figures of this moment as rows, None while no input of any is there."""
    found = macro_values(board.quote)
    if not found:
        return None
    oldest = min(each.at for each in found)
    return FeedRows(MACRO, MARKET_WIDE, _BROKER, now, oldest, _MACRO_MAX_AGE_S, len(found), found)
