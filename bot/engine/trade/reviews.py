"""Which signals the overseer is asked about before they are traded, and what its silence leads to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.domain.overseer import OnSilence
from bot.domain.review import Review, ReviewState
from bot.domain.signal import Signal, SignalTrigger
from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.engine.state.context import Context
from bot.engine.state.records import ENDED_DAYS
from bot.engine.state.reviews import review_of
from bot.engine.state.steps import Birth, Step
from bot.engine.trade.book_view import due_before_exit
from bot.risk.complexity import ComplexityView, complexity


def question(ctx: Context, signal: Signal, evidence: Mapping[str, Any]) -> list[Step] | None:
    """Return what keeps a signal waiting for the overseer: the step that asks, or nothing while it is asked already.
    None: it is plain, or the review is over."""
    review = review_of(ctx.ledger, signal.id)
    if review is not None:
        return [] if review.is_open else None
    settings = ctx.settings.overseer
    if not (ctx.overseen and settings.enabled and settings.review.enabled):
        return None
    why = complexity(_view(ctx, signal), settings.review)
    if not why:
        return None
    deadline = ctx.now + timedelta(seconds=settings.review.deadline_s)
    asked = Review(ctx.new_id(), signal.id, ctx.now, deadline, why=why)
    words = f"the overseer is asked, for at most {settings.review.deadline_s:g} s: {'; '.join(why)}"
    birth = Birth(asked, words, {"signal_id": signal.id, "why": list(why), "deadline": deadline})
    return [Step(signal, SignalTrigger.ASK, words, evidence, births=(birth,))]


def _view(ctx: Context, signal: Signal) -> ComplexityView:
    events = signal.rationale.get("events_before_exit")
    said_events = tuple(str(each) for each in events) if isinstance(events, list | tuple) else ()
    return ComplexityView(
        premium_fraction=signal.risk_fraction,
        days_to_expiry=signal.contract.days_to_expiry(ctx.trading.day),
        opposed=_opposed(ctx, signal),
        events=(*said_events, *(each for each in due_before_exit(ctx, signal) if each not in said_events)),
        confidence=confidence_of(signal),
        first_after_enabling=_is_first(ctx, signal.strategy),
    )


def complexity_of(ctx: Context, signal: Signal) -> tuple[str, ...]:
    """Return in words everything that makes a signal complex; empty: it is plain."""
    return complexity(_view(ctx, signal), ctx.settings.overseer.review)


def confidence_of(signal: Signal) -> float | None:
    """Return how sure a strategy said it was, 0 to 100; None where it said nothing."""
    said = signal.rationale.get("confidence")
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


def _is_first(ctx: Context, strategy: str) -> bool:
    """Say whether a strategy that a person switched on again has not traded since."""
    switch = ctx.ledger.entities.of(StrategySwitch).get(strategy)
    if switch is None or switch.state is not SwitchState.ON or switch.switched_at is None:
        return False
    traded = (*ctx.ledger.positions.values(), *ctx.ledger.closed.values())
    if any(p.strategy == strategy and p.opened_at >= switch.switched_at for p in traded):
        return False
    first = switch.switched_at + timedelta(days=ENDED_DAYS)  # what ended by then may be one of before the switch
    return not ctx.ledger.outcomes.of(strategy, since=first)


def _opposed(ctx: Context, signal: Signal) -> tuple[str, ...]:
    """Return the other strategies that hold, or want, the other right on the signal's symbol."""
    ledger, right = ctx.ledger, signal.contract.right
    held = [(p.strategy, p.contract) for p in ledger.positions.values()]
    wanted = [(s.strategy, s.contract) for s in ledger.signals.values() if s.id != signal.id]
    others = {
        strategy for strategy, contract in (*held, *wanted)
        if contract.symbol == signal.symbol and contract.right is not right and strategy != signal.strategy
    }  # fmt: skip
    return tuple(sorted(others))


def wants_a_person(ctx: Context, signal: Signal) -> bool:
    """Say whether a person is to be asked because no verdict came."""
    review = review_of(ctx.ledger, signal.id)
    is_silent = review is not None and review.state is ReviewState.SILENT
    return is_silent and ctx.settings.overseer.review.on_silence is OnSilence.PERSON


def note(ctx: Context, signal: Signal) -> dict[str, Any]:
    """Return the review beside the rules' answers in a signal's evidence; empty: there was none."""
    review = review_of(ctx.ledger, signal.id)
    if review is None:
        return {}
    return {"overseer_review": {"state": review.state, "text": review.note, "id": review.id}}
