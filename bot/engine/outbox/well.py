"""The morning's word that the bot is well: mode, equity, what is open and may be lost, and the head of the history.

The head is the hash of the newest row: who keeps these messages sees later whether the history was rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bot.domain.timetable import WELL
from bot.domain.wording import dollars, new_york
from bot.engine.outbox.alert_words import stands
from bot.engine.outbox.draft import ANYBODY, Draft
from bot.engine.outbox.outbox import Outbox
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.moment_runs import MomentRuns
from bot.engine.state.records import JobRow
from bot.engine.trade.signals import open_premium

_LOOK_S: Final = 1.0
_CHANNELS: Final = ("telegram", "discord", "discord_webhook", "email")


@dataclass(slots=True)
class MorningWord:
    """Memory between ticks; what was said is remembered with the messages, so a restart says it no second time."""

    runs: MomentRuns = field(default_factory=lambda: MomentRuns(WELL))
    look_at_s: float = float("-inf")  # of the steady clock: an hour is not looked for in every tick

    def say(self, ctx: Context, journal: Journal, outbox: Outbox, head: str) -> None:
        """Say it once a session day, from its hour on. `head`: the hash of the history's newest row."""
        if outbox.voice.is_silent or ctx.steady_s < self.look_at_s or not ctx.hour_is_known:
            return
        self.look_at_s = ctx.steady_s + _LOOK_S
        run = self.runs.latest(ctx)
        if run is None or run == self.runs.done or not _is_soon(ctx):
            return
        self.runs.asked = run
        self.runs.finish()
        key = f"well:{run}"
        if outbox.was_said(journal, key):
            return
        extra = {"level": "info", "code": "WELL", "subject": "I am well", "head": head}
        outbox.say(journal, [Draft(key, "notice", words(ctx, head), extra, channels=_CHANNELS, roles=ANYBODY)])
        journal.batch.jobs.append(JobRow(WELL.name, ctx.now, "said", f"head {head}"))


def _is_soon(ctx: Context) -> bool:
    """Say whether its hour has come less than an hour ago: later it is no morning any more."""
    due = WELL.due_since(ctx.trading, ctx.setting, ctx.now)
    return due is not None and not WELL.is_left_out(due[1], ctx.now)


def words(ctx: Context, head: str) -> str:
    """Return the text."""
    ledger, premium = ctx.ledger, open_premium(ctx)
    equity = ledger.account.equity
    share = f", {premium / equity:.1%} of equity" if equity and premium else ""
    count = len(ledger.positions)
    critical = sum(alert.severity == "critical" for alert in ledger.alerts.values())
    return "\n".join(
        [
            f"I am well · {new_york(ctx.now)}",
            f"Mode {ctx.settings.mode.value}, the bot is {stands(ledger.session.state)}.",
            f"Equity {dollars(equity) if equity is not None else 'not told yet'}.",
            f"Open risk {dollars(premium)}{share}: the premium of {count} position{'' if count == 1 else 's'} "
            "and of entries under way.",
            f"Critical alerts that are not over: {critical}.",
            f"Head of the history: {head or 'none yet'}",
        ]
    )
