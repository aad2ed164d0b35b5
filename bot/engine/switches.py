"""What persons switch besides the session: a strategy on, to shadow or off; one entry order taken back; the settings
read anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.config.schema import Settings
from bot.domain.order import Order, OrderChange, Purpose
from bot.domain.requests import Payload, Refused
from bot.domain.signal import Signal, SignalState
from bot.domain.strategy_switch import TRIGGER_TO, StrategySwitch, SwitchChange, SwitchState
from bot.domain.wording import key_words
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.trade.calling_off import CALLED_OFF, FLATTENED
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
    words = f"switched {wanted} by {actor}"
    sets = SwitchChange(switched_by=actor, switched_at=ctx.now)
    journal.take(Step(kept, TRIGGER_TO[wanted], words, {"from": str(kept.state)}, sets, actor=actor))
    dropped = [] if wanted is SwitchState.ON else _unfollowed(ctx, name)
    held = sum(position.strategy == name for position in ctx.ledger.positions.values())
    return f"strategy {name} is {wanted}; {held} open positions of it are managed to their end", dropped


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
