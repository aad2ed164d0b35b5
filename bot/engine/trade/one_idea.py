"""One idea on one underlying is one trade: a strategy that proposes what another one has under way joins it.

Its reasons stand beside the first one's; the trade stays the first one's, with its size, its plan and its switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.position import OPEN
from bot.domain.signal import Signal, SignalChange, SignalState, SignalTrigger
from bot.domain.strategy_switch import SwitchState
from bot.domain.wording import new_york
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.strategies.base import Look, Proposal, Strategy

WITH = "with"
"""Under what name a signal's rationale has the strategies that joined, each with its reason."""
_UNDER_WAY = frozenset({SignalState.PENDING, SignalState.APPROVED, SignalState.WORKING})


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of a proposal that is another one's idea: in words, and the step that puts its reasons there; None
    where they are there already, or the trade is on."""

    words: str
    step: Step | None = None


def joins(ctx: Context, strategy: Strategy, look: Look) -> Joined | None:
    """Return what a proposal joins; None where the idea is new, or where the strategy does not trade."""
    proposal = look.proposal
    if proposal is None or ctx.ledger.entering.switch(strategy.name) is not SwitchState.ON:
        return None
    signal = _under_way(ctx, proposal)
    if signal is not None:
        return _join(signal, proposal, look.reason)
    held = _held(ctx, strategy, proposal)
    return None if held is None else Joined(held)


def _under_way(ctx: Context, proposal: Proposal) -> Signal | None:
    right, symbol = proposal.contract.right, proposal.contract.symbol
    for signal in ctx.ledger.signals.values():
        same = signal.symbol == symbol and signal.contract.right is right
        if same and signal.state in _UNDER_WAY and signal.strategy != proposal.strategy:
            return signal
    return None


def _join(signal: Signal, proposal: Proposal, reason: str) -> Joined:
    others: dict[str, Any] = dict(signal.rationale.get(WITH) or {})
    words = f"one idea with {signal.strategy}'s signal {signal.id}"
    if proposal.strategy in others:
        return Joined(words)
    others[proposal.strategy] = reason
    said = f"{proposal.strategy} has the same idea: {reason}"
    sets = SignalChange(rationale={**signal.rationale, WITH: others})
    return Joined(words, Step(signal, SignalTrigger.JOIN, said, dict(proposal.rationale), sets))


def _held(ctx: Context, strategy: Strategy, proposal: Proposal) -> str | None:
    """Say in words that another strategy bought the same within the cool-down."""
    since = ctx.now - timedelta(seconds=strategy.cool_down_s)
    for position in ctx.ledger.positions.values():
        same = position.contract.symbol == proposal.contract.symbol
        same = same and position.contract.right is proposal.contract.right and position.state in OPEN
        if same and position.strategy != strategy.name and position.opened_at > since:
            bought = new_york(position.opened_at, ctx.now)
            return f"one idea with what {position.strategy} bought at {bought}"
    return None
