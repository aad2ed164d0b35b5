"""Appliers that raise while the script says so: the bot cannot do what it has to do with what it hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from bot.clocks.clock import ManualClock
from bot.engine.book.absent_orders import AbsentOrders
from bot.engine.book.facts import FactKeeper
from bot.engine.book.holdings import HoldingsJudge
from bot.engine.settlement.settler import Settler
from bot.engine.state.journal import Journal
from bot.sim.faults.catalogue import Unappliable
from bot.sim.faults.script import FaultScript

APPLIERS: Final[Mapping[str, tuple[Any, str]]] = MappingProxyType(
    {
        "execution": (FactKeeper, "executed"),
        "fill": (Journal, "executed"),  # the order has counted it already
        "commission": (FactKeeper, "commission"),
        "order": (FactKeeper, "order_reported"),
        "working": (FactKeeper, "_echo_of_terms"),  # it has its id already
        "holding": (HoldingsJudge, "_judge_holding"),
        "absence": (AbsentOrders, "_judge_absent"),
        "settlement": (Settler, "settle"),
    }
)


@contextmanager
def sickness(script: Callable[[], FaultScript], clock: ManualClock) -> Iterator[None]:
    """Let the appliers raise as the present script says."""
    kept = {name: getattr(*where) for name, where in APPLIERS.items()}
    for name, (owner, attribute) in APPLIERS.items():
        setattr(owner, attribute, _sick(name, kept[name], script, clock))
    try:
        yield
    finally:
        for name, (owner, attribute) in APPLIERS.items():
            setattr(owner, attribute, kept[name])


def _sick(
    name: str, work: Callable[..., Any], script: Callable[[], FaultScript], clock: ManualClock
) -> Callable[..., Any]:
    def apply(*given: Any, **named: Any) -> Any:
        now = script()
        sick = [f for f in now.faults if isinstance(f, Unappliable) and f.fact == name and now.lasts(f, clock.now())]
        if any(now.chance.random() < fault.share for fault in sick):
            raise ArithmeticError(f"{name} cannot be applied")
        return work(*given, **named)

    return apply
