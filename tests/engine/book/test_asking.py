"""`engine.adopt`: what is proved ours is taken over at once, the rest is asked about once and left alone until a person
answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.adoption import Adoption
from bot.domain.events.people import RequestKind
from bot.domain.instruments import OptionContract
from bot.domain.order import OrderSide, OrderType, Terms
from tests.engine.book.test_lost_orders import LOST, lost, text_of
from tests.engine.desk import SPY_580P, SPY_590C, TAKES_ALL, Desk
from tests.engine.fake_broker import AtBroker
from tests.engine.fake_store import FakeStore

ONLY_OURS: dict[str, Any] = {"engine": {"adopt": "ours"}}
EVERY_SETTING = pytest.mark.parametrize("settings", [None, ONLY_OURS, TAKES_ALL], ids=["ask", "ours", "all"])


async def started(held: dict[str, int], *orders: AtBroker, settings: dict[str, Any] | None = None) -> Desk:
    """A bot on an empty store at an account that holds this."""
    desk = Desk(settings, store=FakeStore())
    desk.broker.held.update(held)
    desk.broker.book.update({order.ref: order for order in orders})
    for contract in (SPY_590C, SPY_580P):
        desk.quote("2.00", "2.04", contract)
    await desk.start()
    await desk.wait(6)
    return desk


async def begun_again(desk: Desk, settings: dict[str, Any] | None = None) -> Desk:
    again = Desk(settings, store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    for contract in (SPY_590C, SPY_580P):
        again.quote("2.00", "2.04", contract)
    await again.start()
    await again.wait(6)
    return again


def named(contract: OptionContract) -> str:
    return " ".join(contract.key.split())


def states(desk: Desk) -> dict[str, tuple[str, int]]:
    return {
        key: (adoption.state.value, adoption.quantity) for key, adoption in desk.store.entities.of(Adoption).items()
    }


async def adopt(desk: Desk, key: str, actor: str = "cli") -> tuple[str, str]:
    answered = await desk.command(RequestKind.ADOPT, actor=actor, key=key)
    await desk.wait(6)
    return answered


async def test_a_lost_store_is_one_question_and_nothing_is_done_before_the_answer() -> None:
    desk = await started({SPY_590C.key: 4, SPY_580P.key: 2})
    assert desk.store.positions == []
    assert desk.broker.submitted == []
    assert states(desk) == {SPY_590C.key: ("asked", 4), SPY_580P.key: ("asked", 2)}
    assert desk.store.alerts.count("ADOPT_ASKED") == 1
    told = text_of(desk, "ADOPT_ASKED")
    assert all(words in told for words in (f"4 {named(SPY_590C)}", f"2 {named(SPY_580P)}", "adopt all"))
    assert desk.store.session.state == "active", "a question keeps nothing in doubt"


async def test_the_question_is_not_put_anew_by_a_comparison_or_a_start() -> None:
    desk = await started({SPY_590C.key: 4})
    rows, asked = len(desk.store.transitions), desk.broker.snapshots
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(5)
    assert desk.broker.snapshots == asked + 1, "one look suffices: it asks for no second"
    again = await begun_again(desk)
    assert again.store.alerts.count("ADOPT_ASKED") == 1
    assert [r.machine for r in again.store.transitions[rows:] if r.machine == "adoption"] == []


@pytest.mark.parametrize("typed", [SPY_590C.key, SPY_590C.key.replace(" ", "").lower(), "all", " ALL "])
async def test_a_persons_word_takes_it_over_protects_it_and_is_on_the_record(typed: str) -> None:
    desk = await started({SPY_590C.key: 4})
    state, words = await adopt(desk, typed, actor="admin:web:ann")
    assert state == "done", words
    assert desk.position.quantity == 4
    assert desk.broker.stop_order.left == 4
    assert states(desk) == {SPY_590C.key: ("adopted", 4)}
    (row,) = [r for r in desk.store.transitions if r.machine == "adoption" and r.trigger == "allow"]
    assert row.actor == "admin:web:ann"
    assert desk.store.refused == []


async def test_an_answer_outlives_a_restart_before_it_is_carried_out() -> None:
    desk = await started({SPY_590C.key: 4})
    await desk.command(RequestKind.ADOPT, key="all")
    assert states(desk)[SPY_590C.key][0] == "allowed"
    again = await begun_again(desk)
    assert again.position.quantity == 4


async def test_one_of_two_is_taken_over_and_the_other_goes_on_waiting() -> None:
    desk = await started({SPY_590C.key: 4, SPY_580P.key: 2})
    await adopt(desk, SPY_580P.key)
    assert (desk.position.key, states(desk)[SPY_590C.key]) == (SPY_580P.key, ("asked", 4))


async def test_more_than_was_answered_for_is_another_question() -> None:
    desk = await started({SPY_590C.key: 4})
    await desk.command(RequestKind.ADOPT, key="all")
    desk.broker.held[SPY_590C.key] = 7
    await desk.wait(8)
    assert desk.position.quantity == 4
    assert states(desk) == {SPY_590C.key: ("asked", 3)}
    assert desk.store.alerts.count("ADOPT_ASKED") == 2


async def test_what_leaves_the_account_is_asked_about_no_more() -> None:
    desk = await started({SPY_590C.key: 4})
    desk.broker.held[SPY_590C.key] = 0
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(5)
    assert states(desk) == {SPY_590C.key: ("gone", 4)}
    assert (await adopt(desk, "all"))[0] == "refused"


async def declined(desk: Desk, key: str, actor: str = "cli") -> tuple[str, str]:
    answered = await desk.command(RequestKind.DECLINE, actor=actor, key=key)
    await desk.wait(6)
    return answered


async def test_a_no_is_a_step_on_the_record_and_leaves_it_alone_over_looks_and_starts() -> None:
    desk = await started({SPY_590C.key: 4, SPY_580P.key: 2})
    state, words = await declined(desk, named(SPY_590C), actor="admin:web:ann")
    assert (state, named(SPY_590C) in words) == ("done", True)
    (row,) = [r for r in desk.store.transitions if r.machine == "adoption" and r.trigger == "decline"]
    assert (row.actor, row.from_state, row.to_state) == ("admin:web:ann", "asked", "declined")
    told = (desk.store.alerts.count("ADOPT_ASKED"), desk.store.alerts.count("NOT_ADOPTED"))
    rows = len(desk.store.transitions)
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    again = await begun_again(desk)
    assert states(again) == {SPY_590C.key: ("declined", 4), SPY_580P.key: ("asked", 2)}
    assert (again.store.alerts.count("ADOPT_ASKED"), again.store.alerts.count("NOT_ADOPTED")) == told
    assert [r for r in again.store.transitions[rows:] if r.machine == "adoption"] == []
    assert (again.store.positions, again.broker.submitted) == ([], [])


async def test_a_no_to_all_answers_every_question_and_lets_the_symbol_be_traded() -> None:
    desk = await started({SPY_590C.key: 4, SPY_580P.key: 2})
    assert (await declined(desk, "all"))[0] == "done"
    assert {state for state, _ in states(desk).values()} == {"declined"}
    await desk.propose(2)
    await desk.ticks(3)
    assert desk.broker.submitted != []
    assert (await declined(desk, "all"))[0] == "refused", "nothing waits any more"


async def test_a_no_is_about_so_many_and_more_of_it_is_another_question() -> None:
    desk = await started({SPY_590C.key: 4})
    await declined(desk, "all")
    desk.broker.held[SPY_590C.key] = 3
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    assert states(desk) == {SPY_590C.key: ("declined", 3)}
    desk.broker.held[SPY_590C.key] = 5
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    assert states(desk) == {SPY_590C.key: ("asked", 5)}
    assert desk.store.alerts.count("ADOPT_ASKED") == 2


async def test_a_person_may_think_again_in_both_directions() -> None:
    desk = await started({SPY_590C.key: 4})
    await desk.command(RequestKind.ADOPT, key="all")
    assert (await declined(desk, SPY_590C.key))[0] == "done", "it was allowed, and not taken over yet"
    assert desk.store.positions == []
    assert (await adopt(desk, "all"))[0] == "refused", "what was declined is adopted by its key only"
    assert (await adopt(desk, SPY_590C.key))[0] == "done"
    assert (desk.position.quantity, desk.broker.stop_order.left) == (4, 4)
    assert (await declined(desk, SPY_590C.key))[0] == "refused", "it is a position now"


async def test_a_no_holds_while_the_setting_takes_all() -> None:
    desk = await started({SPY_590C.key: 4, SPY_580P.key: 2})
    await declined(desk, SPY_590C.key)
    again = await begun_again(desk, TAKES_ALL)
    assert [p.key for p in again.store.positions] == [SPY_580P.key]
    assert states(again)[SPY_590C.key] == ("declined", 4)


async def test_a_proof_counts_for_more_than_a_no() -> None:
    desk = await started({SPY_590C.key: 4})
    await declined(desk, "all")
    desk.broker.book.update({order.ref: order for order in (lost(7, 4),)})
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(8)
    assert desk.position.quantity == 4, "our own stop proves it ours, whatever was said before"


async def test_entries_on_its_symbol_wait_and_go_on_when_it_is_answered() -> None:
    desk = await started({SPY_580P.key: 2})
    await desk.propose(2)
    await desk.ticks(3)
    assert desk.broker.submitted == []
    kept = desk.engine.ledger.entering.kept_off("SPY")
    assert kept is not None
    assert "waits for a person" in kept.words
    await adopt(desk, "all")
    await desk.propose(2)
    await desk.ticks(3)
    assert any(order.side is OrderSide.BUY for order in desk.broker.submitted)


@pytest.mark.parametrize("kind", [RequestKind.FLATTEN, RequestKind.EMERGENCY])
async def test_what_waits_is_not_sold_by_flatten_or_emergency_and_both_say_so(kind: RequestKind) -> None:
    desk = await started({SPY_590C.key: 4})
    _, words = await desk.command(kind)
    await desk.wait(6)
    assert f"left alone, not ours: 4 {named(SPY_590C)}" in words
    assert (desk.broker.submitted, desk.broker.held[SPY_590C.key]) == ([], 4)


async def test_ours_never_asks_and_shows_it() -> None:
    desk = await started({SPY_590C.key: 4}, settings=ONLY_OURS)
    assert states(desk) == {SPY_590C.key: ("declined", 4)}
    assert (desk.store.alerts.count("NOT_ADOPTED"), desk.store.alerts.count("ADOPT_ASKED")) == (1, 0)
    state, words = await adopt(desk, "all")
    assert state == "refused", words
    again = await begun_again(desk, ONLY_OURS)
    assert again.store.alerts.count("NOT_ADOPTED") == 1, "told once, also over a restart"
    assert again.store.positions == []
    asks = await begun_again(again)
    assert states(asks) == {SPY_590C.key: ("asked", 4)}, "the setting asks now"
    takes = await begun_again(asks, TAKES_ALL)
    assert takes.position.quantity == 4


# ---- what is proved


@EVERY_SETTING
@pytest.mark.parametrize("orders", [[(7, 4, "1.00")], [(7, 3, "1.00"), (8, 1, None)], [(7, 2, "1.00"), (8, 2, "0.9")]])
async def test_what_live_sales_of_ours_would_sell_is_ours(settings: Any, orders: Any) -> None:
    made = [lost(number, quantity, stop=stop) for number, quantity, stop in orders]
    desk = await started({SPY_590C.key: 4}, *made, settings=settings)
    await desk.wait(8)
    assert desk.position.quantity == 4
    assert sum(o.left for o in desk.broker.live) == 4
    assert "ADOPT_ASKED" not in desk.store.alerts


async def test_what_a_stop_of_ours_covers_is_taken_over_and_the_rest_is_asked_about() -> None:
    desk = await started({SPY_590C.key: 10}, lost(7, 4))
    assert (desk.position.quantity, states(desk)) == (4, {SPY_590C.key: ("asked", 6)})
    assert [o.left for o in desk.broker.live] == [4]


def bought(
    desk: Desk,
    number: int,
    quantity: int,
    side: OrderSide = OrderSide.BUY,
    contract: OptionContract = SPY_590C,
) -> None:
    terms = Terms(quantity, limit_price=Decimal(2))
    order = AtBroker(f"{LOST}{number:03d}", contract.key, side, OrderType.LIMIT, terms, number, 9000 + number)
    order.heard = True
    desk.broker.book[order.ref] = order
    desk.broker.execute(order, quantity, "2.00")


@EVERY_SETTING
async def test_what_executions_of_ours_bought_today_is_ours(settings: Any) -> None:
    desk = Desk(settings, store=FakeStore())
    desk.quote("2.00", "2.04")
    bought(desk, 3, 4)
    bought(desk, 4, 1, OrderSide.SELL)
    await desk.start()
    await desk.wait(8)
    assert desk.position.quantity == 3
    assert desk.broker.stop_order.left == 3
    assert "ADOPT_ASKED" not in desk.store.alerts


async def test_what_was_taken_over_once_proves_nothing_of_what_somebody_buys_later() -> None:
    desk = Desk(store=FakeStore())
    desk.quote("2.00", "2.04")
    bought(desk, 3, 4)
    await desk.start()
    await desk.wait(8)
    desk.broker.held[SPY_590C.key] += 3
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    assert (desk.position.quantity, states(desk)) == (4, {SPY_590C.key: ("asked", 3)})


async def test_a_proof_outlives_a_kill_after_the_lost_orders_were_called_off() -> None:
    desk = Desk(store=FakeStore())
    desk.broker.held[SPY_590C.key] = 4
    desk.broker.book.update({o.ref: o for o in (lost(7, 3), lost(8, 1, stop=None))})
    await desk.start()
    assert states(desk) == {SPY_590C.key: ("allowed", 4)}
    for order in desk.broker.live:
        desk.broker.cancel(order.ref, order.order_id)
    again = await begun_again(desk)
    assert again.position.quantity == 4


# ---- proofs over midnight: the broker names its executions until then, and a day order lives no longer


NEXT_WEEK = replace(SPY_590C, expiry=SPY_590C.expiry + timedelta(days=7))


async def next_morning(desk: Desk) -> Desk:
    """The same store, the next trading day; the broker tells no execution and no day order of the day before."""
    desk.clock.advance(timedelta(days=3).total_seconds())
    desk.broker.executions.clear()
    desk.broker.book.clear()
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    again.quote("2.00", "2.04", NEXT_WEEK)
    await again.start()
    await again.wait(8)
    return again


async def test_executions_that_were_heard_prove_a_holding_that_is_seen_the_next_morning_only() -> None:
    desk = Desk(store=FakeStore())
    desk.quote("2.00", "2.04", NEXT_WEEK)
    bought(desk, 3, 4, contract=NEXT_WEEK)
    held = desk.broker.held.pop(NEXT_WEEK.key)
    await desk.start()
    await desk.wait(3)
    assert states(desk) == {}, "the book lacks it still"
    desk.broker.held[NEXT_WEEK.key] = held
    again = await next_morning(desk)
    assert (again.position.quantity, again.broker.stop_order.left) == (4, 4)
    assert "ADOPT_ASKED" not in again.store.alerts


async def test_a_proof_that_was_seen_once_holds_the_next_morning() -> None:
    desk = Desk(store=FakeStore())
    desk.quote("2.00", "2.04", NEXT_WEEK)
    bought(desk, 3, 4, contract=NEXT_WEEK)
    await desk.start()
    assert states(desk) == {NEXT_WEEK.key: ("allowed", 4)}
    again = await next_morning(desk)
    assert (again.position.quantity, again.broker.stop_order.left) == (4, 4)


async def test_a_position_that_is_in_the_store_is_ours_the_next_morning_without_a_question() -> None:
    desk = Desk(store=FakeStore())
    desk.contract = NEXT_WEEK
    desk.quote("2.00", "2.04", NEXT_WEEK)
    bought(desk, 3, 4, contract=NEXT_WEEK)
    await desk.start()
    await desk.wait(8)
    again = await next_morning(desk)
    again = await next_morning(again)
    assert [(p.quantity, p.state.value) for p in again.store.positions] == [(4, "filled")]
    assert "ADOPT_ASKED" not in again.store.alerts


# ---- what has to be named


async def spread(settings: dict[str, Any] | None = None) -> Desk:
    return await started({SPY_590C.key: 4, SPY_580P.key: -4}, settings=settings)


@EVERY_SETTING
async def test_the_long_leg_of_a_spread_is_never_taken_over_by_itself(settings: Any) -> None:
    desk = await spread(settings)
    again = await begun_again(desk, settings)
    assert again.store.positions == []
    assert again.store.alerts.count("NOT_ADOPTED") == 1
    assert "ADOPT_ASKED" not in again.store.alerts


async def test_the_long_leg_is_taken_over_by_its_key_alone_and_all_says_why() -> None:
    desk = await spread()
    state, words = await adopt(desk, "all")
    assert state == "refused"
    assert "only by its key" in words
    assert "sold short" in words
    assert desk.store.positions == []
    assert (await adopt(desk, SPY_590C.key))[0] == "done"
    assert (desk.position.quantity, desk.broker.stop_order.left) == (4, 4)


async def test_a_word_given_before_it_became_the_leg_of_a_spread_does_not_count() -> None:
    desk = await started({SPY_590C.key: 4})
    await desk.command(RequestKind.ADOPT, key="all")
    desk.broker.held[SPY_580P.key] = -4
    await desk.wait(8)
    assert desk.store.positions == []
    assert states(desk)[SPY_590C.key] == ("asked", 4)


# ---- the first stop of what is taken over


async def test_without_a_bid_the_first_stop_waits_and_says_why() -> None:
    desk = Desk(TAKES_ALL, store=FakeStore())
    desk.broker.held[SPY_590C.key], desk.broker.cost[SPY_590C.key] = 4, Decimal(10)
    await desk.start()
    await desk.wait(8)
    assert desk.broker.submitted == []
    assert "no bid is known" in text_of(desk, "UNPROTECTED")
    desk.quote("0.50", "0.54")
    await desk.settle()
    stop_price = desk.broker.stop_order.terms.stop_price
    assert stop_price is not None
    assert stop_price < Decimal("0.50")


async def test_a_stop_that_is_lowered_says_so_in_its_step_and_in_an_alert() -> None:
    desk = Desk(TAKES_ALL, store=FakeStore())
    desk.broker.held[SPY_590C.key], desk.broker.cost[SPY_590C.key] = 4, Decimal(10)
    desk.quote("2.00", "2.04")
    await desk.start()
    await desk.wait(8)
    (row,) = [r for r in desk.store.transitions if r.machine == "position" and r.trigger == "protect"]
    assert "lowered from" in row.reason
    assert desk.store.alerts.count("STOP_LOWERED") == 1
