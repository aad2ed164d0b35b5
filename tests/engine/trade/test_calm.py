"""A calm position asks for nothing: whatever is quoted below its level, judged in full it decides nothing either."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bot.config.schema import Settings
from bot.domain.connection import Connection, ConnectionState
from bot.domain.events.market_data import QuoteReceived
from bot.domain.ids import IdSource
from bot.domain.kinds import Entities
from bot.domain.order import Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import ExitPlan, Position, PositionState, Rung
from bot.domain.quotes import Quote
from bot.domain.session import Session, SessionState
from bot.engine.state.board import Board
from bot.engine.state.context import Context
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import LoadedState
from bot.engine.trade.calm import CalmPositions, raise_high
from bot.engine.trade.exits import decide_position
from tests.engine.desk import DAY, SPY_590C, TEN
from tests.engine.fakes import FakeCalendar

CALENDAR = FakeCalendar()
SETTINGS = Settings.model_validate({})
CENTS = st.integers(100, 420).map(lambda cents: Decimal(cents) / 100)
RUNGS = (Rung(Decimal("0.5"), Decimal("0.25")), Rung(Decimal("0.9"), Decimal("0.5")))
PLANS = st.builds(
    lambda rungs, trail, flat: ExitPlan(RUNGS[:rungs], Decimal("0.5"), trail, Decimal("0.5"), flat),
    st.integers(0, 2),
    st.sampled_from((Decimal("0.05"), Decimal("0.25"))),
    st.sampled_from((None, TEN + timedelta(seconds=4), TEN + timedelta(hours=5))),
)
QUOTES = st.tuples(
    st.sampled_from((0.3, 1.0, 2.5, 20.0)),  # seconds since the one before
    st.sampled_from(
        (None, "0.3", "0.9", "1", "1.01", "1.05", "1.2", "1.49", "1.5", "1.55", "1.9", "2")
    ),  # of the entry
    st.sampled_from(("", "", "", "", "", "", "", "", "", "delayed", "halted", "lost", "crossed")),
)
STATES = st.sampled_from((PositionState.FILLED, PositionState.TRAILING))


HIGH = st.sampled_from((Decimal(1), Decimal("1.05"), Decimal("1.5")))
ODD = st.sampled_from(
    [
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "refused",
        "refused",
        "room",
        "stop",
        "left",
        "wanted",
        "refused",
        "unseen",
        "exit",
        "bare",
        "closing",
    ]
)


@st.composite
def holdings(draw: Any) -> tuple[Position, list[Order]]:
    """A position and its orders: mostly with a stop that works for all of it, else with one thing that is not so."""
    entry, plan, odd = draw(st.integers(1, 6)), draw(PLANS), draw(ODD)
    price, sold = draw(CENTS), draw(st.integers(0, 2))
    position = Position(
        id="P1", contract=SPY_590C, strategy="fake", plan=plan, opened_at=TEN, entry_quantity=entry,
        entry_value=price * entry, exit_quantity=min(sold, entry - 1), high=price * draw(HIGH),
        rungs_done=draw(st.integers(0, len(plan.rungs))), state=draw(STATES), room_for=int(odd == "room"),
        ratcheted_at=draw(st.sampled_from((None, TEN))),
    )  # fmt: skip
    position = replace(
        position,
        unprotected_since=TEN if odd == "bare" else None,
        state=PositionState.CLOSING if odd == "closing" else position.state,
    )
    works = draw(st.sampled_from(list(OrderState))) if odd == "stop" else OrderState.WORKING
    left = position.quantity + (draw(st.sampled_from((-1, 1))) if odd == "left" else 0)
    at_price = round(position.high * (1 - plan.trail), 2)
    stop = replace(
        _order("O1", Purpose.PROTECT, works, entry),
        terms=Terms(max(left, 1), stop_price=at_price),
        wanted=Terms(1, stop_price=price) if odd == "wanted" else None,
        change_refusals=3 * (odd == "refused"),
        reported_filled=int(odd == "unseen"),
    )
    exits = [_order("O2", Purpose.EXIT, draw(st.sampled_from(list(OrderState))), 1)] if odd == "exit" else []
    position = replace(position, stop_price=at_price)
    return position, [_order("O0", Purpose.ENTRY, OrderState.FILLED, entry), stop, *exits]


def _order(order_id: str, purpose: Purpose, state: OrderState, quantity: int) -> Order:
    kind = {Purpose.ENTRY: OrderType.LIMIT, Purpose.PROTECT: OrderType.STOP, Purpose.EXIT: OrderType.LIMIT}[purpose]
    side = OrderSide.BUY if purpose is Purpose.ENTRY else OrderSide.SELL
    return Order(
        order_id, f"bot-{order_id}", SPY_590C.key, purpose, side, kind, Terms(quantity), TEN, TEN, state,
        position_id="P1", filled_quantity=quantity if state is OrderState.FILLED else 0,
    )  # fmt: skip


def _ledger(position: Position, orders: list[Order]) -> Ledger:
    return Ledger(
        LoadedState(
            Entities((Session(state=SessionState.ACTIVE), Connection(state=ConnectionState.SYNCED), position, *orders)),
            executions={}, commissions={}, instruments={}, highest_order_id=9, tick=0, last_signal_at={},
            opening_equity={},
        )
    )  # fmt: skip


def _quote(bid: Decimal | None, ail: str, at: datetime) -> Quote:
    ask = None if bid is None else bid + (Decimal("-0.02") if ail == "crossed" else Decimal("0.02"))
    sound = Quote(bid, ask, 9, 9, bid, at)
    ails: dict[str, Any] = {ail: True} if ail in {"delayed", "halted", "lost"} else {}
    return replace(sound, **ails)


@settings(max_examples=300)
@given(holdings(), st.lists(QUOTES, min_size=2, max_size=6))
def test_whatever_is_quoted_to_a_calm_position_asks_for_nothing(
    held: tuple[Position, list[Order]], quotes: list[tuple[float, str | None, str]]
) -> None:
    position, orders = held
    ledger, board, calm, now = _ledger(position, orders), Board(), CalmPositions(), TEN
    ledger.clocks.fault = ""
    trading = CALENDAR.session_on(DAY)
    assert trading is not None
    for seconds, part, ail in (each for quote in quotes for each in (quote, quote)):
        now += timedelta(seconds=seconds)
        bid = None if part is None else round(position.entry_price * Decimal(part), 2)
        board.apply_quote(QuoteReceived(position.key, _quote(bid, ail, now)))
        ctx = Context(now, SETTINGS, {}, board, ledger, IdSource(random.Random(1)), CALENDAR, trading)
        full = copy.copy(position)
        raise_high(ctx, full)
        steps = decide_position(ctx, full)
        if calm.stays(ctx, position):
            event("calm")
            assert not steps, (steps, calm.known)
            assert position.high == full.high
            continue
        raise_high(ctx, position)
        if not steps:
            calm.note(ctx, position)


TWO_RUNGS = ExitPlan(RUNGS, Decimal("0.5"), Decimal("0.25"), Decimal("0.5"), None)
NO_RUNGS = ExitPlan((), Decimal("0.5"), Decimal("0.25"), Decimal("0.5"), None)
CALM_AT = Decimal("2.10")


def _held(plan: ExitPlan, state: PositionState, high: str) -> tuple[Position, list[Order]]:
    at = round(Decimal(high) * (1 - plan.trail), 2)
    stop = replace(_order("O1", Purpose.PROTECT, OrderState.WORKING, 4), terms=Terms(4, stop_price=at))
    position = Position(
        id="P1", contract=SPY_590C, strategy="fake", plan=plan, opened_at=TEN, entry_quantity=4,
        entry_value=Decimal(8), high=Decimal(high), state=state, stop_price=at,
    )  # fmt: skip
    return position, [_order("O0", Purpose.ENTRY, OrderState.FILLED, 4), stop]


def _calmed(position: Position, orders: list[Order]) -> tuple[CalmPositions, Callable[[str], Context]]:
    """Return a position's calm after a quiet quote, and how the next bid is quoted, a second later each."""
    ledger, board, calm, trading = _ledger(position, orders), Board(), CalmPositions(), CALENDAR.session_on(DAY)
    ledger.clocks.fault = ""
    seconds = iter(range(1, 99))
    assert trading is not None

    def bids(price: str) -> Context:
        now = TEN + timedelta(seconds=next(seconds))
        board.apply_quote(QuoteReceived(position.key, _quote(Decimal(price), "", now)))
        return Context(now, SETTINGS, {}, board, ledger, IdSource(random.Random(1)), CALENDAR, trading)

    for _ in range(2):
        ctx = bids(str(CALM_AT))
        assert not decide_position(ctx, position)
    calm.note(ctx, position)
    return calm, bids


@pytest.mark.parametrize(
    "plan, state, high, below, at",
    [
        pytest.param(TWO_RUNGS, PositionState.FILLED, "2.10", "2.99", "3.00", id="a rung at half more"),
        pytest.param(NO_RUNGS, PositionState.FILLED, "2.10", "2.99", "3.00", id="the trail where there is no rung"),
        pytest.param(NO_RUNGS, PositionState.TRAILING, "2.10", "2.11", "2.40", id="a higher stop"),
    ],
)
def test_the_level_itself_ends_the_calm_and_a_cent_below_it_does_not(
    plan: ExitPlan, state: PositionState, high: str, below: str, at: str
) -> None:
    position, orders = _held(plan, state, high)
    calm, bids = _calmed(position, orders)
    assert calm.stays(bids(below), position)
    assert not calm.stays(bids(at), position)
    ctx = bids(at)
    raise_high(ctx, position)
    assert decide_position(ctx, position), "judged in full it asks for something here"


def test_a_stop_that_takes_no_more_changes_is_never_calm() -> None:
    position, (entry, stop) = _held(TWO_RUNGS, PositionState.FILLED, "2.10")
    calm, _ = _calmed(position, [entry, stop])
    assert calm.known
    calm, _ = _calmed(position, [entry, replace(stop, change_refusals=3)])
    assert not calm.known
