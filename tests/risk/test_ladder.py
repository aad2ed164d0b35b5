"""The exit plan: frozen fractions, rungs that leave the last contract, stops on the grid that never fall."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.strategies import ExitSettings, RungSettings
from bot.domain.calendar import TradingSession
from bot.domain.instruments import NICKEL_CLASS, PENNY_ALL, PENNY_CLASS, OptionContract, PriceGrid, Right
from bot.domain.position import ExitPlan, Rung
from bot.risk.ladder import (
    freeze_plan,
    protective_stop,
    rung_targets,
    stop_move_is_material,
    trailing_stop,
    trails_from,
)

DAY = date(2026, 11, 20)
SESSION = TradingSession(
    DAY, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), is_half_day=False
)
HALF_DAY = TradingSession(
    DAY, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 18, 0, tzinfo=UTC), is_half_day=True
)
GRIDS = (PENNY_ALL, PENNY_CLASS, NICKEL_CLASS)


def contract(expiry: date = DAY) -> OptionContract:
    return OptionContract("SPY", expiry, Right.CALL, Decimal(600))


def plan(*rungs: tuple[str, str], stop: str = "0.5", trail: str = "0.25") -> ExitPlan:
    return ExitPlan(
        tuple(Rung(Decimal(gain), Decimal(cumulative)) for gain, cumulative in rungs),
        Decimal(stop),
        Decimal(trail),
        Decimal("0.5"),
        None,
    )


USUAL = plan(("0.5", "0.25"), ("1", "0.75"))


def test_the_frozen_plan_adds_the_rungs_up() -> None:
    frozen = freeze_plan(ExitSettings(), contract(), SESSION)
    assert frozen.rungs == (Rung(Decimal("0.50"), Decimal("0.25")), Rung(Decimal("1.00"), Decimal("0.75")))
    assert (frozen.stop_loss, frozen.trail, frozen.single_trail_from) == (
        Decimal("0.5"),
        Decimal("0.25"),
        Decimal("0.5"),
    )


def test_an_option_of_the_day_is_flat_ten_minutes_before_the_close_of_whatever_day() -> None:
    for session in (SESSION, HALF_DAY):
        assert freeze_plan(ExitSettings(), contract(), session).flat_at == session.close_at - timedelta(minutes=10)


def test_an_option_of_tomorrow_has_no_time_to_be_flat_by() -> None:
    assert freeze_plan(ExitSettings(), contract(DAY + timedelta(days=1)), SESSION).flat_at is None


def test_a_later_change_of_settings_does_not_reach_the_frozen_plan() -> None:
    frozen = freeze_plan(ExitSettings(), contract(), SESSION)
    changed = ExitSettings(stop_loss=Decimal("0.3"), rungs=(), trail=Decimal("0.1"), flat_at=time(15, 0))
    assert frozen != freeze_plan(changed, contract(), SESSION)
    assert frozen.stop_loss == Decimal("0.5")


@pytest.mark.parametrize(
    "quantity, targets",
    [(1, (0, 0)), (2, (0, 1)), (3, (0, 2)), (4, (1, 3)), (5, (1, 3)), (8, (2, 6)), (10, (2, 7)), (100, (25, 75))],
)
def test_rungs_sell_the_floor_of_the_running_fraction(quantity: int, targets: tuple[int, ...]) -> None:
    assert rung_targets(quantity, USUAL) == targets


def test_rungs_that_sell_everything_still_leave_the_last_contract() -> None:
    assert rung_targets(4, plan(("0.5", "0.5"), ("1", "1"))) == (2, 3)


def test_a_single_contract_trails_from_its_own_gain_others_after_the_last_rung() -> None:
    assert trails_from(1, USUAL) == Decimal("0.5")
    assert trails_from(2, USUAL) == 1
    assert trails_from(10, plan()) == Decimal("0.5")


FRACTIONS = st.lists(st.decimals("0", "1", places=3), max_size=5).map(sorted)


@given(st.integers(0, 5000), FRACTIONS)
def test_rungs_never_fall_and_never_sell_the_last_contract(quantity: int, fractions: list[Decimal]) -> None:
    rungs = plan(*((str(i + 1), str(cumulative)) for i, cumulative in enumerate(fractions)))
    targets = rung_targets(quantity, rungs)
    assert len(targets) == len(fractions)
    assert list(targets) == sorted(targets)
    assert all(0 <= target <= max(quantity - 1, 0) for target in targets)


# ---- stops


@pytest.mark.parametrize(
    "grid, entry, stop",
    [
        (PENNY_ALL, "2.01", "1.01"), (PENNY_CLASS, "6.10", "3.05"), (PENNY_CLASS, "6.12", "3.10"),
        (NICKEL_CLASS, "10.30", "5.20"), (NICKEL_CLASS, "0.05", "0.05"), (PENNY_ALL, "0.01", "0.01"),
    ],
)  # fmt: skip
def test_the_protective_stop_is_half_the_entry_rounded_up_to_the_grid(grid: PriceGrid, entry: str, stop: str) -> None:
    assert protective_stop(Decimal(entry), USUAL, grid) == Decimal(stop)


def test_the_trailing_stop_is_a_quarter_below_the_high() -> None:
    assert trailing_stop(Decimal("4.00"), USUAL, PENNY_ALL) == Decimal("3.00")
    assert trailing_stop(Decimal("4.01"), USUAL, PENNY_ALL) == Decimal("3.01")


PRICES = st.decimals("0", "500", places=4)
PLANS = st.builds(
    lambda stop, trail: plan(stop=str(stop), trail=str(trail)),
    st.decimals("0", "1", places=3),
    st.decimals("0", "1", places=3),
)


@given(PRICES, PLANS, st.sampled_from(GRIDS))
def test_stops_are_on_the_grid_at_least_a_tick_and_on_the_safe_side(
    price: Decimal, any_plan: ExitPlan, grid: PriceGrid
) -> None:
    for stop, fraction in (
        (protective_stop(price, any_plan, grid), any_plan.stop_loss),
        (trailing_stop(price, any_plan, grid), any_plan.trail),
    ):
        exact = price * (1 - fraction)
        assert grid.contains(stop)
        assert stop >= grid.tick_at(Decimal(0))
        assert exact <= stop <= exact + grid.tick_at(stop)


@given(PRICES, PRICES, PLANS, st.sampled_from(GRIDS))
def test_a_trailing_stop_never_falls_while_the_high_rises(
    one: Decimal, other: Decimal, any_plan: ExitPlan, grid: PriceGrid
) -> None:
    low, high = sorted((one, other))
    assert trailing_stop(low, any_plan, grid) <= trailing_stop(high, any_plan, grid)


@pytest.mark.parametrize(
    "old, new, material",
    [
        (None, "1.00", True),
        ("1.00", "1.02", True),
        ("1.00", "1.01", False),
        ("1.00", "0.90", False),
        ("1.00", "1.00", False),
    ],
)
def test_a_stop_moves_up_only_and_by_a_step_that_matters(old: str | None, new: str, material: bool) -> None:
    before = None if old is None else Decimal(old)
    assert stop_move_is_material(before, Decimal(new), Decimal("0.02")) is material


def test_a_step_of_zero_still_asks_for_a_rise() -> None:
    assert not stop_move_is_material(Decimal(1), Decimal(1), Decimal(0))
    assert stop_move_is_material(Decimal(1), Decimal("1.01"), Decimal(0))


def test_settings_with_one_rung_freeze_to_one_rung() -> None:
    settings = ExitSettings(rungs=(RungSettings(gain=Decimal("0.3"), sell_fraction=Decimal("0.4")),))
    assert freeze_plan(settings, contract(), SESSION).rungs == (Rung(Decimal("0.3"), Decimal("0.4")),)
