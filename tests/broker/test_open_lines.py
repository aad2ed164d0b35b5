"""What is asked for on the wire is what is watched, whatever changes while a question waits for its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.broker.contracts import ContractBook
from bot.broker.lines import QUOTE
from bot.broker.open_lines import OpenLines
from bot.broker.settings import BrokerSettings
from bot.broker.wire import Wire
from bot.domain.instruments import Instrument, PriceGrid

KEYS = ("AAA", "BBB", "CCC")
CENTS = PriceGrid(((Decimal(0), Decimal("0.01")),))
PACED = 8  # messages a second, so that one question that is not urgent goes at once and the others wait


class Gateway:
    """A client that notes which quote lines it was asked for and which were cancelled."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.never_open: list[int] = []

    def isReady(self) -> bool:
        return True

    def reqMktData(self, request_id: int, *_: Any) -> None:
        self.open.add(request_id)

    def cancelMktData(self, request_id: int) -> None:
        if request_id not in self.open:
            self.never_open.append(request_id)
        self.open.discard(request_id)


def the_lines(gateway: Gateway) -> tuple[OpenLines, Wire]:
    book, wire = ContractBook(), Wire(PACED)
    for number, key in enumerate(KEYS, start=1):
        book.learn(key, Instrument(number, "STK", key, "USD", is_complete=True), CENTS)
    wire.attach(gateway, 1)  # type: ignore[arg-type]
    return OpenLines(BrokerSettings(), wire, book), wire


def come_to_rest(wire: Wire) -> None:
    """Let every turn of the wire come, as so many seconds would."""
    while wire._waiting or wire._idle:
        wire._sent_at.clear()
        wire._drain()
    if wire._drain_later is not None:
        wire._drain_later.cancel()
        wire._drain_later = None


STEPS = st.tuples(st.sampled_from(KEYS), st.sampled_from(["open", "urgent", "close", "drop", "turn"]))


@settings(max_examples=40)
@example([("AAA", "open"), ("BBB", "open"), ("CCC", "open"), ("CCC", "close")])
@example([("AAA", "open"), ("BBB", "open"), ("CCC", "open"), ("CCC", "drop"), ("CCC", "urgent")])
@given(st.lists(STEPS, max_size=30))
def test_whatever_is_opened_and_given_up_in_whatever_order_the_broker_serves_what_is_watched(
    steps: Sequence[tuple[str, str]],
) -> None:
    asyncio.run(_play(steps))


async def _play(steps: Sequence[tuple[str, str]]) -> None:
    gateway = Gateway()
    lines, wire = the_lines(gateway)
    served = set()  # by the broker, though we gave them up: it had refused them
    for key, step in steps:
        wanted = (key, QUOTE)
        if step in {"open", "urgent"} and wanted not in lines:
            lines.open(key, QUOTE, later=step == "open")
        elif step == "close" and wanted in lines:
            lines.close(wanted)
        elif step == "drop" and wanted in lines:
            line = lines.line(wanted)
            assert line is not None
            served |= {line.request_id} & gateway.open
            lines.drop(wanted)
        elif step == "turn":
            come_to_rest(wire)
    come_to_rest(wire)
    watched = {line.request_id for _, line in lines.items()}
    assert gateway.open - served == watched
    assert gateway.never_open == []


async def test_what_was_given_up_while_it_waited_is_not_asked_for() -> None:
    gateway = Gateway()
    lines, wire = the_lines(gateway)
    for key in KEYS:
        lines.open(key, QUOTE, later=True)
    asked = set(gateway.open)
    assert len(asked) < len(KEYS), "or nothing waits here"
    lines.close((KEYS[-1], QUOTE))
    come_to_rest(wire)
    assert len(gateway.open) == len(KEYS) - 1
