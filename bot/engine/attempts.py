"""Who tried what they may not: on record each time; of strangers the owner is told once a day, with a count."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.domain.calendar import new_york_day
from bot.domain.message import MessageChange
from bot.engine.outbox.draft import OWNERS, Draft
from bot.engine.outbox.outbox import Outbox
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal

CHANNELS: Final = ("telegram",)
_GATHER_S: Final = 60.0
"""Wall seconds for which the attempts of a burst are counted before the owner is told."""


def note(journal: Journal, row_id: str, actor: str, what: str, why: str, count: int) -> None:
    """Put an attempt on record, or several alike in one row with their number."""
    times = f" ({count} times)" if count > 1 else ""
    journal.request_refused(row_id, what, actor, f"{why}{times}")


def tell_of_strangers(ctx: Context, journal: Journal, outbox: Outbox, count: int) -> None:
    """Tell each owner once a New York day; what comes after it was told is counted and not told."""
    key = f"strangers:{new_york_day(ctx.now)}"
    known = [message for message in journal.ledger.messages.values() if key in message.dedupe_key]
    known += [message for message in journal.ledger.message_index.over.values() if key in message.dedupe_key]
    before = max((int(message.extra.get("count", 0)) for message in known), default=0)
    words = (
        f"Strangers tried to use this bot: {before + count} attempts today, all refused\nEach is in v_admin_actions."
    )
    due = ctx.now + timedelta(seconds=_GATHER_S * outbox.speed)
    extra = {"count": before + count, "level": "warning"}
    if not known:
        outbox.say(journal, [Draft(key, "notice", words, extra, CHANNELS, OWNERS, due_at=due)])
    for message in known:
        changes = MessageChange(extra={**message.extra, **extra})
        if message.sending_at is None:
            changes["body"] = words
        journal.change(message, changes)
