"""The account through the day: its first equity, what was paid in or out, and how much it is worth at this moment.

| day's first equity | when |
|---|---|
| the first sound value after the broker's reset | it came before the session opened |
| the value less the broker's own P&L of the day | it came later, P&L with it: what was lost before counts too |
| the last value of an earlier day | it came later, without P&L |
| the value itself | nothing else is known |

A sound value is in dollars, above zero, of a whole download, and not told within a restart window.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from bot.domain.breaker import Breaker, BreakerChange, BreakerTrigger
from bot.domain.calendar import new_york_day
from bot.domain.connection import ConnectionState
from bot.domain.events.account import AccountReported
from bot.domain.order import base_of
from bot.domain.position import Position
from bot.domain.session import SessionState
from bot.engine.day.restart_windows import window_at
from bot.engine.state.broker_account import Worked
from bot.engine.state.context import Context
from bot.engine.state.equity import STALE, CashFlow, cash_flow
from bot.engine.state.journal import Journal
from bot.engine.state.records import AccountSnapshotRow
from bot.engine.state.steps import Step

_SLACK: Final = timedelta(seconds=5)
"""An execution may be dated by so much before the word that does not hold it yet, or after one that does, besides what
our clock and the broker's are apart: it bears the broker's time, in whole seconds, a word that of its arrival here."""
_ONE_INSTANT: Final = timedelta(seconds=5)
"""At most between the broker's words on value and on P&L: one comes every three minutes, the other each second."""
_NOT_COMPARED: Final = frozenset({SessionState.STARTING, SessionState.RECONCILING})
_MOVED_BY_CASH: Final = ("daily_loss", "drawdown")


def told(ctx: Context, journal: Journal, event: AccountReported) -> None:
    """Take the broker's word on the account."""
    ledger = ctx.ledger
    ledger.account.buying_power = event.buying_power
    before = ledger.account.heard.hear(event, partial(worth, ctx))
    if ledger.account.heard.latest is event and ledger.account.heard.told is not None:
        known = len(ledger.account.opening_equity)
        _begin_the_day(ctx, event)
        if len(ledger.account.opening_equity) > known:
            _keep(ctx, journal, event)  # what the day is measured from and what it was read in stand side by side
        if before is not None:
            _look_for_cash(ctx, journal, before, event, ledger.account.heard.by_marks)
        _raise_high_water(ctx)
    reckon(ctx, journal)


def reckon(ctx: Context, journal: Journal) -> None:
    """Say what the account is worth now, or why that is not known; what has become too old is told once."""
    ledger, risk = ctx.ledger, ctx.settings.risk
    _compare_with_what_was_kept(ctx, journal)
    fault = ledger.account.heard.fault(ctx.now, risk.equity_max_age_s)
    before, ledger.account.equity_fault = ledger.account.equity_fault, fault
    if fault is not None:
        ledger.account.equity = None
        if fault.code == STALE and (before is None or before.code != STALE) and ctx.trading.is_open(ctx.broker_now):
            journal.alert(STALE, f"no entries: {fault.words}", dict(fault.facts))
        return
    if not ctx.trading.is_open(ctx.broker_now):
        ledger.account.equity = ledger.account.heard.told  # P&L of the day is reset some time at night
        return
    ledger.account.equity = ledger.account.heard.estimate(ctx.now, partial(worth, ctx), risk.pnl_max_age_s)


def worth(ctx: Context) -> dict[str, Decimal]:
    """Return what each position has brought so far: of those that are open, and those that ended since the last
    word."""
    ledger, since = ctx.ledger, ctx.ledger.account.heard.told_at
    found: dict[str, Decimal] = {}
    for position in ledger.positions.values():
        value = _value_at_mid(ctx, position)
        if value is not None:
            found[position.id] = value
        elif position.id in ledger.account.heard.worth:
            found[position.id] = ledger.account.heard.worth[position.id]  # nothing new is known
    for position in ledger.tallies.ended_since(since) if since is not None else ():
        found[position.id] = position.realized_pnl
    return found


def _value_at_mid(ctx: Context, position: Position) -> Decimal | None:
    """Return what a position has brought by the middle of its quote, kept until quote or ledger change; None without
    one."""
    quote, version, known = ctx.board.quote(position.key), ctx.ledger.version, ctx.ledger.account.values
    before = known.get(position.id)
    stands = before is not None and before.version == version and not ctx.full
    if before is not None and stands and before.quote is quote:
        return before.value
    realized = before.realized if before is not None and stands else position.realized_pnl
    mid = quote.mid if quote else None
    value = None if mid is None else realized + position.unrealized_pnl(mid)
    known[position.id] = Worked(version, quote, realized, value)
    return value


def _begin_the_day(ctx: Context, event: AccountReported) -> None:
    """Set the day's first equity once. One that was guessed without P&L is mended when P&L comes."""
    ledger, value = ctx.ledger, ctx.ledger.account.heard.told
    at = ledger.clocks.of_broker(event.at)
    day = new_york_day(at)
    if value is None or ledger.connection.state is ConnectionState.RESTART_WINDOW:
        return
    if window_at(ctx.settings.ibkr, at) is not None:
        return
    is_late = ctx.trading.day == day and at > ctx.trading.open_at
    with_pnl = event.daily_pnl is not None and _of_one_instant(event)
    if day in ledger.account.opening_equity and not (day == ledger.account.opening_guessed_on and with_pnl):
        return
    if is_late and with_pnl and event.daily_pnl is not None:
        ledger.account.opening_guessed_on = None
        ledger.account.opening_equity[day] = value - event.daily_pnl
        return
    ledger.account.opening_guessed_on = day if is_late else None
    ledger.account.opening_equity.setdefault(day, (ledger.account.last_close if is_late else None) or value)


def _of_one_instant(event: AccountReported) -> bool:
    """Say whether value and P&L were told together: the P&L of before a fill says nothing of a value after it."""
    return event.pnl_at is None or abs(event.pnl_at - event.at) <= _ONE_INSTANT


def _compare_with_what_was_kept(ctx: Context, journal: Journal) -> None:
    """Money that moved while nobody looked is told from a loss once the book was compared: by then the fills of the
    meantime are known. Until then no breaker judges by money, and no entry passes anyway."""
    account = ctx.ledger.account.heard
    if account.kept is None or account.at_word is None or ctx.ledger.session.state in _NOT_COMPARED:
        return
    kept, account.kept = account.kept, None
    _look_for_cash(ctx, journal, kept, account.at_word)
    _raise_high_water(ctx)


def _look_for_cash(
    ctx: Context, journal: Journal, before: AccountReported, event: AccountReported, by_marks: Decimal | None = None
) -> None:
    """`by_marks`: what our positions brought between the two words, which counts where something was traded and the
    broker's P&L is not of the words' time."""
    ledger = ctx.ledger
    slack = _SLACK + abs(ledger.clocks.apart)
    fills = [
        (each, _multiplier(ctx, each.contract_key), _commission(ctx, each.exec_id))
        for each in ledger.fills.between(before.at - slack, event.at + slack)
        if base_of(each.exec_id) not in ledger.foreign.executions
    ]
    gained = by_marks if fills and not (_of_one_instant(before) and _of_one_instant(event)) else None
    flow = cash_flow(before, event, fills, ctx.settings.risk.cash_flow_usd, slack, gained)
    if flow is not None:
        _move_along(ctx, journal, flow, new_york_day(ledger.clocks.of_broker(event.at)))
        _keep(ctx, journal, event)


def _keep(ctx: Context, journal: Journal, event: AccountReported) -> None:
    """Have the store know the account as it is after a flow, so that a start does not find the same flow again."""
    pnl = ctx.ledger.account.day_pnl(ctx.trading.day)
    row = AccountSnapshotRow(event, ctx.trading.day, pnl or Decimal(0), len(ctx.ledger.positions))
    journal.batch.account = row


def _multiplier(ctx: Context, key: str) -> int:
    held = ctx.ledger.position_index.by_key.get(key, ())
    positions = (ctx.ledger.positions.get(i) or ctx.ledger.closed.get(i) for i in held)
    return next((p.contract.multiplier for p in positions if p is not None), 100)


def _commission(ctx: Context, exec_id: str) -> Decimal:
    return ctx.ledger.fills.commissions.get(exec_id, Decimal(0))


def _move_along(ctx: Context, journal: Journal, flow: CashFlow, day: date) -> None:
    """Money that came or went is neither won nor lost: what equity is compared with moves by the same sum."""
    ledger = ctx.ledger
    ledger.account.move_along(flow.amount, day)
    what = "deposit" if flow.amount > 0 else "withdrawal"
    words = f"{what} of {abs(flow.amount):,.2f} USD: no P&L; the day's first equity and the high water move along"
    facts = {
        "amount": flow.amount,
        "first_equity": ledger.account.opening_equity.get(day),
        "high_water": ledger.account.high_water,
    }
    # With the step, for a start reads them from the breaker: a death before its next pulse must not bring the old back.
    first, high = ledger.account.opening_equity.get(day), ledger.account.high_water
    moved = {"first_equity": first, "day": day, "high_water": high, "seen_at": ledger.account.see_until(ctx.now)}
    for name in _MOVED_BY_CASH:
        breaker = ledger.breakers.setdefault(name, Breaker(name))
        sets = BreakerChange(facts={**breaker.facts, **moved})
        journal.take(Step(breaker, BreakerTrigger.ADJUST, words, {**facts, **flow.facts}, sets, actor="broker"))
    journal.alert("CASH_FLOW", words, {**facts, **flow.facts})


def _raise_high_water(ctx: Context) -> None:
    """The broker's words alone raise it: an estimate that shot over must not be held against the account. What may be a
    deposit of the time before a start raises it once that is known."""
    ledger, value = ctx.ledger, ctx.ledger.account.heard.told
    if ledger.account.heard.kept is not None or ledger.connection.state is ConnectionState.RESTART_WINDOW:
        return
    if value is not None:
        ledger.account.raise_high_water(value)
