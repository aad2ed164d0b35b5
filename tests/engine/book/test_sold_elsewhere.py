"""Contracts of ours that somebody else sold: counted at what they brought, and the position says what that rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events.orders import CommissionReported, ExecutionReported
from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.order import Execution, OrderSide
from bot.domain.position import CloseReason, Origin, Position, PositionState, Valuation
from bot.engine.book.sold_elsewhere import sales_of_ours
from bot.engine.day.limits import losses_in_a_row
from bot.store.backup import backup
from bot.store.database import open_reader
from bot.store.read import counters
from bot.store.revision import upgrade
from tests.engine.book.test_restored_store import Place
from tests.engine.desk import SPY_580P, SPY_590C, TEN, Desk, a_position
from tests.engine.fake_broker import FEE
from tests.examples import examples

KEY = SPY_590C.key


class Stranger:
    """Another client of the same account, and what it did to the account's money."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.done = 0

    def trade(self, side: OrderSide, quantity: int, price: str, fee: Decimal | None = None) -> Execution:
        """Trade at the broker without telling anybody."""
        desk = self.desk
        self.done += 1
        name, perm_id, now = f"ffff{self.done:04d}.01", 77_000 + self.done, desk.clock.now()
        execution = Execution(name, "", perm_id, 0, KEY, side, quantity, Decimal(price), now, 0)
        sign = 1 if side is OrderSide.BUY else -1
        fee = FEE * quantity if fee is None else fee
        desk.broker.held[KEY] += sign * quantity
        desk.broker.cash -= sign * quantity * execution.price * 100 + fee
        self.shown(execution, fee)
        return execution

    def shown(self, execution: Execution, fee: Decimal | None) -> None:
        """Let the broker's book list it."""
        self.desk.broker.executions[execution.exec_id] = execution
        if fee is not None:
            self.desk.broker.commissions[execution.exec_id] = fee

    def hidden(self, *executions: Execution) -> None:
        """As after a midnight: the gateway does not know them any more."""
        for execution in executions:
            del self.desk.broker.executions[execution.exec_id]
            self.desk.broker.commissions.pop(execution.exec_id, None)


@pytest.fixture
async def stranger(desk: Desk) -> Stranger:
    """Four contracts are held at 2.00; somebody else is at the account too."""
    await desk.hold(4)
    return Stranger(desk)


async def looked(desk: Desk) -> Position:
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    return desk.position


def told(desk: Desk, code: str) -> list[str]:
    return [alert.text for batch in desk.store.batches for alert in batch.alerts if alert.code == code]


async def test_what_the_other_client_got_is_what_is_counted_and_its_commission_with_it(
    desk: Desk, stranger: Stranger
) -> None:
    stranger.trade(OrderSide.SELL, 4, "3.10")
    position = await looked(desk)
    assert (position.state, position.close_reason) == (PositionState.CLOSED, CloseReason.EXTERNALLY_CLOSED)
    assert (position.valuation, position.settled_value) == (Valuation.EXECUTED, Decimal("12.40"))
    assert position.realized_pnl == desk.broker.cash == 440 - 8 * FEE
    assert "4 sold by somebody else at 3.10" in told(desk, "POSITION_GONE")[0]
    assert losses_in_a_row(desk.engine._context(desk.clock.now())) == 0


async def test_two_sales_at_two_prices_and_a_part_that_stays_are_counted_to_the_cent(
    desk: Desk, stranger: Stranger
) -> None:
    stranger.trade(OrderSide.SELL, 1, "3.10")
    stranger.trade(OrderSide.SELL, 2, "0.37", fee=Decimal("1.6512"))
    position = await looked(desk)
    assert (position.quantity, position.elsewhere_quantity, position.valuation) == (1, 3, Valuation.EXECUTED)
    assert position.elsewhere_value == Decimal("3.84")
    assert position.elsewhere_commission == FEE + Decimal("1.6512")
    await desk.command(RequestKind.CLOSE, position_id=position.id)
    await desk.settle()
    desk.broker.fill(desk.broker.market, 1, "2.50")
    await desk.settle()
    assert desk.position.close_reason is CloseReason.OPERATOR
    assert desk.position.realized_pnl == desk.broker.cash.quantize(Decimal("0.01"))


async def test_without_an_execution_the_last_bid_is_the_named_estimate(desk: Desk, stranger: Stranger) -> None:
    await desk.bid("1.40")
    stranger.hidden(stranger.trade(OrderSide.SELL, 4, "1.43"))
    position = await looked(desk)
    assert (position.valuation, position.elsewhere_estimate) == (Valuation.ESTIMATED, Decimal("1.40"))
    assert position.realized_pnl == -240 - 4 * FEE
    assert "4 counted at 1.40, estimated by the last bid" in told(desk, "POSITION_GONE")[0]


async def test_what_was_sold_while_the_bot_was_down_is_estimated_by_the_last_mark_in_the_store(
    desk: Desk, stranger: Stranger
) -> None:
    await desk.bid("1.40")
    stranger.hidden(stranger.trade(OrderSide.SELL, 4, "1.43"))
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    again.quoting = False
    await again.wait(6)
    assert (again.position.valuation, again.position.elsewhere_estimate) == (Valuation.ESTIMATED, Decimal("1.40"))


async def test_without_any_price_it_is_unknown_and_said_to_be_counted_as_nothing_until_a_person_tells(
    desk: Desk, stranger: Stranger
) -> None:
    stranger.hidden(stranger.trade(OrderSide.SELL, 4, "1.43"))
    for batch in desk.store.batches:
        batch.marks.clear()  # as if the bid had never been seen
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    await again.start()
    await again.wait(6)
    position = again.position
    assert (position.valuation, position.settled_value) == (Valuation.UNKNOWN, Decimal(0))
    assert losses_in_a_row(again.engine._context(again.clock.now())) == 1, "what is not known counts as lost"
    assert f"`settle {position.id} PRICE`" in told(again, "POSITION_GONE")[0]
    again.clock.advance(3 * 24 * 3600)
    await again.ticks(3)
    assert (await again.command(RequestKind.SETTLE, position_id=position.id, price="590.12"))[0] == "refused"
    state, answer = await again.command(RequestKind.SETTLE, position_id=position.id, price="1.43")
    assert (state, answer.split("; ")[1]) == ("done", "realized −$230.60")
    assert (again.position.valuation, again.position.realized_pnl) == (Valuation.TOLD, Decimal("-230.60"))
    assert losses_in_a_row(again.engine._context(again.clock.now())) == 0, "of another day"


async def test_an_execution_that_is_heard_of_late_takes_the_place_of_the_estimate(
    desk: Desk, stranger: Stranger
) -> None:
    sale = stranger.trade(OrderSide.SELL, 4, "3.10")
    stranger.hidden(sale)
    assert (await looked(desk)).valuation is Valuation.ESTIMATED
    desk.put(ExecutionReported(sale))
    await desk.settle()
    assert desk.position.valuation is Valuation.EXECUTED
    assert desk.position.realized_pnl == 440 - 4 * FEE, "its commission is still to come"
    desk.put(CommissionReported(sale.exec_id, 4 * FEE, desk.clock.now()))
    await desk.settle()
    assert desk.position.realized_pnl == desk.broker.cash
    assert [words.rpartition(": ")[0].rpartition(" ")[2] for words in told(desk, "SOLD_ELSEWHERE_COUNTED")]
    assert desk.store.path(desk.position.id)[-2:] == ["correct", "correct"]


async def test_a_correction_of_the_other_clients_sale_corrects_what_is_counted(desk: Desk, stranger: Stranger) -> None:
    sale = stranger.trade(OrderSide.SELL, 4, "3.10")
    await looked(desk)
    corrected = replace(sale, exec_id=sale.exec_id.replace(".01", ".02"), price=Decimal("3.00"))
    stranger.shown(corrected, None)
    desk.put(ExecutionReported(corrected))
    await desk.settle()
    assert desk.position.elsewhere_value == 12
    assert desk.position.realized_pnl == 400 - 8 * FEE
    desk.put(ExecutionReported(replace(corrected, exec_id=sale.exec_id.replace(".01", ".03"), quantity=0)))
    await desk.settle()
    assert desk.position.valuation is Valuation.ESTIMATED, "no execution explains it any more"


async def test_a_restart_counts_nothing_a_second_time(desk: Desk, stranger: Stranger) -> None:
    sale = stranger.trade(OrderSide.SELL, 4, "3.10")
    before = await looked(desk)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await looked(again)
    assert again.position.realized_pnl == before.realized_pnl
    corrected = replace(sale, exec_id=sale.exec_id.replace(".01", ".02"), price=Decimal("3.00"))
    again.put(ExecutionReported(corrected))
    await again.settle()
    assert again.position.realized_pnl == before.realized_pnl - 40, "and still knows which execution it was"


async def test_what_the_other_client_had_bought_itself_it_sells_first(desk: Desk, stranger: Stranger) -> None:
    stranger.trade(OrderSide.BUY, 2, "1.00")
    stranger.trade(OrderSide.SELL, 2, "1.10")
    stranger.trade(OrderSide.SELL, 4, "3.10")
    position = await looked(desk)
    assert position.elsewhere_value == Decimal("12.40")
    assert position.elsewhere_commission == 4 * FEE


async def test_our_own_sale_that_is_heard_of_after_it_was_given_up_is_ours(desk: Desk, stranger: Stranger) -> None:
    """The rung's execution is kept back by TWS: contracts seem sold by somebody else, one of them was our own sale."""
    await desk.bid("3.00")
    own = desk.broker.execute(desk.broker.rung, 1, "3.00")
    fee = desk.broker.commissions[own.exec_id]
    stranger.hidden(own)
    stranger.trade(OrderSide.SELL, 1, "2.90")
    await desk.wait(6)
    await looked(desk)
    assert (desk.position.quantity, desk.position.elsewhere_quantity) == (2, 2)
    earlier = desk.position.valuation
    assert earlier is Valuation.ESTIMATED
    stranger.shown(own, fee)
    desk.put(ExecutionReported(own))
    await desk.wait(6)
    await looked(desk)
    assert "OVERSOLD" not in desk.store.alerts
    assert (desk.position.quantity, desk.position.exit_quantity, desk.position.elsewhere_quantity) == (2, 1, 1)
    assert desk.position.valuation is Valuation.EXECUTED
    assert desk.broker.held[KEY] == 2


async def test_every_view_of_the_store_and_a_restart_on_it_say_the_same(tmp_path: Path) -> None:
    upgrade(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    place = Place(tmp_path, tmp_path / "empty.db")
    desk = await place.open()
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    await desk.settle()
    stranger = Stranger(place.desk)
    stranger.trade(OrderSide.SELL, 1, "3.10", fee=Decimal("0.6512"))
    second = stranger.trade(OrderSide.SELL, 2, "0.37")
    stranger.hidden(second)
    desk.put(RequestReceived("look", RequestKind.RECONCILE, {}, "cli", desk.clock.now()))
    await desk.wait(6)
    backup(place.url, place.kept)
    desk = await place.restore()
    assert place.rows("SELECT valuation FROM v_trades") == [("estimated",)]
    stranger.shown(second, None)
    desk.put(ExecutionReported(second))
    await desk.wait(6)
    columns = "elsewhere, elsewhere_price, valuation, realized_cents"
    ((number, price, word, cents),) = place.rows(f"SELECT {columns} FROM v_trades")
    assert (number, word) == (3, "executed"), "the sale of before the restart is known to be somebody else's"
    assert Decimal(str(price)) == (Decimal("3.84") / 3).quantize(Decimal("0.0001"))
    assert place.rows("SELECT realized_pnl FROM position") == [(cents * 100,)]
    assert place.findings() == []
    unrelated = Execution("eeee0001.01", "", 78_000, 0, SPY_580P.key, OrderSide.BUY, 9, Decimal(1), desk.clock.now(), 0)
    desk.put(ExecutionReported(unrelated))
    desk.put(CommissionReported(unrelated.exec_id, Decimal("9.99"), desk.clock.now()))
    await desk.settle()
    with open_reader(place.url) as connection:
        today = counters(connection, TEN.date())
    assert (today.executions, today.fees) == (1, 4 * FEE + Decimal("0.6512")), "what others do is not the day's"
    await place.store.close()


# ---- whose sale it was

MOVES = st.lists(st.tuples(st.sampled_from(["buy", "sell", "adopt"]), st.integers(1, 5)), max_size=12)


@given(MOVES)
def test_strangers_sell_their_own_first_and_no_contract_twice(moves: list[tuple[str, int]]) -> None:
    executions, adopted, theirs, ours = [], [], 0, 0
    for number, (move, quantity) in enumerate(moves):
        at = TEN + timedelta(seconds=number)
        if move == "adopt":
            adopted.append(a_position(id=f"P{number}", origin=Origin.BROKER, opened_at=at, entry_quantity=quantity))
            theirs = max(theirs - quantity, 0)
            continue
        side = OrderSide.BUY if move == "buy" else OrderSide.SELL
        executions.append(Execution(f"x{number:02d}.01", "", 1, 1, KEY, side, quantity, Decimal(number + 1), at))
        theirs += quantity if move == "buy" else 0
        if move == "sell":
            own = min(theirs, quantity)
            theirs, ours = theirs - own, ours + quantity - own
    found = sales_of_ours(reversed(executions), adopted)
    assert sum(contracts for _, contracts in found) == ours
    assert all(0 < contracts <= execution.quantity for execution, contracts in found)
    assert [e.exec_id for e, _ in found] == sorted({e.exec_id for e, _ in found}), "each once, oldest first"


SALES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 700), st.booleans(), st.booleans()), min_size=1, max_size=4
)


@settings(max_examples=examples(15), deadline=None)
@given(SALES, st.booleans())
async def test_whoever_sold_what_in_whatever_order_it_is_heard_the_money_is_the_accounts(
    sales: list[tuple[int, int, bool, bool]], restarts: bool
) -> None:
    """`shown`: the book lists the sale at once, else it is heard of at the end. Corrected ones come a cent dearer."""
    desk = await Desk().start()
    await desk.hold(6)
    stranger, late = Stranger(desk), []
    for wanted, cents, shown, corrected in sales:
        quantity = min(wanted, desk.broker.held[KEY])
        if not quantity:
            break
        sale = stranger.trade(OrderSide.SELL, quantity, str(Decimal(cents) / 100))
        if not shown:
            stranger.hidden(sale)
        await looked(desk)
        late.append((sale, corrected))
    if restarts:
        desk = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    for sale, corrected in late:
        desk.put(ExecutionReported(sale))
        desk.put(CommissionReported(sale.exec_id, FEE * sale.quantity, desk.clock.now()))
        if corrected:
            dearer = replace(sale, exec_id=sale.exec_id.replace(".01", ".02"), price=sale.price + Decimal("0.01"))
            desk.put(ExecutionReported(dearer))
            desk.broker.cash += sale.quantity
    await looked(desk)
    for position in desk.store.open_positions:
        await desk.command(RequestKind.CLOSE, position_id=position.id)
        await desk.settle()
        desk.broker.fill(desk.broker.market, position.quantity, "1.00")
        await desk.settle()
    (position,) = desk.store.positions
    assert position.valuation is Valuation.EXECUTED
    assert position.realized_pnl == desk.broker.cash
    assert desk.store.refused == []
