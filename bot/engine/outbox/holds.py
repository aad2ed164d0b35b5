"""What is said of the session: paused, halted, going on again, by whom and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from bot.domain.wording import clock_time
from bot.engine.outbox.draft import ANYBODY, Draft

if TYPE_CHECKING:
    from bot.engine.outbox.speech import Said

KIND: Final = "notice"
_CHANNELS: Final = ("telegram", "discord", "discord_webhook", "webhook")
_WORDS: Final = {"pause": "PAUSED", "halt": "HALTED", "resume": "RUNNING again"}


def held(said: Said) -> Iterable[Draft]:
    """Somebody paused, halted or resumed; who did it is told like everybody else."""
    row = said.row
    body = f"{_WORDS[row.trigger]} at {clock_time(row.event_at)} New York by {row.actor}: {row.reason}"
    extra = {"level": "info", "code": "SESSION", "subject": body, "actor": row.actor}
    key = f"session:{row.trigger}:{row.event_at.isoformat()}"
    yield Draft(key, KIND, body, extra, channels=_CHANNELS, roles=ANYBODY)
