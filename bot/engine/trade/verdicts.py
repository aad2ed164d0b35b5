"""What a verdict, or its absence, does to a signal that waits for it. It can veto or annotate, never approve.

A review that is over sends the signal back to where it stood: the margin is asked anew and the rules judge it.
"""

from __future__ import annotations

from bot.domain.overseer import ACTOR, Action, Answered, OnSilence, OverseerVerdict
from bot.domain.review import Review, ReviewChange, ReviewTrigger
from bot.domain.signal import SignalState
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade.signals import ask_what_if, refuse_by_person


def go_on(ctx: Context, review: Review) -> list[Step]:
    """Return what follows when a signal is over before its verdict, or the deadline has come."""
    signal = ctx.ledger.signals.get(review.signal_id)
    if signal is None or signal.state is not SignalState.PENDING:
        sets = ReviewChange(decided_at=ctx.now)
        return [Step(review, ReviewTrigger.DROP, "the signal was over before the verdict", {}, sets)]
    if ctx.now < review.deadline:
        return []
    waited = (review.deadline - review.asked_at).total_seconds()
    return without(ctx, review, f"no verdict within {waited:g} s")


def without(ctx: Context, review: Review, why: str, call_id: str = "") -> list[Step]:
    """Return what follows when there is no verdict: by `overseer.review.on_silence`."""
    policy, signal = ctx.settings.overseer.review.on_silence, ctx.ledger.signals[review.signal_id]
    words = f"{why}: {_AFTER[policy]}"
    sets = ReviewChange(decided_at=ctx.now, note=words, call_id=call_id)
    if policy is OnSilence.VETO:
        return [Step(review, ReviewTrigger.SILENCE, words, {}, sets), *refuse_by_person(ctx, signal, "tick", words)]
    return [Step(review, ReviewTrigger.SILENCE, words, {}, sets, instructions=(ask_what_if(signal),))]


_AFTER = {
    OnSilence.RULES: "the rules decide",
    OnSilence.PERSON: "a person is asked",
    OnSilence.VETO: "the signal is vetoed",
}


def answer(ctx: Context, review: Review, verdict: OverseerVerdict, call_id: str) -> tuple[str, list[Step]]:
    """Return in words what a verdict does, and the steps. One that is late, or that vetoes without leave, does not."""
    signal = ctx.ledger.signals.get(review.signal_id)
    if not review.is_open or ctx.now >= review.deadline or signal is None or signal.state is not SignalState.PENDING:
        return f"late: the review is {review.state}; a late verdict is none", []
    if verdict.answered not in {Answered.ANSWERED, Answered.REPLACED}:
        return "no verdict", without(ctx, review, f"no verdict ({verdict.answered})", call_id)
    said = verdict.text or verdict.reason
    sets = ReviewChange(decided_at=ctx.now, note=said, call_id=call_id)
    if verdict.action is Action.VETO and ctx.settings.overseer.may_do(Action.VETO):
        words = f"vetoed by the overseer: {verdict.reason or said or 'no reason given'}"
        step = Step(review, ReviewTrigger.VETO, words, {"call": call_id}, sets, actor=ACTOR)
        return "vetoed", [step, *refuse_by_person(ctx, signal, ACTOR, words)]
    words = f"no veto: {said}" if said else "no veto"
    instructions = (ask_what_if(signal),)
    step = Step(review, ReviewTrigger.CLEAR, words, {"call": call_id}, sets, instructions=instructions, actor=ACTOR)
    return "noted", [step]
