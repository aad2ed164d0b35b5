"""What a position is worth: P&L to the cent, whole at the end, whatever the order of its fills."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.ids import IdSource, is_ours, order_ref, ulid
from bot.domain.instruments import OptionContract, Right
from bot.domain.position import ExitPlan, Position

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
PLAN = ExitPlan((), Decimal("0.5"), Decimal("0.25"), Decimal("0.5"), None)
CONTRACT = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(600))


def position(**values: Any) -> Position:
    return replace(Position("p", CONTRACT, "zero_dte_gamma", PLAN, NOW), **values)


def test_a_ladder_adds_up() -> None:
    held = position(entry_quantity=4, entry_value=Decimal("8.00"), commissions=Decimal("5.20"))
    assert held.entry_price == 2
    assert held.unrealized_pnl(Decimal("3.00")) == 400
    held = replace(held, exit_quantity=1, exit_value=Decimal("3.00"))
    assert held.realized_pnl == Decimal("94.80")
    assert held.quantity == 3
    held = replace(held, exit_quantity=4, exit_value=Decimal("3.00") + Decimal("8.00") + Decimal("3.00"))
    assert held.realized_pnl == Decimal("594.80")


def test_a_position_without_fills_is_worth_nothing() -> None:
    nothing = (position().entry_price, position().realized_pnl, position().unrealized_pnl(Decimal(9)))
    assert nothing == (Decimal(0),) * 3


def test_contracts_that_expired_worthless_cost_their_premium() -> None:
    assert position(entry_quantity=2, entry_value=Decimal("4.00"), settled_quantity=2).realized_pnl == -400


FILLS = st.lists(st.tuples(st.integers(1, 20), st.decimals("0.01", "50", places=2)), min_size=1, max_size=8)


@given(FILLS, FILLS, st.decimals("0", "100", places=2))
def test_what_is_realized_at_the_end_is_cash_out_less_cash_in(
    entries: list[tuple[int, Decimal]], exits: list[tuple[int, Decimal]], fees: Decimal
) -> None:
    bought = sum(quantity for quantity, _ in entries)
    cash_in = sum((quantity * price for quantity, price in entries), Decimal(0))
    held = position(entry_quantity=bought, entry_value=cash_in, commissions=fees)
    left, cash_out = bought, Decimal(0)
    for quantity, price in [*exits, (bought, Decimal("1.00"))]:
        sold = min(quantity, left)
        left -= sold
        cash_out += sold * price
    held = replace(held, exit_quantity=bought, exit_value=cash_out)
    assert held.quantity == 0
    assert held.realized_pnl == (cash_out - cash_in) * 100 - fees
    assert held.unrealized_pnl(Decimal(7)) == 0


# ---- ids


@given(st.lists(st.integers(946684800, 4102444800), min_size=2), st.integers(0, 2**90))
def test_ids_sort_by_their_time(moments: list[int], entropy: int) -> None:
    ids = [ulid(datetime.fromtimestamp(moment, UTC), entropy) for moment in sorted(moments)]
    assert ids == sorted(ids)
    assert all(len(text) == 26 for text in ids)


def test_a_reference_tells_whose_it_is() -> None:
    one, other = IdSource(random.Random(1)), IdSource(random.Random(1))
    made = one.new(NOW)
    assert made == other.new(NOW) != one.new(NOW)
    assert is_ours("qty", order_ref("qty", made))
    assert not is_ours("qt", order_ref("qty", made))


def test_sums_are_held_as_the_store_keeps_them() -> None:
    held = position(
        entry_quantity=3, entry_value=Decimal("6.03989999"), commissions=Decimal("1.03267500015"),
        exit_value=Decimal("1.2"),
    )  # fmt: skip
    assert held.rounded_sums() == {"entry_value": Decimal("6.0399"), "commissions": Decimal("1.0327")}
