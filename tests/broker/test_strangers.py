"""Whatever else an account holds, through the real client library from a socket: the book is whole, ours is protected
and sold when asked, and nothing of others is sold, adopted or valued."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events.people import RequestKind
from bot.domain.position import PositionState
from bot.sim.strangers import (
    StrangeContract,
    StrangeFill,
    StrangeHolding,
    StrangeOrder,
    Strangers,
    some_strangers,
    twins_of,
)
from tests.broker.book_tws import BookTws
from tests.broker.fake_tws import (
    OPTION,
    OPTION_KEY,
    completed_order,
    execution,
    open_order,
    order_status,
    position,
)
from tests.broker.wired import wired

TWINS = twins_of(OPTION_KEY, "SPX", "6000", "C", "20261120")
Message = tuple[Any, ...]


def held(each: StrangeHolding) -> Message:
    return position(each.contract.row, each.quantity, each.average_cost)  # as on the wire


def live(each: StrangeOrder) -> list[Message]:
    terms: dict[str, Any] = {"action": each.action, "quantity": each.quantity, "kind": each.order_type}
    ids: dict[str, Any] = {"perm_id": each.perm_id, "client_id": each.client_id}
    return [
        open_order(
            each.order_id, each.reference, row=each.contract.row, status=each.status, limit=each.limit, **terms, **ids
        ),
        order_status(each.order_id, each.status, filled=0, remaining=each.quantity, **ids),
    ]


def over(each: StrangeOrder) -> Message:
    told = list(completed_order(each.reference, each.status, perm_id=each.perm_id))
    told[1 : 1 + len(OPTION)] = each.contract.row
    told[12:16] = [each.action, each.quantity, each.order_type, each.limit]
    return tuple(told)


def filled(each: StrangeFill, request_id: object = -1) -> Message:
    return execution(
        0, each.exec_id, each.reference, request_id=request_id, row=each.contract.row, side=each.side,
        shares=each.shares, price=each.price, perm_id=each.perm_id, client_id=each.client_id,
    )  # fmt: skip


class SharedTws(BookTws):
    """A book that others use as well."""

    def __init__(self, others: Strangers) -> None:
        super().__init__()
        self.others = others

    def send_all(self, messages: list[tuple[object, ...]]) -> None:
        """Let what others have come before each end marker."""
        super().send_all([said for message in messages for said in (*self._of_others(message), message)])

    def _of_others(self, end: tuple[object, ...]) -> list[Message]:
        if end[0] == 62:
            return [held(each) for each in self.others.holdings]
        if end[0] == 53:
            return [said for each in self.others.open_orders for said in live(each)]
        if end[0] == 102:
            return [over(each) for each in self.others.completed_orders]
        if end[0] == 55:
            return [filled(each, end[2]) for each in self.others.fills]
        return []

    def tell_of_others(self) -> None:
        """Say by itself what others do, as it happens."""
        super().send_all([said for each in self.others.open_orders for said in live(each)])
        super().send_all([filled(each) for each in self.others.fills])


async def trade_beside(others: Strangers) -> None:
    tws = SharedTws(others)
    await tws.start()
    try:
        async with wired(tws) as bot:
            held_by_us = await bot.hold()
            tws.tell_of_others()
            await bot.heard()
            tws.drop()
            await bot.until(lambda: bot.connection == "down")
            await bot.until(lambda: bot.connection == "synced" and bot.session == "active", step=1.0)
            await bot.quote()
            assert "SNAPSHOT_INCOMPLETE" not in bot.codes
            assert list(bot.engine.ledger.positions) == [held_by_us.id], "nothing of others is taken on"
            assert bot.position.protected_at is not None
            await bot.command(RequestKind.EMERGENCY)
            sale = await bot.until(lambda: next((o for o in tws.live if o.action == "SELL" and o.kind != "STP"), None))
            tws.fill(sale, price="4.9")
            await bot.until(lambda: bot.position.state is PositionState.CLOSED)
            asked = {each[2] for each in tws.of(3)}
            assert asked == {OPTION[0]}, "nothing of others is sold"
            assert not bot.engine.ledger.positions
            assert {o.contract_key for o in bot.engine.ledger.orders.values()} == {OPTION_KEY}
            value = (held_by_us.exit_value - held_by_us.entry_value) * 100 - held_by_us.commissions
            assert bot.position.realized_pnl == value
            assert "ENGINE_FAULT" not in bot.codes
    finally:
        await tws.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions are as quick as fills; the clock is fast, the client's throttle is not."""
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)
    monkeypatch.setattr("bot.broker.adapter.REMIND_S", 0.0)
    monkeypatch.setattr("ib_insync.client.Client.MaxRequests", 0)


def test_beside_every_kind_of_thing(quick: None) -> None:
    del quick
    asyncio.run(trade_beside(some_strangers(random.Random(1), 40, TWINS)))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1_000_000), st.integers(1, 12))
def test_beside_any_portfolio(seed: int, most: int) -> None:
    asyncio.run(trade_beside(some_strangers(random.Random(seed), most, TWINS)))


@pytest.mark.parametrize("seed", range(4))
def test_beside_others_who_trade_our_own_contract_in_words_that_nobody_knows(seed: int) -> None:
    found = some_strangers(random.Random(seed), 12)
    ours = StrangeContract(int(OPTION[0]), *OPTION[1:])
    strange = [replace(each, contract=ours, status="Frozen", quantity="0.5") for each in found.open_orders]
    over_there = [replace(each, contract=ours, status="Busted") for each in found.completed_orders]
    fills = [replace(each, contract=ours, side="ASSIGNED") for each in found.fills]
    asyncio.run(trade_beside(replace(found, open_orders=strange, completed_orders=over_there, fills=fills)))


# ---- a contract of ours that becomes another one


class ChangingTws(BookTws):
    """Names the held contract otherwise from a moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.row: tuple[str, ...] = OPTION

    def send_all(self, messages: list[tuple[object, ...]]) -> None:
        super().send_all([(*m[:3], *self.row[:7], "", *self.row[8:], *m[14:]) if m[0] == 61 else m for m in messages])


@pytest.mark.parametrize(
    "changed", [{6: "150", 10: "SPX1"}, {4: "3000"}, {1: "SPQ", 9: "SPQ   261120C06000000"}], ids=str
)
async def test_a_contract_that_changed_is_told_once_not_valued_and_sold_by_its_id(changed: dict[int, str]) -> None:
    tws = ChangingTws()
    await tws.start()
    try:
        async with wired(tws) as bot:
            await bot.hold()
            tws.row = tuple(changed.get(i, each) for i, each in enumerate(OPTION))
            await bot.command(RequestKind.RECONCILE)
            (told,) = await bot.until(lambda: bot.alerts("CONTRACT_CHANGED"), step=1.0)
            assert (told.severity, told.facts["con_id"]) == ("critical", 7001)
            assert bot.engine.board.quote(OPTION_KEY) is None
            tws.send_all([(1, 6, bot.line, 1, "2.4", 10, 0), (1, 6, bot.line, 2, "2.5", 10, 0)])
            await bot.command(RequestKind.RECONCILE)
            await bot.heard()
            assert bot.engine.board.quote(OPTION_KEY) is None, "half the price of half a contract is no loss"
            assert bot.position.state is PositionState.FILLED
            held = bot.position.quantity
            tws.held["7001"] *= 2  # as a split does
            for _ in range(3):
                await bot.command(RequestKind.RECONCILE)
                await bot.heard()
            assert (bot.position.quantity, len(bot.engine.ledger.positions)) == (held, 1), "it is left to a person"
            tws.held["7001"] /= 2
            assert bot.store.instruments[OPTION_KEY][0].changed
            await bot.command(RequestKind.EMERGENCY)
            sale = await bot.until(lambda: next((o for o in tws.live if o.action == "SELL" and o.kind != "STP"), None))
            asked = tws.of(3)[-1]
            assert (sale.con_id, asked[2]) == ("7001", "7001")
            assert not any(asked[i] for i in (3, 4, 10, 11)), "the conId alone says what is sold"
            tws.fill(sale, price="2.4")
            await bot.until(lambda: bot.position.state is PositionState.CLOSED)
            assert len(bot.alerts("CONTRACT_CHANGED")) == 1
    finally:
        await tws.stop()
