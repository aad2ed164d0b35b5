"""The protocol, broken on purpose: a proof that cannot fail proves nothing. Each row names one rule and takes it
away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from bot.domain import instruments
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.orders import ErrorMeaning, ExecutionReported, OrderErred
from bot.domain.farms import FarmWatch, Group
from bot.domain.instructions import SubmitOrder
from bot.domain.looks import Looks
from bot.domain.market import Datum
from bot.domain.order import Order, OrderChange, OrderState, OrderTrigger
from bot.engine.book import told_holdings
from bot.engine.book.absent_orders import AbsentOrders
from bot.engine.book.book_facts import BookFacts
from bot.engine.book.fills import FillKeeper
from bot.engine.book.holdings import HoldingsJudge
from bot.engine.book.order_errors import OrderErrors
from bot.engine.day import account, budgets
from bot.engine.memory import Memory
from bot.engine.sending.gate import Gate
from bot.engine.state.clocks import Clocks
from bot.engine.state.fact_faults import FactFaults
from bot.engine.state.fact_name import FactName
from bot.engine.state.steps import Step
from bot.engine.tick import Engine
from bot.engine.trade import exits, protection, scan
from bot.risk.ladder import rung_targets
from bot.sim.broker import SimBroker


async def _send_before_commit(self: Any, ctx: Any) -> None:
    """The tick's end with its two halves exchanged."""
    journal = self._memory.journal
    if not (journal.urgent or journal.batch.status is not None):
        return
    await self._dispatcher.carry_out(journal.instructions)
    await self._memory.commit()


_executed = FillKeeper.executed


def _skip_exec_id(self: Any, event: ExecutionReported) -> None:
    """Count each execution that is heard, as if it had never been heard before."""
    self._ledger.fills.executions.pop(event.execution.base_id, None)
    _executed(self, event)


_erred = OrderErrors.heard


def _cancel_on_10148(self: Any, event: OrderErred) -> None:
    """Take "cannot be cancelled" for "cancelled"."""
    order: Order | None = self._ledger.order_index.by_ref.get(event.order_ref)
    if order is None or event.meaning is not ErrorMeaning.CANCEL_REFUSED or order.state is not OrderState.CANCELLING:
        _erred(self, event)
        return
    done: OrderChange = {"done_at": self._ctx.now, "wanted": None}
    step = Step(order, OrderTrigger.CONFIRM_CANCEL, f"{event.code}: {event.text}", {}, done, actor="broker")
    if self._journal.take(step):
        self._ends.ended(order, asked=True)


_protect = protection.protect


def _no_protect_after_restart(ctx: Any, position: Any, orders: Any) -> Any:
    """Trust that what was held before the start has its stop."""
    return [] if position.id in ctx.ledger.loaded_positions else _protect(ctx, position, orders)


_load = Memory.load


async def _remember_loaded(self: Any) -> None:
    await _load(self)
    self.ledger.loaded_positions = frozenset(self.ledger.positions)


def _stop_not_shrunk_before_rung(ctx: Any, position: Any, orders: Any, bid: Any) -> Any:
    """Sell a rung beside a stop that covers everything."""
    rungs = position.plan.rungs
    if position.rungs_done >= len(rungs) or bid < position.entry_price * (1 + rungs[position.rungs_done].gain):
        return []
    target = rung_targets(position.entry_quantity, position.plan)[position.rungs_done]
    contracts = min(target - position.exit_quantity, position.quantity - 1)
    return exits._sell_rung(ctx, position, contracts) if contracts > 0 and not protection.live_exits(orders) else []


_take_facts = BookFacts.take


def _ignore_1100_fills(self: Any, snapshot: BrokerSnapshot, **options: Any) -> None:
    """Read a book for its orders and positions and not for its executions."""
    _take_facts(self, replace(snapshot, executions=(), commissions={}), **options)


def _absence_on_one_poll(self: Any, order: Order, snapshot: BrokerSnapshot) -> None:
    """Take an order that one book lacks for one that never arrived."""
    if order.state is not OrderState.UNKNOWN:
        words = "not in the broker's book"
        sets: OrderChange = {"wanted": None}
        self._journal.take(Step(order, OrderTrigger.LOSE_SIGHT, words, {}, sets, actor="reconcile"))
    if order.state is OrderState.UNKNOWN:
        self._resolve_absent(order, snapshot.at, snapshot)


def _difference_on_one_poll(self: Any, key: str, difference: int, at: Any) -> bool:
    """Take contracts that one book counts otherwise for gone, or for somebody else's."""
    return True


def _reuse_order_id(self: Any, at_least: int) -> None:
    """Count order ids from one again after every start."""


def _send_again_unheard(order: Order, waited_s: float) -> Step:
    """Send an order again that nobody answered, instead of asking for evidence."""
    words = f"no answer for {waited_s:.0f} s"
    again = (SubmitOrder(replace(order.ticket(), order_id=None)),)
    sets: OrderChange = {"wanted": None}
    return Step(order, OrderTrigger.LOSE_SIGHT, words, {"waited_s": waited_s}, sets, instructions=again)


def _believe_stale_data(self: Datum, now: Any) -> float:
    """Take everything that the vendor ever said for new."""
    return 0.0


def _deaf_to_holdings(*given: object) -> None:
    """Hear nothing of what the account holds but by asking for the book."""


def _let_every_fault_through(self: FactFaults, journal: Any, name: FactName, key: str, fact: Callable[[], Any]) -> bool:
    """Let one fact that cannot be applied end the tick that it came in."""
    fact()
    return True


def _open_gate(self: Gate, ticket: Any) -> None:
    """Let every entry pass."""


def _any_price(price: Any, tick: Any, *, up: bool) -> Any:
    """Leave a price where it was computed, on the contract's grid or not."""
    return price


def _one_look(self: Looks, *given: object) -> Any:
    """Take the latest bid for the market."""
    return self._seen[-1][1] if self._seen else None


def _sell_beside_a_buy(ctx: Any, position: Any) -> bool:
    """Place a stop or an exit whatever else works on its contract."""
    return position.key not in ctx.ledger.proof.doubted


def _many_trades_of_one_idea(*asked: object) -> None:
    """Let each strategy buy what another has under way: otherwise no buy ever stands beside a position to be sold."""


def _believe_own_clock(self: Clocks, *given: object) -> None:
    """Take the machine's clock for right, whatever the broker's says."""
    self.fault = ""


def _believe_farms(self: FarmWatch, now: float, groups: Mapping[str, Group]) -> list[str]:
    """Take every notice of a farm for the loss of all data."""
    self.lost = frozenset(groups) if self._noticed is not None and now - self._noticed < 30 else frozenset()
    return []


def _deposits_are_pnl(*given: object) -> None:
    """Take what is paid in or out for won or lost."""


Patch = tuple[Any, str, Callable[..., Any]]
BREAKS: Final[Mapping[str, tuple[Patch, ...]]] = MappingProxyType(
    {
        "send_before_commit": ((Engine, "_finish", _send_before_commit),),
        "skip_exec_id": ((FillKeeper, "executed", _skip_exec_id),),
        "cancel_on_10148": ((OrderErrors, "heard", _cancel_on_10148),),
        "no_protect_after_restart": (
            (exits, "protect", _no_protect_after_restart),
            (Memory, "load", _remember_loaded),
        ),
        "stop_not_shrunk_before_rung": ((exits, "_climb", _stop_not_shrunk_before_rung),),
        "ignore_1100_fills": ((BookFacts, "take", _ignore_1100_fills),),
        "absence_on_one_poll": ((AbsentOrders, "_judge_absent", _absence_on_one_poll),),
        "difference_on_one_poll": ((HoldingsJudge, "_seen_twice", _difference_on_one_poll),),
        "reuse_order_id": ((SimBroker, "reserve_order_ids", _reuse_order_id),),
        "send_again_unheard": ((budgets, "_lost", _send_again_unheard),),
        "believe_farm_words": ((FarmWatch, "judge", _believe_farms),),
        "deposits_are_pnl": ((account, "_look_for_cash", _deposits_are_pnl),),
        "believe_own_clock": ((Clocks, "compare", _believe_own_clock),),
        "believe_stale_data": ((Datum, "age_s", _believe_stale_data),),
        "any_price": ((instruments, "round_to_tick", _any_price),),
        "one_look": ((Looks, "highest", _one_look), (Looks, "lowest", _one_look)),
        "sell_beside_a_buy": (
            (scan, "joins", _many_trades_of_one_idea),
            (protection, "may_sell_more", _sell_beside_a_buy),
            (exits, "may_sell_more", _sell_beside_a_buy),
        ),
        "deaf_to_holdings": ((told_holdings, "hear", _deaf_to_holdings),),
        "let_every_fault_through": ((FactFaults, "apply", _let_every_fault_through),),
        "open_gate": ((Gate, "refusal", _open_gate),),
    }
)


@contextmanager
def broken(name: str | None) -> Iterator[None]:
    """Run with one rule of the protocol broken; None breaks nothing."""
    patches = BREAKS[name] if name is not None else ()
    kept = [getattr(owner, attribute) for owner, attribute, _ in patches]
    for owner, attribute, replacement in patches:
        setattr(owner, attribute, replacement)
    try:
        yield
    finally:
        for (owner, attribute, _), original in zip(patches, kept, strict=True):
            setattr(owner, attribute, original)
