"""Signals: proposed by strategies, measured by the broker's what-if, judged by the rules, answered by rules or a
person.

All functions here are pure: they return steps or births and touch nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bot.config.schema import ApprovalMode
from bot.config.strategies import PlanName
from bot.domain.approval import Approval, ApprovalChange, ApprovalState, ApprovalTrigger
from bot.domain.connection import Permission
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.instructions import AskWhatIf, Instruction, SubmitOrder
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import OrderSide, OrderTicket, OrderType, Purpose, Terms
from bot.domain.position import Position
from bot.domain.quotes import Quote
from bot.domain.signal import Signal, SignalChange, SignalState, SignalTrigger
from bot.domain.wording import contract_words
from bot.engine.state.context import Context
from bot.engine.state.steps import Birth, Step
from bot.engine.trade import pace, reviews
from bot.engine.trade.book_view import blackout, book_view, concentrated, trade_facts, week_pnl
from bot.engine.trade.entry_style import adaptive_of, is_fast, opening_terms
from bot.risk.allowance import PLAIN, TradeFacts, most_fraction
from bot.risk.book_limits import caps as book_caps
from bot.risk.rules import EntryView, RuleResult, failed, validate_entry
from bot.risk.sizing import Size, day_may_lose, most_of_one_order, size_entry
from bot.strategies.base import Proposal


@dataclass(frozen=True, slots=True)
class SizedSignal:
    """What came of a proposal: the birth of its signal, the what-if that measures it, and the cap that sized it."""

    signal: Signal
    birth: Birth
    instructions: tuple[Instruction, ...]
    bound_by: str


def propose(ctx: Context, proposal: Proposal) -> SizedSignal | str:
    """Return a new pending signal and the what-if that measures it, or in words why there is none."""
    equity = ctx.ledger.account.equity
    if equity is None:
        return no_equity(ctx)
    contract = proposal.contract
    limit, worst = _prices(ctx, proposal)
    trade = trade_facts(ctx, proposal.strategy, contract, proposal.rationale)
    size = size_at(ctx, contract, proposal.quote, equity, worst, trade=trade)
    quantity = size.contracts
    notional = limit * quantity * contract.multiplier
    signal = Signal(
        id=ctx.new_id(),
        strategy=proposal.strategy,
        contract=contract,
        quantity=quantity,
        limit_price=limit,
        notional=notional,
        created_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=ctx.settings.approval.signal_ttl_s),
        risk_fraction=notional / equity,
        rationale=proposal.rationale,
        what_if_asked_at=ctx.now,
    )
    signal = _with_terms(ctx, signal, worst)
    if quantity == 0:
        words = f"proposed, but no contract is allowed: {size.bound_by}"
        return SizedSignal(signal, Birth(signal, words, _sizing_evidence(signal, equity, worst)), (), size.bound_by)
    birth = Birth(signal, _why(proposal), {**proposal.rationale, "size": size.bound_by})
    return SizedSignal(signal, birth, (ask_what_if(signal),), size.bound_by)


def _with_terms(ctx: Context, signal: Signal, worst: Decimal) -> Signal:
    """Return a new signal with its targets, what they bring for what the stop would lose, and what makes it complex."""
    plan, grid, entry = ctx.exit_settings(signal.strategy), ctx.board.grid(signal.key), signal.limit_price
    last = getattr(plan, "target", None)
    gains = [rung.gain for rung in plan.rungs] + ([last] if last is not None else [])
    confidence = reviews.confidence_of(signal)
    return replace(
        signal,
        confidence=None if confidence is None else round(confidence),
        targets=tuple(format(grid.nearest(entry * (1 + gain)), "f") for gain in gains),
        risk_reward=round(float(max(gains) / plan.stop_loss), 2) if gains else None,
        max_risk=worst * signal.quantity * signal.contract.multiplier,
        complexity="; ".join(reviews.complexity_of(ctx, signal)),
    )


def size_at(
    ctx: Context,
    contract: OptionContract,
    quote: Quote,
    equity: Decimal,
    worst: Decimal,
    leaving_out: Signal | None = None,
    trade: TradeFacts = PLAIN,
) -> Size:
    """Return how many contracts may be bought at a worst price a share; what one signal has still to buy may be left
    out."""
    book = book_view(ctx, contract, leaving_out)
    return size_entry(
        ctx.settings.risk,
        ctx.settings.sizing,
        equity=equity,
        price=worst,
        multiplier=contract.multiplier,
        displayed=min(quote.bid_size, quote.ask_size),
        may_lose=_day_may_lose(ctx),
        open_premium=open_premium(ctx, leaving_out),
        scale=ctx.ledger.slowdown.scale_at(ctx.now),
        trade=trade,
        further=book_caps(book, ctx.settings.risk, equity, worst * contract.multiplier) if worst > 0 else (),
    )


def _day_may_lose(ctx: Context) -> Decimal | None:
    ledger, day = ctx.ledger, ctx.trading.day
    opening, pnl = ledger.account.opening_equity.get(day), ledger.account.day_pnl(day)
    return None if opening is None or pnl is None else day_may_lose(ctx.settings.risk, opening, pnl)


def day_room(ctx: Context, leaving_out: Signal) -> Decimal | None:
    """Return the dollars of premium that may be added, what a signal has still to buy not counted; None: unknown."""
    may_lose = _day_may_lose(ctx)
    return None if may_lose is None else may_lose - open_premium(ctx, leaving_out)


def order_most(ctx: Context, key: str) -> int:
    """Return how many contracts one entry order may ask for, by what its quote displays now."""
    quote = ctx.board.quote(key)
    return most_of_one_order(ctx.settings.risk, min(quote.bid_size, quote.ask_size) if quote is not None else 0)


def open_premium(ctx: Context, leaving_out: Signal | None = None) -> Decimal:
    """Return the dollars that open positions and entries under way may still lose: what they are worth, else cost;
    what one signal has still to buy may be left out."""
    total = Decimal(0)
    for position in ctx.ledger.positions.values():
        quote = ctx.board.quote(position.key)
        price = quote.bid if quote is not None and quote.bid is not None else position.entry_price
        total += price * position.quantity * position.contract.multiplier
    return total + sum((_to_buy(ctx, s) for s in ctx.ledger.signals.values() if s is not leaving_out), Decimal(0))


def _to_buy(ctx: Context, signal: Signal) -> Decimal:
    """Return the premium of what a live signal may still buy; what it has bought counts as its position."""
    position = ctx.ledger.positions.get(signal.position_id or "")
    left = signal.quantity - (position.entry_quantity if position is not None else 0)
    return signal.limit_price * max(left, 0) * signal.contract.multiplier


def no_equity(ctx: Context) -> str:
    """Return in words, with the code, why there is no equity to take a size of."""
    fault = ctx.ledger.account.equity_fault
    return f"{fault.code}: {fault.words}" if fault is not None else "the account's equity is not known yet"


def _prices(ctx: Context, proposal: Proposal) -> tuple[Decimal, Decimal]:
    """Return the first limit of an entry and the most that it may come to cost, by the style in which it is worked."""
    if is_fast(ctx, proposal.rationale):
        terms = opening_terms(ctx, proposal.contract.key, proposal.quote)
        if terms is not None:
            return terms
    limit = entry_price(ctx, proposal)
    return limit, worst_price(ctx, proposal.contract.key, proposal.quote, limit)


def entry_price(ctx: Context, proposal: Proposal) -> Decimal:
    """Return the mid on the contract's price grid; a proposal always has a sound quote."""
    mid = proposal.quote.mid
    if mid is None:
        raise ValueError(f"proposal for {proposal.contract} without a mid")
    return ctx.board.grid(proposal.contract.key).nearest(mid)


def worst_price(ctx: Context, key: str, quote: Quote, limit: Decimal) -> Decimal:
    """Return what the order may cost after its one move towards the ask: size is taken at this price."""
    spread = quote.spread or Decimal(0)
    return ctx.board.grid(key).up(limit + spread * ctx.settings.execution.reprice_spread_fraction)


def ask_what_if(signal: Signal) -> AskWhatIf:
    """Ask for the margin effect of the signal's order."""
    ticket = OrderTicket(
        signal.id,
        "",
        signal.key,
        OrderSide.BUY,
        OrderType.LIMIT,
        Terms(signal.quantity, limit_price=signal.limit_price),
    )
    return AskWhatIf(signal.id, ticket)


def measured(signal: Signal, answer: WhatIfAnswered) -> Step:
    """The broker's answer to the what-if becomes part of the signal."""
    facts = {
        "init_margin_change": answer.init_margin_change,
        "init_margin_after": answer.init_margin_after,
        "equity_with_loan_after": answer.equity_with_loan_after,
        "commission": answer.commission,
        "error": answer.error,
        "at": answer.at,
    }
    words = answer.error or f"margin {answer.init_margin_change}, commission {answer.commission}"
    return Step(signal, SignalTrigger.MEASURE, f"what-if: {words}", facts, SignalChange(what_if=facts), actor="broker")


def judge(ctx: Context, signal: Signal, answer: WhatIfAnswered) -> list[Step]:
    """Decide on a measured signal: refuse it with every failed rule, approve it, or ask a person."""
    results = check(ctx, signal, answer)
    refused = failed(results)
    if refused:
        return [_refusal(ctx, signal, results)]
    evidence = rule_facts(results) | reviews.note(ctx, signal)
    if (waits := reviews.question(ctx, signal, evidence)) is not None:
        return waits
    approval = Approval(ctx.new_id(), signal.id, ctx.now, signal.expires_at)
    if _asks_a_person(ctx, signal):
        name = contract_words(signal.contract, ctx.trading.day)
        words = f"{signal.quantity} x {name} at {signal.limit_price} waits for a person"
        birth = Birth(approval, words, evidence)
        return [
            Step(signal, SignalTrigger.ASK, words, evidence, SignalChange(approval_id=approval.id), births=(birth,))
        ]
    birth = Birth(approval, "the rules are asked", {})
    ask = Step(
        signal, SignalTrigger.ASK, "the rules decide", {}, SignalChange(approval_id=approval.id), births=(birth,)
    )
    return [ask, *_approved(ctx, signal, approval, "rules", evidence)]


def answer_by_person(
    ctx: Context, signal: Signal, approval: Approval, actor: str, answer: WhatIfAnswered
) -> list[Step]:
    """A person said yes: the world may have moved since, so every rule is checked again."""
    results = check(ctx, signal, answer)
    refused = failed(results)
    if refused:
        words = "approved too late: " + "; ".join(r.text for r in refused)
        sets = ApprovalChange(decided_at=ctx.now, decided_by=actor, reason=words)
        return [Step(approval, ApprovalTrigger.REJECT, words, {}, sets), _refusal(ctx, signal, results)]
    return _approved(ctx, signal, approval, actor, rule_facts(results))


def refuse_by_person(ctx: Context, signal: Signal, actor: str, reason: str) -> list[Step]:
    """A person said no."""
    steps = [Step(signal, SignalTrigger.REJECT, reason, {}, SignalChange(closed_at=ctx.now), actor=actor)]
    return steps + close_question(ctx, signal, actor, reason)


def close_question(ctx: Context, signal: Signal, actor: str, reason: str) -> list[Step]:
    """Answer with no what a person was still asked about a signal."""
    approval = ctx.ledger.approvals.get(signal.approval_id or "")
    if approval is None or approval.state is not ApprovalState.REQUESTED:
        return []
    sets = ApprovalChange(decided_at=ctx.now, decided_by=actor, reason=reason)
    return [Step(approval, ApprovalTrigger.REJECT, reason, {}, sets, actor=actor)]


def expire(ctx: Context, signal: Signal) -> list[Step]:
    """Let a signal that nobody took in time go, with its question."""
    if signal.state not in {SignalState.PENDING, SignalState.APPROVED} or ctx.now < signal.expires_at:
        return []
    waited = (ctx.now - signal.created_at).total_seconds()
    words = f"not answered within {waited:.0f} s"
    steps = [
        Step(signal, SignalTrigger.EXPIRE, words, {"expires_at": signal.expires_at}, SignalChange(closed_at=ctx.now))
    ]
    approval = ctx.ledger.approvals.get(signal.approval_id or "")
    if approval is not None and approval.state is ApprovalState.REQUESTED:
        steps.append(Step(approval, ApprovalTrigger.EXPIRE, words, {}, ApprovalChange(decided_at=ctx.now)))
    return steps


def reject_unsized(ctx: Context, signal: Signal, bound_by: str) -> Step:
    """A signal of zero contracts; `bound_by` names the cap."""
    cost = signal.limit_price * signal.contract.multiplier
    evidence = {"equity": ctx.ledger.account.equity, "fraction": ctx.settings.risk.max_premium_fraction, "cost": cost}
    return Step(signal, SignalTrigger.REJECT, bound_by, evidence, SignalChange(closed_at=ctx.now))


def reject_in_shadow(ctx: Context, signal: Signal) -> Step:
    """A signal of a strategy that looks and does not trade: what it would have bought stays on record."""
    words = (
        f"SHADOW: {signal.strategy} is switched to shadow; {signal.quantity} at {signal.limit_price} would be bought"
    )
    return Step(signal, SignalTrigger.REJECT, words, {"shadow": True}, SignalChange(closed_at=ctx.now))


def check(
    ctx: Context,
    signal: Signal,
    answer: WhatIfAnswered | None,
    *,
    quantity: int | None = None,
    limit_price: Decimal | None = None,
) -> tuple[RuleResult, ...]:
    """Return every rule with its numbers for this signal now; for other terms than it has where some are given."""
    ledger = ctx.ledger
    own = ledger.positions.get(signal.position_id or "")  # of its earlier chunks
    exposure = ledger.entering.exposure(leaving_out=signal)
    strategy = ctx.strategies.get(signal.strategy)
    gone = (f"strategy:{signal.strategy} is not configured",)
    view = EntryView(
        contract=signal.contract,
        quantity=signal.quantity if quantity is None else quantity,
        limit_price=signal.limit_price if limit_price is None else limit_price,
        quote=ctx.board.quote(signal.key),
        now=ctx.now,
        today=ctx.trading.day,
        session_state=ledger.session.state,
        session=ctx.entering,
        connection_state=ledger.connection.state.value,
        connection_allows_entry=ledger.connection.allows(Permission.ENTER) and not ctx.restart_is_near,
        equity=ledger.account.equity,
        day_pnl=ledger.account.day_pnl(ctx.trading.day),
        open_calls=exposure.calls,
        open_puts=exposure.puts,
        open_total=exposure.total,
        open_on_symbol=exposure.on(signal.symbol),
        symbol_halt=_kept_off(ctx, signal),
        held_on_contract=ledger.position_index.held_on(signal.key) - (own.quantity if own is not None else 0),
        sells_on_contract=len(ledger.order_index.live_on(signal.key, OrderSide.SELL)),
        buys_on_contract=len(ledger.order_index.live_on(signal.key, OrderSide.BUY)),
        what_if=answer,
        input_faults=strategy.input_faults(signal.symbol, ctx.board, ctx.now, signal.contract) if strategy else gone,
        breakers=ledger.entering.blocks,
        into_the_close=ctx.exit_plan(signal.strategy) is PlanName.MOC,
        week_pnl=week_pnl(ctx),
        book=book_view(ctx, signal.contract, signal),
        premium_most=most_fraction(ctx.settings.sizing, ctx.settings.risk.max_premium_fraction, _trade(ctx, signal)),
        blackout=blackout(ctx, signal.contract),
        bets=ledger.entering.bets(signal),
        minutes=ledger.minutes,
        equity_fault=ledger.account.equity_fault.code if ledger.account.equity_fault else "",
        equity_facts=ledger.account.equity_fault.facts if ledger.account.equity_fault else {},
        order_most=order_most(ctx, signal.key),
        spacing_s=(spacing := ledger.slowdown.spacing_at(ctx.now)),
        since_entry_s=pace.since_last_entry_s(ctx, signal.id) if spacing else None,
    )
    return validate_entry(view, ctx.settings.risk)


def _trade(ctx: Context, signal: Signal) -> TradeFacts:
    return trade_facts(ctx, signal.strategy, signal.contract, signal.rationale)


def _kept_off(ctx: Context, signal: Signal) -> str:
    if kept := ctx.ledger.entering.kept_off(signal.symbol):
        return kept.reason
    return "the broker's quantity is another than ours" if signal.key in ctx.ledger.proof.unequal else ""


def rule_facts(results: tuple[RuleResult, ...]) -> dict[str, Any]:
    return {r.rule: {"passed": r.passed, "text": r.text, **r.facts} for r in results}


def _approved(ctx: Context, signal: Signal, approval: Approval, actor: str, evidence: Mapping[str, Any]) -> list[Step]:
    """Approve and write the entry order in the same transaction: nothing is sent that is not on disk."""
    by = "tick" if actor == "rules" else actor
    first = min(signal.quantity, order_most(ctx, signal.key))
    name, limit = contract_words(signal.contract, ctx.trading.day), _limit_now(ctx, signal)
    words = f"approved by {actor}: {signal.quantity} x {name} at {limit}"
    words += f", in chunks, the first of {first}" if first < signal.quantity else ""
    decided = ApprovalChange(decided_at=ctx.now, decided_by=actor, reason=words)
    return [
        Step(approval, ApprovalTrigger.APPROVE, words, {}, decided, actor=by),
        Step(signal, SignalTrigger.APPROVE, words, evidence, actor=by, alerts=concentrated(ctx, signal)),
        send_entry(ctx, signal, first, f"buy {first} at {limit}", {}),
    ]


def send_entry(
    ctx: Context,
    signal: Signal,
    quantity: int,
    words: str,
    evidence: Mapping[str, Any],
    *,
    position: Position | None = None,
) -> Step:
    """Write an entry order and send it; `position`: what the signal's earlier chunks bought."""
    limit = _limit_now(ctx, signal)
    terms = Terms(quantity, limit_price=limit)
    order = ctx.new_order(Purpose.ENTRY, OrderType.LIMIT, terms, tag="entry", signal=signal, position=position)
    birth = Birth(order, f"entry for signal {signal.id}", {"mid": order.mid_at_decision, "limit": limit})
    ticket = replace(order.ticket(), adaptive=adaptive_of(ctx, signal.rationale))
    return Step(
        signal,
        SignalTrigger.WORK,
        words,
        {"order_ref": order.order_ref, "limit": limit, **evidence},
        SignalChange(entry_order_id=signal.entry_order_id or order.id),
        births=(birth,),
        instructions=(SubmitOrder(ticket),),
    )


def _limit_now(ctx: Context, signal: Signal) -> Decimal:
    """Return the mid of this moment, for an answer may take minutes; never more than what was approved."""
    quote = ctx.board.quote(signal.key)
    if quote is None or quote.mid is None:
        return signal.limit_price
    if is_fast(ctx, signal.rationale) and (terms := opening_terms(ctx, signal.key, quote)) is not None:
        return min(signal.limit_price, terms[0])
    return min(signal.limit_price, ctx.board.grid(signal.key).nearest(quote.mid))


def _refusal(ctx: Context, signal: Signal, results: tuple[RuleResult, ...]) -> Step:
    """Refuse by the rules that failed; what every rule said stays beside it."""
    words = "; ".join(r.text for r in failed(results))
    return Step(signal, SignalTrigger.REJECT, words, rule_facts(results), SignalChange(closed_at=ctx.now))


def _asks_a_person(ctx: Context, signal: Signal) -> bool:
    mode = ctx.settings.approval.mode
    if reviews.wants_a_person(ctx, signal):
        return True
    if mode is ApprovalMode.ABOVE_RISK:
        return signal.risk_fraction > ctx.settings.approval.above_risk_fraction
    return mode is ApprovalMode.MANUAL


def _why(proposal: Proposal) -> str:
    side = "call" if proposal.contract.right is Right.CALL else "put"
    return f"{proposal.strategy} proposes a {side}: {proposal.contract}"


def _sizing_evidence(signal: Signal, equity: Decimal, worst: Decimal) -> dict[str, Any]:
    return {"equity": equity, "price": worst, "multiplier": signal.contract.multiplier, **signal.rationale}
