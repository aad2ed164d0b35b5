"""What the handlers of requests work with, and what they say of things that are not as a person thinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.events.people import RequestReceived
from bot.domain.requests import Payload
from bot.domain.wording import new_york
from bot.engine.outbox.outbox import Outbox
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.switches import Reloading


@dataclass
class PersonsApprovals:
    """Signals that a person approved and whose fresh what-if is still under way: signal id -> actor."""

    waiting: dict[str, str]


@dataclass(frozen=True, slots=True)
class RequestDesk:
    """One tick's world and journal, and what is remembered from tick to tick about what persons asked. `taken_back`:
    requests of this tick that were withdrawn before they were taken up."""

    ctx: Context
    journal: Journal
    approvals: PersonsApprovals
    reloading: Reloading = field(default_factory=Reloading)
    outbox: Outbox = field(default_factory=Outbox)
    taken_back: set[str] = field(default_factory=set)


RequestHandler = Callable[[RequestDesk, RequestReceived, Payload], str]
"""Carries a request out and returns the answer; raises Refused."""


def what_the_signal_is(desk: RequestDesk, signal_id: str) -> str:
    signal = desk.ctx.ledger.signal_index.of(signal_id)
    if signal is None:
        return f"signal {signal_id or None} is unknown, or over for days"
    return f"signal {signal_id} is {signal.state}{_since(signal.closed_at, desk.ctx.now)}: {signal.contract}"


def what_the_position_is(desk: RequestDesk, position_id: str) -> str:
    ledger = desk.ctx.ledger
    position = ledger.positions.get(position_id) or ledger.closed.get(position_id)
    if position is None:
        return f"position {position_id} is unknown, or closed for days"
    why = f", {position.close_reason}" if position.close_reason else ""
    since = _since(position.closed_at, desk.ctx.now)
    return f"position {position_id} is {position.state}{since}{why}: {position.contract}"


def still_blocked(desk: RequestDesk) -> str:
    blocks = desk.ctx.ledger.entering.blocks
    return f"; entries stay blocked: {'; '.join(blocks)}" if blocks else ""


def _since(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    return f" since {new_york(at, now)}"
