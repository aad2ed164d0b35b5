"""Held through its expiry: it awaits settlement, is settled on evidence, named, and corrected on better evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.orders import BrokerOrderStatus, ExecutionReported
from bot.domain.events.people import RequestKind
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import Execution, OrderSide
from bot.domain.position import CloseReason, Position, PositionState, Settlement
from bot.domain.quotes import Quote
from bot.engine.settlement import runs
from tests.engine.desk import DAY, SPY_580P, SPY_590C, TAKES_ALL, Desk
from tests.engine.fakes import FakeCalendar


@pytest.fixture
async def desk() -> Desk:
    """What the broker holds is taken over: these are about what follows."""
    return await Desk(TAKES_ALL).start()


CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
MONDAY_MORNING = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)  # 09:00 in New York
SPXW_5900C = OptionContract("SPXW", DAY, Right.CALL, Decimal(5900))
SPX_5900C = OptionContract("SPX", DAY, Right.CALL, Decimal(5900))


def see(desk: Desk, symbol: str, last: str | None, close: str | None = None) -> None:
    """The underlying's line says something now."""
    price, before = (Decimal(each) if each else None for each in (last, close))
    desk.put(QuoteReceived(symbol, Quote(None, None, 0, 0, price, desk.clock.now(), close=before)))


async def hold(desk: Desk, quantity: int) -> None:
    """Buy at 2.00, a price on every class's grid."""
    await desk.propose(quantity, "2.00", "2.00")
    await desk.settle()
    desk.broker.fill(desk.broker.entry, quantity)
    await desk.settle()


async def hold_to_the_close(desk: Desk, contract: OptionContract, last: str | None, quantity: int = 4) -> Position:
    """Hold contracts to a minute before their close with exits that nobody takes, then let the close come."""
    desk.contract = contract
    await hold(desk, quantity)
    desk.clock.advance((CLOSE - desk.clock.now()).total_seconds() - 30)
    desk.quoting = False
    if last is not None:
        see(desk, contract.symbol, last)
    await desk.tick()
    await at_the_close(desk)
    return desk.position


async def at_the_close(desk: Desk) -> None:
    """DAY orders end, the contract expires; ten seconds later its closing print is in."""
    desk.clock.advance(max((CLOSE - desk.clock.now()).total_seconds(), 0))
    for order in desk.broker.live:
        desk.broker.cancel_ack(order)
    await desk.ticks(2)


async def the_broker_books(desk: Desk, shares: int = 0, symbol: str = "SPY") -> None:
    """The option's line goes, shares come; the book is read twice."""
    desk.broker.held.pop(desk.contract.key, None)
    desk.broker.held[symbol] = desk.broker.held.get(symbol, 0) + shares
    await look(desk)


async def look(desk: Desk) -> None:
    await desk.ticks(60, 0.25)
    for _ in range(2):
        await desk.command(RequestKind.RECONCILE)
        await desk.ticks(10)


async def next_morning(desk: Desk) -> None:
    desk.clock.advance((MONDAY_MORNING - desk.clock.now()).total_seconds())
    await desk.ticks(2)


def alert(desk: Desk, code: str) -> str:
    return next(a.text for batch in desk.store.batches for a in batch.alerts if a.code == code)


def jobs(desk: Desk) -> list[tuple[str, str]]:
    rows = (row for batch in desk.store.batches for row in batch.jobs if row.name == runs.JOB)
    return [(row.state, row.detail) for row in rows]


def paid(desk: Desk) -> Decimal:
    """What the entry cost, commissions included: the broker's cash is minus that until something comes back."""
    return -desk.broker.cash


# ---- at the expiry


async def test_at_its_expiry_a_position_awaits_settlement_and_nothing_more_is_sent_for_it(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    sent = len(desk.broker.submitted)
    await desk.wait(60)
    assert (desk.position.state, desk.position.close_reason) == (PositionState.CLOSING, CloseReason.AWAITING_SETTLEMENT)
    assert len(desk.broker.submitted) == sent
    assert desk.store.alerts.count("HELD_THROUGH_EXPIRY") == 1
    assert "in the money by 2.31 with SPY at 592.31: it is exercised into shares" in alert(desk, "HELD_THROUGH_EXPIRY")
    assert not {"UNPROTECTED", "EXIT_SLOW"} & set(desk.store.alerts)
    assert desk.position.unprotected_quantity == 0


async def test_a_line_of_an_expired_option_is_given_up_and_that_of_its_underlying_kept(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await desk.wait(120)
    assert SPY_590C.key not in desk.broker.subscribed
    assert "SPY" in desk.broker.subscribed


@pytest.mark.parametrize(
    "contract, shares, last, reason, value",
    [
        (SPY_590C, 400, "592.31", CloseReason.EXERCISED, "2.31"),
        (SPY_580P, -400, "571.50", CloseReason.EXERCISED, "8.50"),
        (SPY_590C, 0, "590.00", CloseReason.EXPIRED, "0"),
        (SPY_580P, 0, "592.31", CloseReason.EXPIRED, "0"),
        (SPXW_5900C, 0, "5906.12", CloseReason.CASH_SETTLED, "6.12"),
        (SPXW_5900C, 0, "5900.00", CloseReason.EXPIRED, "0"),
        (SPXW_5900C, 0, "5811.90", CloseReason.EXPIRED, "0"),
    ],
)
async def test_a_settlement_is_named_and_counted_at_the_intrinsic_value(
    desk: Desk, contract: OptionContract, shares: int, last: str, reason: CloseReason, value: str
) -> None:
    await hold_to_the_close(desk, contract, last)
    await the_broker_books(desk, shares)
    position = desk.position
    assert (position.state, position.close_reason) == (PositionState.CLOSED, reason)
    assert position.settlement is Settlement.SEEN
    assert position.realized_pnl == Decimal(value) * 400 - paid(desk)
    assert position.closed_at == CLOSE
    assert desk.store.refused == []


async def test_on_a_half_day_it_is_over_at_the_early_close() -> None:
    desk = await Desk(calendar=FakeCalendar(frozenset({DAY}))).start()
    await desk.hold(2)
    early = CLOSE - timedelta(hours=3)
    desk.clock.advance((early - desk.clock.now()).total_seconds() - 5)
    see(desk, "SPY", "593.00")
    await desk.tick()
    earlier = desk.position.close_reason
    assert earlier is not CloseReason.AWAITING_SETTLEMENT
    await desk.tick(5)
    assert desk.position.close_reason is CloseReason.AWAITING_SETTLEMENT
    await the_broker_books(desk, 200)
    assert (desk.position.close_reason, desk.position.closed_at) == (CloseReason.EXERCISED, early)


async def test_a_price_of_an_hour_before_is_not_the_price_of_the_expiry(desk: Desk) -> None:
    desk.contract = SPXW_5900C
    await hold(desk, 1)
    see(desk, "SPX", "5950.00")
    await desk.tick()
    await at_the_close(desk)
    await the_broker_books(desk)
    position = desk.position
    assert (position.close_reason, position.settlement) == (CloseReason.SETTLEMENT_PENDING, Settlement.PENDING)
    assert position.realized_pnl == -paid(desk), "counted as nothing, which is said"
    assert "counted as nothing" in alert(desk, "SETTLEMENT_PENDING")


async def test_the_closing_print_of_the_last_seconds_counts_and_what_a_share_trades_at_later_does_not(
    desk: Desk,
) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await desk.tick(4)
    see(desk, "SPY", "592.40")
    await desk.tick()
    await desk.tick(30)
    see(desk, "SPY", "597.00")
    await desk.tick()
    await the_broker_books(desk, 400)
    assert desk.position.settlement_price == Decimal("592.40")


# ---- what a broker does later than the close


async def test_a_ghost_in_the_evening_waits_and_is_settled_by_the_job_of_the_next_morning(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await desk.wait(30)
    desk.clock.advance(1800)
    await desk.ticks(12)
    assert ("done", "evening of 2026-11-20: 1 await the broker's settlement, 0 without a price") in jobs(desk)
    desk.broker.held.clear()
    desk.broker.held["SPY"] = 400
    await next_morning(desk)
    await desk.ticks(30)
    assert desk.position.close_reason is CloseReason.EXERCISED
    assert ("asked", "morning of 2026-11-23") in jobs(desk)
    assert jobs(desk)[-1] == ("done", "morning of 2026-11-23: 0 await the broker's settlement, 0 without a price")


async def test_each_run_of_the_job_is_made_once_and_a_second_look_changes_nothing(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await the_broker_books(desk, 400)
    desk.clock.advance(1800)
    await desk.ticks(20)
    rows, runs = len(desk.store.transitions), len(jobs(desk))
    await look(desk)
    assert (len(desk.store.transitions), len(jobs(desk))) == (rows, runs)


async def test_a_day_on_which_nothing_expired_has_its_runs_on_record(desk: Desk) -> None:
    desk.clock.advance(7 * 3600)
    await desk.ticks(2)
    assert jobs(desk)[-1] == ("done", "evening of 2026-11-20: nothing to settle")


async def test_shares_that_come_after_the_option_went_settle_it(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await the_broker_books(desk, 0)
    earlier = desk.position.close_reason
    assert earlier is CloseReason.SETTLEMENT_PENDING
    assert desk.position.realized_pnl == -paid(desk)
    desk.broker.held["SPY"] = 400
    await look(desk)
    assert desk.position.close_reason is CloseReason.EXERCISED
    assert desk.position.realized_pnl == Decimal("2.31") * 400 - paid(desk)
    assert "SETTLEMENT_CORRECTED" in desk.store.alerts
    assert "SHARES_DELIVERED" in desk.store.alerts


async def test_in_the_money_and_never_delivered_has_lapsed(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await the_broker_books(desk, 0)
    await next_morning(desk)
    await look(desk)
    assert (desk.position.close_reason, desk.position.settlement) == (CloseReason.EXPIRED, Settlement.FINAL)
    assert "it lapsed" in desk.store.transitions[-1].reason
    assert desk.position.realized_pnl == -paid(desk)


async def test_a_bot_that_was_down_through_the_expiry_settles_it_when_it_starts(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held.clear()
    desk.broker.held["SPY"] = 400
    for order in desk.broker.live:
        order.status = BrokerOrderStatus.CANCELLED
    desk.clock.advance((MONDAY_MORNING - desk.clock.now()).total_seconds())
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await again.wait(10)
    assert again.store.session.state == "active"
    assert (again.position.close_reason, again.position.settlement) == (CloseReason.EXERCISED, Settlement.PENDING)
    see(again, "SPY", "595.00", close="592.40")
    await look(again)
    assert (again.position.close_reason, again.position.settlement) == (CloseReason.EXERCISED, Settlement.FINAL)
    assert again.position.realized_pnl == Decimal("2.40") * 400 - paid(desk)


async def test_a_restart_in_the_evening_uses_the_price_of_the_last_mark(desk: Desk) -> None:
    desk.contract = SPXW_5900C
    await hold(desk, 1)
    desk.clock.advance((CLOSE - desk.clock.now()).total_seconds() - 20)
    see(desk, "SPX", "5904.00")
    await desk.ticks(8, 2.0)
    desk.clock.advance(3600)
    desk.broker.held.clear()
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await again.wait(10)
    assert again.position.close_reason is CloseReason.CASH_SETTLED
    assert again.position.realized_pnl == 400 - paid(desk)


# ---- the next morning


@pytest.mark.parametrize("official, reason, value", [
    ("5906.12", CloseReason.CASH_SETTLED, "6.12"),
    ("5906.50", CloseReason.CASH_SETTLED, "6.50"),
    ("5899.99", CloseReason.EXPIRED, "0"),
])  # fmt: skip
async def test_the_official_close_confirms_or_corrects(
    desk: Desk, official: str, reason: CloseReason, value: str
) -> None:
    await hold_to_the_close(desk, SPXW_5900C, "5906.12")
    await the_broker_books(desk)
    await next_morning(desk)
    see(desk, "SPX", "5950.00", close=official)
    await look(desk)
    assert (desk.position.close_reason, desk.position.settlement) == (reason, Settlement.FINAL)
    assert desk.position.realized_pnl == Decimal(value) * 400 - paid(desk)
    assert desk.position.closed_at == CLOSE, "it counts on the day of its expiry"
    corrected = official != "5906.12"
    assert ("SETTLEMENT_CORRECTED" in desk.store.alerts) is corrected


async def test_a_close_of_another_size_is_no_confirmation(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await the_broker_books(desk, 400)
    await next_morning(desk)
    see(desk, "SPY", "299.00", close="296.15")  # split over the weekend
    await look(desk)
    assert (desk.position.settlement, desk.position.settlement_price) == (Settlement.SEEN, Decimal("592.31"))


async def test_a_close_that_is_told_in_the_evening_is_yesterdays(desk: Desk) -> None:
    await hold_to_the_close(desk, SPXW_5900C, None)
    desk.clock.advance(60)
    desk.put(QuoteReceived("SPX", Quote(None, None, 0, 0, None, desk.clock.now(), close=Decimal(5950))))
    await the_broker_books(desk)
    assert desk.position.settlement is Settlement.PENDING


async def test_what_settles_on_the_opening_waits_for_a_person(desk: Desk) -> None:
    desk.broker.held[SPX_5900C.key] = 2
    desk.contract = SPX_5900C
    await look(desk)
    assert desk.position.close_reason is CloseReason.AWAITING_SETTLEMENT, "10:00 on its last day: the opening is past"
    assert desk.broker.live == []
    see(desk, "SPX", "5950.00")
    await the_broker_books(desk)
    assert desk.position.settlement is Settlement.PENDING
    state, answer = await desk.command(RequestKind.SETTLE, "cli", position_id=desk.position.id, price="5921.37")
    assert (state, desk.position.close_reason) == ("done", CloseReason.CASH_SETTLED)
    assert "as cli tells" in answer
    assert desk.position.realized_pnl == (Decimal("21.37") - 2) * 200
    of_it = [row for row in desk.store.transitions if row.machine == "position"]
    assert of_it[-1].actor == "cli"


@pytest.mark.parametrize("price", ["", "x", "-1", "NaN", "0", "Infinity", "99999999"])
async def test_what_is_no_price_settles_nothing(desk: Desk, price: str) -> None:
    await hold_to_the_close(desk, SPXW_5900C, None)
    await the_broker_books(desk)
    rows = len(desk.store.transitions)
    state, _ = await desk.command(RequestKind.SETTLE, position_id=desk.position.id, price=price)
    assert (state, len(desk.store.transitions)) == ("refused", rows)


async def test_a_position_that_is_open_or_certain_is_not_settled_by_hand(desk: Desk) -> None:
    await desk.hold(2)
    assert (await desk.command(RequestKind.SETTLE, position_id=desk.position.id, price="590"))[0] == "refused"
    assert (await desk.command(RequestKind.SETTLE, position_id="nobody", price="590"))[0] == "refused"


# ---- shares, and what is not ours


async def test_delivered_shares_are_told_once_and_keep_entries_out_until_they_are_sold(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "592.31")
    await the_broker_books(desk, 400)
    assert "400 SPY delivered by the exercise of 4 x SPY 590C 20 Nov 2026: sell them by hand" in alert(
        desk, "SHARES_DELIVERED"
    )
    assert desk.engine.ledger.entering.delivered_on("SPY") != ""
    assert desk.engine.ledger.entering.delivered_on("QQQ") == ""
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await next_morning(again)
    assert again.engine.ledger.entering.delivered_on("SPY") != "", "a restart and a night do not forget them"
    again.broker.held["SPY"] = 0
    await look(again)
    assert again.engine.ledger.entering.delivered_on("SPY") == ""
    told = again.store.alerts
    assert (told.count("SHARES_DELIVERED"), told.count("SHARES_GONE")) == (1, 1)
    assert {"SYMBOL_HALTED", "NOT_OURS_AT_BROKER", "POSITION_ADOPTED"} & set(told) == {"NOT_OURS_AT_BROKER"}


async def test_shares_that_were_there_before_are_not_taken_for_a_delivery(desk: Desk) -> None:
    desk.broker.held["SPY"] = 400
    await look(desk)
    assert desk.store.alerts.count("NOT_OURS_AT_BROKER") == 1
    await hold_to_the_close(desk, SPY_590C, "589.00")
    await the_broker_books(desk, 0)
    assert desk.position.close_reason is CloseReason.EXPIRED
    assert desk.engine.ledger.entering.delivered_on("SPY") == ""
    assert desk.store.alerts.count("NOT_OURS_AT_BROKER") == 1, "told when they change, not with every book"


async def test_two_contracts_of_one_underlying_are_told_apart_by_the_shares(desk: Desk) -> None:
    await hold(desk, 4)
    desk.contract = SPY_580P
    await hold(desk, 4)
    desk.clock.advance((CLOSE - desk.clock.now()).total_seconds() - 30)
    desk.quoting = False
    await at_the_close(desk)  # no price was seen
    desk.broker.held.clear()
    await the_broker_books(desk, -400)
    reasons = {p.contract: p.close_reason for p in desk.store.positions}
    assert reasons == {SPY_590C: CloseReason.EXPIRED, SPY_580P: CloseReason.EXERCISED}


async def test_an_exercise_by_hand_before_the_expiry_is_named_and_halts_nothing(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held[SPY_590C.key] = 0
    desk.broker.held["SPY"] = 400
    see(desk, "SPY", "595.00")
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    position = desk.position
    assert (position.close_reason, position.settlement) == (CloseReason.EXERCISED, Settlement.FINAL)
    assert position.realized_pnl == 5 * 400 - paid(desk)
    assert "SYMBOL_HALTED" not in desk.store.alerts
    assert desk.engine.ledger.entering.delivered_on("SPY") != ""


async def test_one_of_four_exercised_by_hand_leaves_three_protected(desk: Desk) -> None:
    await desk.hold(4)
    see(desk, "SPY", "595.00")
    await desk.tick()
    desk.broker.held[SPY_590C.key] = 3
    desk.broker.held["SPY"] = 100
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    assert (desk.position.quantity, desk.position.left_early, desk.position.settled_value) == (3, 1, Decimal(5))
    assert desk.broker.stop_order.left == 3
    assert "100 SPY delivered by the exercise of 1 x" in alert(desk, "SHARES_DELIVERED")


async def test_a_position_that_vanishes_without_its_shares_was_closed_elsewhere(desk: Desk) -> None:
    await desk.hold(4)
    await the_broker_books(desk, 300)
    assert desk.position.close_reason is CloseReason.EXTERNALLY_CLOSED
    assert {"SYMBOL_HALTED", "NOT_OURS_AT_BROKER"} <= set(desk.store.alerts)


async def test_a_short_option_in_the_account_is_named_once_and_left_alone(desk: Desk) -> None:
    desk.broker.held[SPY_580P.key] = -2
    await look(desk)
    await look(desk)
    assert desk.store.alerts.count("SHORT_AT_BROKER") == 1
    assert desk.store.positions == []


async def test_the_brokers_own_entry_of_an_expiry_is_no_foreign_trade(desk: Desk) -> None:
    await hold_to_the_close(desk, SPY_590C, "589.00")
    entry = Execution("ffff.01", "", 77, 0, SPY_590C.key, OrderSide.SELL, 4, Decimal(0), desk.clock.now(), 0)
    desk.put(ExecutionReported(entry))
    await the_broker_books(desk)
    assert "EXPIRY_BOOKED" in desk.store.alerts
    assert not {"FOREIGN_EXECUTION", "SYMBOL_HALTED"} & set(desk.store.alerts)
    assert desk.position.close_reason is CloseReason.EXPIRED


async def test_our_own_sale_heard_of_after_the_settlement_takes_its_place(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    desk.clock.advance((CLOSE - desk.clock.now()).total_seconds() - 5)
    see(desk, "SPY", "593.00")
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.tick()
    execution = desk.broker.execute(stop, 2, "1.00")
    desk.broker.hide.add(stop.ref)
    await at_the_close(desk)
    await desk.connect()
    await the_broker_books(desk)
    assert desk.position.state is PositionState.CLOSED
    desk.put(ExecutionReported(execution))
    desk.broker.tell_commission(execution)
    await desk.ticks(4)
    assert (desk.position.exit_quantity, desk.position.settled_quantity, desk.position.settled_value) == (
        2,
        0,
        Decimal(0),
    )
    assert desk.position.realized_pnl == desk.broker.cash


@pytest.mark.parametrize("typed", ["592.13", "59213.7", "590", "1.05"])
async def test_a_settlement_price_far_from_what_was_seen_is_asked_again(desk: Desk, typed: str) -> None:
    await hold_to_the_close(desk, SPXW_5900C, None)
    await the_broker_books(desk)
    before, rows = desk.position.realized_pnl, len(desk.store.transitions)
    state, answer = await desk.command(RequestKind.SETTLE, position_id=desk.position.id, price=typed)
    assert (state, answer[:9]) == ("refused", "PRICE_FAR")
    assert (desk.position.realized_pnl, len(desk.store.transitions)) == (before, rows)
    state, _ = await desk.command(RequestKind.SETTLE, position_id=desk.position.id, price=typed, insisted="yes")
    assert state == "done"


@pytest.mark.parametrize("typed", ["5.921,37", "5,921.37", "5 921,37", "5921,37"])
async def test_a_price_of_another_country_is_refused_with_what_was_understood(desk: Desk, typed: str) -> None:
    await hold_to_the_close(desk, SPXW_5900C, None)
    await the_broker_books(desk)
    state, answer = await desk.command(RequestKind.SETTLE, position_id=desk.position.id, price=typed, insisted="yes")
    assert (state, answer[:13], "could be 5921.37" in answer) == ("refused", "PRICE_UNCLEAR", True)


async def test_a_settlement_that_was_told_wrong_is_corrected_and_that_is_a_row(desk: Desk) -> None:
    await hold_to_the_close(desk, SPXW_5900C, None)
    await the_broker_books(desk)
    told = {"position_id": desk.position.id}
    await desk.command(RequestKind.SETTLE, price="5931.37", **told)
    wrong = desk.position.realized_pnl
    assert (await desk.command(RequestKind.SETTLE, price="5931.37", **told))[0] == "refused", "it is so already"
    assert (await desk.command(RequestKind.SETTLE, price="5921.37", **told))[0] == "done"
    contracts = desk.position.settled_quantity
    assert desk.position.realized_pnl == wrong - 10 * 100 * contracts
    row = desk.store.transitions[-1]
    assert (row.trigger, row.actor, row.evidence["realized_was"]) == ("resettle", "cli", wrong)
    assert desk.store.alerts.count("SETTLEMENT_CORRECTED") == 2
