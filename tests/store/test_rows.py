"""Every domain object comes back from the store as it went in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.adoption import Adoption
from bot.domain.approval import Approval
from bot.domain.breaker import Breaker
from bot.domain.connection import Connection
from bot.domain.instruments import OptionContract, PriceGrid
from bot.domain.money import from_units
from bot.domain.order import Execution, Order, RefusalKind, Terms
from bot.domain.position import ExitPlan, Position, Protection, Rung
from bot.domain.session import Session
from bot.domain.signal import Signal
from bot.domain.symbol_halt import SymbolHalt
from bot.engine.state.records import NewExecution
from bot.store.tables import LIVING
from bot.store.tables.execution import EXECUTIONS, execution_row
from bot.store.tables.instrument import grid_of, grid_text
from bot.store.tables.position import POSITIONS
from bot.store.values import json_text, parse_json, parse_time, time_text
from tests.store.builders import a_position

TIMES = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]),
)
MONEY = st.integers(-(10**10), 10**10).map(lambda units: Decimal(units).scaleb(-4))
PRICES = st.integers(0, 10**8).map(lambda units: Decimal(units).scaleb(-4))
SMALL = st.integers(0, 10_000)
FRACTIONS = st.decimals(0, 5, places=6)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
CONTRACTS = st.builds(
    OptionContract,
    root=st.sampled_from(["SPY", "SPXW", "QQQ", "IWM"]),
    expiry=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    strike=st.integers(1, 99_999).map(Decimal),
)
TERMS = st.builds(Terms, quantity=SMALL, limit_price=st.none() | PRICES, stop_price=st.none() | PRICES)
PLANS = st.builds(
    ExitPlan,
    rungs=st.lists(st.builds(Rung, FRACTIONS, FRACTIONS), max_size=3).map(tuple),
    stop_loss=FRACTIONS,
    trail=FRACTIONS,
    single_trail_from=FRACTIONS,
    flat_at=st.none() | TIMES,
)
MAYBE_TIME = st.none() | TIMES
MAYBE_ID = st.none() | st.just("id")
FACTS = st.dictionaries(WORDS, st.none() | st.booleans() | st.integers(-9, 9) | WORDS, max_size=3)
ENTITIES: dict[type, Any] = {
    Signal: st.builds(
        Signal, id=WORDS, strategy=WORDS, contract=CONTRACTS, quantity=SMALL, limit_price=PRICES, notional=MONEY,
        created_at=TIMES, expires_at=TIMES, risk_fraction=FRACTIONS, rationale=FACTS, approval_id=MAYBE_ID,
        entry_order_id=MAYBE_ID, position_id=MAYBE_ID, what_if=st.none() | FACTS, what_if_asked_at=MAYBE_TIME,
        closed_at=MAYBE_TIME,
    ),
    Approval: st.builds(
        Approval, id=WORDS, signal_id=WORDS, requested_at=TIMES, expires_at=TIMES, decided_at=MAYBE_TIME,
        decided_by=MAYBE_ID, reason=WORDS,
    ),
    Position: st.builds(
        Position, id=WORDS, contract=CONTRACTS, strategy=WORDS, plan=PLANS, opened_at=TIMES, signal_id=MAYBE_ID,
        entry_quantity=SMALL, exit_quantity=SMALL, entry_value=PRICES, exit_value=PRICES, commissions=MONEY,
        stop_price=st.none() | PRICES, high=PRICES, rungs_done=SMALL, closed_at=MAYBE_TIME, settled_quantity=SMALL,
        protected_at=MAYBE_TIME, unprotected_since=MAYBE_TIME, ratcheted_at=MAYBE_TIME, exit_attempts=SMALL,
        room_for=SMALL, protection=st.sampled_from(Protection), unprotected_quantity=SMALL, unprotected_ms=SMALL,
        unprotected_contract_ms=SMALL, cover_at=MAYBE_TIME,
    ),
    Order: st.builds(
        Order, id=WORDS, order_ref=WORDS, contract_key=WORDS, terms=TERMS, created_at=TIMES, state_since=TIMES,
        signal_id=MAYBE_ID, position_id=MAYBE_ID, tag=WORDS, filled_quantity=SMALL, reported_filled=SMALL,
        filled_value=PRICES, wanted=st.none() | TERMS, wanted_since=MAYBE_TIME, amendments=SMALL, attempts=SMALL,
        change_refusals=SMALL, cancel_misses=SMALL,
        order_id=st.none() | SMALL, perm_id=st.none() | SMALL, client_id=st.none() | SMALL,
        mid_at_decision=st.none() | PRICES, reject_code=st.none() | SMALL, reject_reason=WORDS, submitted_at=MAYBE_TIME,
        refusal=st.none() | st.sampled_from(RefusalKind), not_taken=st.booleans(),
        acknowledged_at=MAYBE_TIME, done_at=MAYBE_TIME,
    ),
    Session: st.builds(Session, held_by=MAYBE_ID, held_at=MAYBE_TIME, hold_reason=WORDS),
    Connection: st.builds(Connection, since=MAYBE_TIME, detail=WORDS),
    Breaker: st.builds(
        Breaker, id=WORDS, value=WORDS, limit=WORDS, share=st.none() | st.just(0.5), detail=WORDS, since=MAYBE_TIME,
        acknowledged_at=MAYBE_TIME, facts=st.just({"lost": 3}),
    ),
    Adoption: st.builds(
        Adoption, id=WORDS, symbol=WORDS, quantity=SMALL, why=WORDS, asked_at=MAYBE_TIME, answered_by=MAYBE_ID,
        answered_at=MAYBE_TIME, adopted_at=MAYBE_TIME,
    ),
    SymbolHalt: st.builds(
        SymbolHalt, id=WORDS, reason=WORDS, causes=st.lists(WORDS).map(tuple), halted_by=MAYBE_ID,
        halted_at=MAYBE_TIME, lifted_by=MAYBE_ID, lifted_at=MAYBE_TIME,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ENTITIES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_an_entity_survives_the_way_into_a_row_and_back(kind: type, data: st.DataObject) -> None:
    entity = data.draw(ENTITIES[kind])
    table = LIVING[kind]
    row = table.row(entity)
    assert table.read(row) == entity
    assert set(row) <= {column.name for column in table.c}


@given(
    st.builds(
        Execution, exec_id=st.just("0000e0d5.1.01.01"), order_ref=WORDS, perm_id=SMALL, order_id=SMALL,
        contract_key=WORDS, quantity=SMALL, price=PRICES, executed_at=TIMES, client_id=SMALL,
    )
)  # fmt: skip
def test_an_execution_survives_the_way_into_a_row_and_back(execution: Execution) -> None:
    row = execution_row(NewExecution(execution, Decimal("1.0"), "o", "p"), execution.executed_at)
    assert EXECUTIONS.read(row) == execution


@given(TIMES, TIMES)
def test_stored_times_sort_as_times(a: datetime, b: datetime) -> None:
    assert (time_text(a) < time_text(b)) == (a < b)
    assert len(time_text(a)) == 32
    assert parse_time(time_text(a)) == a


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        time_text(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_price_grid_survives() -> None:
    grid = PriceGrid(((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.10"))))
    assert grid_of(grid_text(grid)) == grid


def test_evidence_is_canonical_json_with_exact_money() -> None:
    text = json_text({"b": Decimal("1.20"), "a": float("nan"), "t": datetime(2026, 1, 1, tzinfo=UTC), "é": (1, 2)})
    assert text == '{"a":null,"b":"1.20","t":"2026-01-01T00:00:00.000000+00:00","é":[1,2]}'
    assert parse_json(text)["b"] == "1.20"


def test_the_pnl_that_is_written_is_that_of_the_sums_that_are_written() -> None:
    fine = a_position(
        entry_quantity=28, entry_value=Decimal("19.33999999"), exit_quantity=27, exit_value=Decimal("20.001")
    )
    row = POSITIONS.row(fine)
    assert POSITIONS.read(row).realized_pnl == from_units(row["realized_pnl"])
