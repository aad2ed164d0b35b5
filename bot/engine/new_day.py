"""A new day in New York: what yesterday needed and today does not is let go.

Context: the bot runs for months, and most of what it remembers is of one day: orders and executions that may still be
spoken of, quotes of options that expire that afternoon, who was told of what. Decision: once a day every table of the
engine that grows with trades is cut to what a start would read from the store. Consequence: memory
is a matter of how much is traded in a few days, not of how long the program runs; what lasts "for the day" ends with it
without a restart.

| table | kept |
|---|---|
| ledger: orders, closed positions, ended signals, approvals | what is alive or tied to it, and of ENDED_DAYS |
| ledger: executions, commissions | of EXECUTION_DAYS, and those of kept orders |
| ledger: what was told of foreign orders | of today |
| board: quotes, greeks, books, trades, grids | underlyings, options that have not expired, what is held |
| schedule, parking, persons' approvals | of what is alive |
"""

from __future__ import annotations

from bot.domain.calendar import new_york_day
from bot.engine.requested.desk import PersonsApprovals
from bot.engine.state import forgetting
from bot.engine.state.context import Context
from bot.engine.state.parking import Parking
from bot.engine.state.schedule import Schedule


def begin(ctx: Context, schedule: Schedule, parking: Parking, approvals: PersonsApprovals) -> None:
    """Let go of what was over for days; nothing of it is written, for the store keeps everything."""
    ledger, today = ctx.ledger, new_york_day(ctx.now)
    forgetting.forget(ledger, today, ctx.now)
    ctx.board.turn_to(today, {position.key for position in ledger.positions.values()})
    alive = {*ledger.positions, *ledger.signals, *ledger.order_index.open}
    refs = {order.order_ref for order in ledger.order_index.open.values()}
    schedule.keep(alive)
    parking.keep(alive | refs)
    for signal_id in approvals.waiting.keys() - alive:
        del approvals.waiting[signal_id]
