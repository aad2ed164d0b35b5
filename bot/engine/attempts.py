"""Who tried what they may not: on record each time; of strangers the owner is told once a day, with a count.

The day's first refusal is told at once. What follows is counted: the same message is edited to the number, after a
minute, then after two, four, eight and every ten, so that a flood costs an owner one message and says how large it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from bot.domain.calendar import new_york_day
from bot.domain.message import Message, MessageMode
from bot.engine.outbox.draft import OWNERS, Draft
from bot.engine.outbox.outbox import Outbox
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal

CHANNELS: Final = ("telegram",)
_FIRST_COUNT_S: Final = 60.0
_LONGEST_COUNT_S: Final = 600.0
"""Wall seconds before the message says the number for the first time; twice as many each time after that, at most."""


def note(journal: Journal, row_id: str, actor: str, what: str, why: str, count: int) -> None:
    """Put an attempt on record, or several alike in one row with their number."""
    times = f" ({count} times)" if count > 1 else ""
    journal.request_refused(row_id, what, actor, f"{why}{times}")


def tell_of_strangers(ctx: Context, journal: Journal, outbox: Outbox, count: int) -> None:
    """Tell each owner once a New York day, at the first attempt; what comes later is the same message's new number."""
    key = f"strangers:{new_york_day(ctx.now)}"
    known = _said(journal, key)
    total = count + max((int(message.extra.get("count", 0)) for message in known), default=0)
    words = f"Strangers tried to use this bot: {_attempts(total)} today, all refused\nEach is in v_admin_actions."
    extra: dict[str, Any] = {"count": total, "level": "warning"}
    if not known:
        draft = Draft(key, "notice", words, extra, CHANNELS, OWNERS)
    else:
        due = _next_count(ctx.now, known, outbox.speed)
        mark = f"{key}:count:{total}"
        draft = Draft(mark, "notice", words, extra, CHANNELS, OWNERS, due_at=due, edits=key, only_edits=True)
    outbox.say(journal, [draft])


def _attempts(count: int) -> str:
    return f"{count} attempt{'' if count == 1 else 's'}"


def _said(journal: Journal, key: str) -> list[Message]:
    """Return what was said of the day's strangers, and is to be said."""
    ledger = journal.ledger
    known = (*ledger.messages.values(), *ledger.message_index.over.values())
    return [message for message in known if key in message.dedupe_key]


def _next_count(now: datetime, known: list[Message], speed: float) -> datetime:
    """Return when the number may be said next."""
    counts = [message.due_at for message in known if message.mode is MessageMode.EDIT]
    pause_s = min(_FIRST_COUNT_S * 2.0 ** min(len(counts), 10), _LONGEST_COUNT_S)
    return max(now, max(counts, default=now) + timedelta(seconds=pause_s * speed))
