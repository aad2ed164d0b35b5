"""A person's edit of a signal that waits for an answer: quantity, limit and first stop, within what rules and sizing
allow. The signal is asked anew with the new terms; nothing is bought by an edit.

| may not | because |
|---|---|
| more contracts than sizing allows at the new limit | the caps of premium and of the day hold for people as well |
| a limit above the ask | nobody has to pay more than what is asked |
| a stop at or above the bid or the limit | it would sell at once |
| a stop below the strategy's | the position could lose more than its rules allow |
| what a rule refuses | every rule is asked with the new terms |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bot.domain.approval import Approval, ApprovalChange, ApprovalTrigger
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.quotes import Quote
from bot.domain.requests import Payload, Refused
from bot.domain.signal import Signal, SignalChange, SignalTrigger
from bot.domain.typed_price import PriceUnclear, price_of
from bot.domain.wording import contract_words
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade.book_view import trade_facts
from bot.engine.trade.sight import frozen_plan
from bot.engine.trade.signals import check, rule_facts, size_at, worst_price
from bot.risk.ladder import protective_stop
from bot.risk.rules import failed

_MOST_CONTRACTS = 100_000  # more digits than anybody means


@dataclass(frozen=True, slots=True)
class SignalTerms:
    """What a person may change of a signal; prices a share, `stop` None: the strategy's."""

    quantity: int
    limit: Decimal
    stop: Decimal | None

    @classmethod
    def of(cls, signal: Signal) -> SignalTerms:
        return cls(signal.quantity, signal.limit_price, signal.stop_price)

    def difference(self, new: SignalTerms) -> str:
        """Return in words what another set of terms changes: `quantity 4 → 3, stop the strategy's → 1.20`."""
        pairs = (
            ("quantity", self.quantity, new.quantity),
            ("limit", self.limit, new.limit),
            ("stop", self.stop or "the strategy's", new.stop or "the strategy's"),
        )
        return ", ".join(f"{name} {old} → {now}" for name, old, now in pairs if old != now)


def edit(ctx: Context, signal: Signal, approval: Approval, payload: Payload, actor: str) -> list[Step]:
    """Return the steps that give a signal the terms that a person wants; raises Refused with a code where they are none
    or more than is allowed, and then nothing has changed."""
    quote = ctx.board.quote(signal.key)
    if quote is None or quote.bid is None or quote.ask is None:
        raise Refused("EDIT_NO_QUOTE: no quote of the contract is here to judge new terms by")
    old, new = SignalTerms.of(signal), _wanted(ctx, signal, payload)
    difference = old.difference(new)
    if not difference:
        raise Refused("EDIT_EMPTY: these are the terms that it has")
    _refuse_prices(ctx, signal, new, quote)
    _refuse_size(ctx, signal, new, quote)
    results = check(ctx, signal, _scaled(ctx, signal, new), quantity=new.quantity, limit_price=new.limit)
    if refused := failed(results):
        raise Refused("EDIT_REFUSED: " + "; ".join(result.text for result in refused))
    words = f"edited by {actor}: {difference}"
    evidence = {"before": _facts(old), "after": _facts(new), "rules": rule_facts(results)}
    return [
        Step(approval, ApprovalTrigger.EDIT, words, evidence, ApprovalChange(edits=approval.edits + 1), actor=actor),
        _changed(ctx, signal, new, words, evidence, actor),
    ]


def _changed(
    ctx: Context, signal: Signal, new: SignalTerms, words: str, evidence: Mapping[str, Any], actor: str
) -> Step:
    notional = new.limit * new.quantity * signal.contract.multiplier
    equity = ctx.ledger.account.equity
    sets = SignalChange(quantity=new.quantity, limit_price=new.limit, stop_price=new.stop, notional=notional)
    sets["risk_fraction"] = notional / equity if equity else signal.risk_fraction
    return Step(signal, SignalTrigger.EDIT, words, evidence, sets, actor=actor)


def _wanted(ctx: Context, signal: Signal, payload: Payload) -> SignalTerms:
    now, grid = SignalTerms.of(signal), ctx.board.grid(signal.key)
    limit = _price("limit", payload.limit) if payload.limit else now.limit
    stop = _price("stop", payload.stop) if payload.stop else now.stop
    for name, price in (("limit", limit), ("stop", stop)):
        if price is not None and not grid.contains(price):
            raise Refused(
                f"EDIT_OFF_GRID: {name} {price} is no price of it; {grid.down(price)} and {grid.up(price)} are"
            )
    return SignalTerms(_quantity(payload.quantity) if payload.quantity else now.quantity, limit, stop)


def _quantity(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit()) or not 0 < int(typed[:12]) < _MOST_CONTRACTS:
        raise Refused(f"EDIT_UNCLEAR: {typed[:24]!r} is no number of contracts")
    return int(typed)


def _price(name: str, typed: str) -> Decimal:
    try:
        return price_of(typed)
    except PriceUnclear as unclear:
        raise Refused(f"EDIT_UNCLEAR: {name}: {unclear}") from unclear


def _refuse_prices(ctx: Context, signal: Signal, new: SignalTerms, quote: Quote) -> None:
    if quote.ask is not None and new.limit > max(quote.ask, signal.limit_price):
        raise Refused(f"EDIT_ABOVE_ASK: limit {new.limit} is above the ask, {quote.ask}")
    if new.stop is None:
        return
    bid = quote.bid or Decimal(0)
    if new.stop >= min(new.limit, bid):
        raise Refused(f"EDIT_STOP_TOO_HIGH: a stop at {new.stop} would sell at once: limit {new.limit}, bid {bid}")
    plan = frozen_plan(ctx, signal.strategy, signal.contract)
    least = protective_stop(new.limit, plan, ctx.board.grid(signal.key))
    if new.stop < least:
        raise Refused(f"EDIT_STOP_TOO_LOW: the strategy's stop for this limit is {least}; a lower one risks more")


def _refuse_size(ctx: Context, signal: Signal, new: SignalTerms, quote: Quote) -> None:
    equity = ctx.ledger.account.equity
    if equity is None:
        raise Refused("EDIT_NO_EQUITY: the account's equity is not known, and size is taken of it")
    worst = worst_price(ctx, signal.key, quote, new.limit)
    trade = trade_facts(ctx, signal.strategy, signal.contract, signal.rationale)
    size = size_at(ctx, signal.contract, quote, equity, worst, signal, trade)
    if new.quantity > max(size.contracts, 0):
        raise Refused(f"EDIT_TOO_LARGE: {new.quantity} contracts; {size.contracts} are allowed: {size.bound_by}")


def _scaled(ctx: Context, signal: Signal, new: SignalTerms) -> WhatIfAnswered | None:
    """Return the broker's last preview with its margin for the new terms, as if told now: a long option's margin is its
    premium, and a person takes their time. The broker is asked again, and on approval its word for these very terms
    counts."""
    seen = signal.what_if
    if seen is None:
        return None
    answer = WhatIfAnswered(
        signal.id, seen["init_margin_change"], seen["equity_with_loan_after"], seen["init_margin_after"],
        seen["commission"], seen["error"], ctx.now,
    )  # fmt: skip
    if answer.init_margin_change is None or answer.init_margin_after is None or not signal.notional:
        return answer
    premium = new.limit * new.quantity * signal.contract.multiplier
    change = answer.init_margin_change * premium / signal.notional
    after = answer.init_margin_after - answer.init_margin_change + change
    return replace(answer, init_margin_change=change, init_margin_after=after)


def _facts(terms: SignalTerms) -> dict[str, Any]:
    return {"quantity": terms.quantity, "limit": terms.limit, "stop": terms.stop}


def words_of(ctx: Context, signal: Signal) -> str:
    """Return what a signal asks for now, in words."""
    stop = "" if signal.stop_price is None else f", stop {signal.stop_price}"
    return f"{signal.quantity} x {contract_words(signal.contract, ctx.trading.day)} at {signal.limit_price}{stop}"
