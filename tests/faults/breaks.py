"""The protocol, broken on purpose: a proof that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from bot.domain.events import ErrorMeaning, ExecutionReported, OrderErred
from bot.domain.order import Order, OrderState, OrderTrigger
from bot.engine.facts import FactKeeper
from bot.engine.fills import FillKeeper
from bot.engine.steps import Step
from bot.engine.tick import Engine


async def _send_before_commit(self: Any, ctx: Any) -> None:
    """The tick's end with its two halves exchanged."""
    if not (self._journal.urgent or self._journal.batch.status is not None):
        return
    await self._dispatcher.carry_out(self._journal.commands)
    await self._commit()


_executed = FillKeeper.executed


def _skip_exec_id(self: Any, event: ExecutionReported) -> None:
    """Count each execution that is heard, as if it had never been heard before."""
    self._ledger.executions.pop(event.execution.base_id, None)
    _executed(self, event)


_erred = FactKeeper.order_erred


def _cancel_on_10148(self: Any, event: OrderErred) -> None:
    """Take "cannot be cancelled" for "cancelled"."""
    order: Order | None = self._ledger.by_ref.get(event.order_ref)
    if order is None or event.meaning is not ErrorMeaning.CANCEL_REFUSED or order.state is not OrderState.CANCELLING:
        _erred(self, event)
        return
    done = {"done_at": self._ctx.now, "wanted": None}
    step = Step(order, OrderTrigger.CONFIRM_CANCEL, f"{event.code}: {event.text}", {}, done, actor="broker")
    if self._journal.take(step):
        self.ended(order, asked=True)


BREAKS: Final[Mapping[str, tuple[type, str, Callable[..., Any]]]] = MappingProxyType(
    {
        "send_before_commit": (Engine, "_finish", _send_before_commit),
        "skip_exec_id": (FillKeeper, "executed", _skip_exec_id),
        "cancel_on_10148": (FactKeeper, "order_erred", _cancel_on_10148),
    }
)


@contextmanager
def broken(name: str | None) -> Iterator[None]:
    """Run with one rule of the protocol broken; None breaks nothing."""
    if name is None:
        yield
        return
    owner, attribute, replacement = BREAKS[name]
    kept = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    try:
        yield
    finally:
        setattr(owner, attribute, kept)
