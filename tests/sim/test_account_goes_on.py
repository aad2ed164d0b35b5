"""A simulated account from one day to the next: what it is worth goes on, and winning days never halt the bot."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.app.venue_child import VenueSetup
from bot.app.venue_process import VenueProcess
from bot.sim.book_file import read_book
from bot.sim.vocabulary import Side
from tests.engine.day.test_account import Teller
from tests.engine.desk import TEN as DESK_TEN
from tests.engine.desk import Desk
from tests.engine.fake_store import FakeStore
from tests.sim.board_market import CALL, NOON, ticket
from tests.sim.matching_desk import Desk as VenueDesk
from tests.sim.small_market import SHARES


def the_next_day(desk: VenueDesk) -> VenueDesk:
    state = json.loads(json.dumps(desk.venue.snapshot(desk.now)))
    after = VenueDesk(cash="100000")
    after.venue.carry_on(state, after.now)
    return after


def equity(desk: VenueDesk) -> Decimal:
    return desk.venue.account_values(desk.now)["NetLiquidation"]


def test_cash_and_holdings_go_on_and_the_days_pnl_begins_at_nothing() -> None:
    desk = VenueDesk()
    desk.board.quote(SHARES, "99.99", "100.01")
    desk.place(ticket(1, Side.BUY, 10, "MKT", instrument=SHARES))
    desk.wait_long(3)
    assert desk.venue.positions()[0].quantity == 10
    after = the_next_day(desk)
    after.board.quote(SHARES, "99.99", "100.01")
    assert [(p.instrument, p.quantity, p.average_cost) for p in after.venue.positions()] == [
        (p.instrument, p.quantity, p.average_cost) for p in desk.venue.positions()
    ]
    assert [*after.venue.open_orders(), *after.venue.completed_orders(), *after.venue.executions()] == []
    assert after.venue.next_order_id(1) == desk.venue.next_order_id(1)


def test_what_is_listed_no_more_was_paid_out_at_its_last_worth() -> None:
    desk = VenueDesk()
    desk.board.quote(CALL, "1.99", "2.01")
    desk.place(ticket(1, Side.BUY, 3, "MKT"))
    desk.wait_long(3)
    before = equity(desk)
    state = json.loads(json.dumps(desk.venue.snapshot(desk.now)))
    state["holdings"][0]["fields"]["instrument"]["$contract"] = state["worth"][0][0] = 999_999_999
    after = VenueDesk(cash="5")
    after.venue.carry_on(state, after.now)
    assert after.venue.positions() == []
    assert equity(after) == before
    assert after.venue.daily_pnl(after.now)[0] == 0


def setup_of(day: str, scenario: str, book: str) -> VenueSetup:
    return VenueSetup(scenario, 1, day, f"{day}T14:25:00+00:00", 30.0, 0, 0, 0.5, book)


@pytest.mark.parametrize("scenario", ["demo", "loser_day"])
def test_a_venue_process_of_the_next_day_goes_on_with_the_account(tmp_path, scenario: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "venue.json"
    first = VenueProcess(setup_of("2026-11-20", "demo", str(path)))
    first.venue._account.cash += 1234
    assert first._keeper is not None
    first._keeper.write()
    assert read_book(path) is not None
    second = VenueProcess(setup_of("2026-11-23", scenario, str(path)))
    assert second.venue.account_values(second.clock.now())["NetLiquidation"] == 101_234
    assert second.venue.daily_pnl(second.clock.now())[0] == 0


async def test_ten_winning_days_on_one_store_never_halt() -> None:
    store, account, at = FakeStore(), VenueDesk(), DESK_TEN
    for _ in range(12):
        while at.weekday() > 4:
            at += timedelta(days=1)
        account = the_next_day(account)
        desk = await Desk(store=store, at=at).start()
        teller = Teller(desk, int(equity(account)))
        teller.word()
        await desk.ticks(3, 1)
        won = int(equity(account)) // 50
        account.venue._account.cash += won
        teller.word(net_liquidation=int(equity(account)), cash=int(equity(account)), realized_pnl=won)
        await desk.ticks(3, 1)
        assert desk.store.session.state == "active", desk.store.session.hold_reason
        assert desk.store.alerts.count("CASH_FLOW") == 0
        at += timedelta(days=1)
    assert equity(account) > 120_000
    assert account.now == NOON
