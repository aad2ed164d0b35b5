"""What persons switch besides the session: a strategy on, to shadow or off; one entry order taken back; the settings
read anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.config.people import roster_of
from bot.config.schema import Settings
from bot.domain.actors import Role, actor_of
from bot.domain.order import Order, OrderChange, Purpose
from bot.domain.requests import Payload, Refused
from bot.domain.signal import Signal, SignalChange, SignalState, SignalTrigger
from bot.domain.strategy_switch import TRIGGER_TO, StrategySwitch, SwitchChange, SwitchState
from bot.domain.wording import key_words
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.trade.calling_off import CALLED_OFF, FLATTENED
from bot.engine.trade.signals import close_question
from bot.strategies.base import Strategy


def _never(actor: str) -> str:
    raise Refused("CONFIG_NOT_HERE: this bot does not read its settings from files")


@dataclass(frozen=True, slots=True)
class ComingSettings:
    """Settings that come into force at the top of a tick, with the strategies that are made of them; `record` puts them
    on record."""

    settings: Settings
    strategies: Sequence[Strategy]
    record: Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class InForce:
    """What was read is in force without a new beginning; in words what changed."""

    words: str


@dataclass
class Reloading:
    """How settings are read anew: `read` checks them and returns in words what changes, or raises Refused. Where all of
    it may change live, it is in force with the next tick; else `asked` says that the run is to begin again with it."""

    read: Callable[[str], str | InForce] = _never
    asked: bool = False

    def ask(self, actor: str) -> str:
        words = self.read(actor)
        if isinstance(words, InForce):
            return words.words
        self.asked = True
        return f"{words}; the bot begins again with it, stops stay at the broker"


def switch(ctx: Context, journal: Journal, payload: Payload, actor: str) -> tuple[str, list[Signal]]:
    """Switch a strategy; returns the words, and its signals that are no longer to be followed."""
    name, known = payload.strategy, sorted(ctx.strategies)
    if name not in ctx.strategies:
        raise Refused(f"STRATEGY_UNKNOWN: no strategy is called {name[:64]!r}; there are: {', '.join(known) or 'none'}")
    try:
        wanted = SwitchState(payload.to.lower())
    except ValueError:
        raise Refused(f"SWITCH_UNCLEAR: {payload.to[:24]!r} is neither on, shadow nor off") from None
    kept = ctx.ledger.entities.of(StrategySwitch).setdefault(name, StrategySwitch(name))
    if kept.state is wanted:
        raise Refused(f"strategy {name} is {wanted} already")
    if wanted is SwitchState.ON and kept.degraded_at is not None:
        _refuse_who_is_no_owner(ctx, kept, actor)
    words = f"switched {wanted} by {actor}"
    sets = SwitchChange(switched_by=actor, switched_at=ctx.now)
    if wanted is SwitchState.ON and kept.degraded_at is not None:
        sets |= SwitchChange(findings=(), degraded_at=None, counted_from=ctx.now)
    journal.take(Step(kept, TRIGGER_TO[wanted], words, {"from": str(kept.state)}, sets, actor=actor))
    dropped = [] if wanted is SwitchState.ON else _unfollowed(ctx, name)
    held = sum(position.strategy == name for position in ctx.ledger.positions.values())
    return f"strategy {name} is {wanted}; {held} open positions of it are managed to their end", dropped


def _refuse_who_is_no_owner(ctx: Context, kept: StrategySwitch, actor: str) -> None:
    if actor_of(actor, roster_of(ctx.settings)).role is not Role.OWNER:
        against = ", ".join(kept.findings) or "its closed trades"
        raise Refused(f"STRATEGY_DEGRADED: {kept.id} was switched off ({against}); only an owner switches it on")


def switch_off_degraded(ctx: Context, journal: Journal, kept: StrategySwitch, why: str, facts: dict[str, Any]) -> bool:
    """Switch a strategy off for what its closed trades say; what it has proposed is called off. False: it is not on,
    and only may not be switched on by anybody."""
    marked = SwitchChange(degraded_at=ctx.now)
    if kept.state is not SwitchState.ON:
        journal.change(kept, marked)
        return False
    sets = marked | SwitchChange(switched_by="tick", switched_at=ctx.now)
    journal.take(Step(kept, TRIGGER_TO[SwitchState.OFF], f"switched off: {why}", facts, sets))
    call_off_proposed(ctx, journal, _unfollowed(ctx, kept.id), f"strategy {kept.id} is off: {why}", "tick")
    return True


def call_off_proposed(ctx: Context, journal: Journal, signals: Sequence[Signal], reason: str, actor: str) -> None:
    """Cancel signals that nobody is to follow any more, with the questions about them."""
    for signal in signals:
        words, sets = f"called off: {reason}", SignalChange(closed_at=ctx.now)
        journal.take(Step(signal, SignalTrigger.CANCEL, words, {}, sets, actor=actor))
        journal.carry_out(close_question(ctx, signal, actor, words))


def _unfollowed(ctx: Context, strategy: str) -> list[Signal]:
    waiting = {SignalState.PENDING, SignalState.APPROVED}
    return [s for s in ctx.ledger.signals.values() if s.strategy == strategy and s.state in waiting]


def cancel_order(ctx: Context, journal: Journal, given: str) -> str:
    """Mark one entry order as called off: it is taken back as soon as the broker can be asked."""
    order = _order_of(ctx, given)
    name = f"{order.remaining} x {key_words(order.contract_key)}"
    if order.purpose is not Purpose.ENTRY:
        kind = "the stop" if order.purpose is Purpose.PROTECT else "an exit"
        raise Refused(f"ORDER_PROTECTS: it is {kind} of {name}, and is not taken back by itself; close the position")
    if order.tag in {FLATTENED, CALLED_OFF}:
        raise Refused(f"entry {order.order_ref} is being taken back already")
    journal.change(order, OrderChange(tag=CALLED_OFF))
    return f"calling off entry {order.order_ref} for {name}; what it bought stays, protected"


def _order_of(ctx: Context, given: str) -> Order:
    found = [o for o in ctx.ledger.order_index.open.values() if given in {o.id, o.order_ref}]
    if not found:
        alive = ", ".join(o.order_ref for o in ctx.ledger.order_index.open.values()) or "none"
        raise Refused(f"ORDER_UNKNOWN: no live order is {given[:64]!r}; alive are: {alive}")
    return found[0]
