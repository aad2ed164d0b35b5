"""The table of exit rules: each by its own numbers, in the order of the table; together they leave nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.exits import ExitsSettings
from bot.config.strategies import PlanName
from bot.domain.calendar import TradingSession
from bot.domain.instruments import PENNY_CLASS, OptionContract, Right
from bot.domain.position import CloseReason, ExitPlan, Position, PositionState
from bot.risk.exit_rules import EXIT_RULES, CloseAll, ExitSight, MoveStop, SellSome, answers, closing
from bot.risk.ladder import AtEntry, freeze_plan
from bot.store.read.plan_rules import plan_rules
from bot.store.tables.position import plan_of, plan_text
from tests.engine.desk import a_plan, a_position, forced

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
SESSION = TradingSession(
    DAY, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), is_half_day=False
)
OPENS = datetime(2026, 11, 23, 14, 30, 30, tzinfo=UTC)
NAMES = [name for name in PlanName if name is not PlanName.OWN]
SEEN = AtEntry(OPENS, Decimal(600), Decimal("1.2"))


def plan(name: PlanName, expires_in: int = 14) -> ExitPlan:
    settings = ExitsSettings().named(name)
    assert settings is not None
    contract = OptionContract("SPY", DAY + timedelta(days=expires_in), Right.CALL, Decimal(600))
    return freeze_plan(settings, contract, SESSION, name=name.value, seen=SEEN)


def held(plan: ExitPlan, right: Right = Right.CALL, **changes: Any) -> Position:
    contract = OptionContract("SPY", DAY + timedelta(days=14), right, Decimal(600))
    fields: dict[str, Any] = {"plan": plan, "contract": contract, "stop_price": Decimal(1)}
    fields |= {"entry_quantity": 9, "entry_value": Decimal(18)}
    return a_position(**{**fields, **changes})


def sight(bid: str | None = "2.00", **changes: Any) -> ExitSight:
    return ExitSight(PENNY_CLASS, bid=Decimal(bid) if bid else None, **changes)


def why(position: Position, seen: ExitSight, now: datetime = NOW) -> tuple[str, CloseReason] | None:
    found = closing(position.plan, position, seen, now)
    return None if found is None else (found[0], found[1].reason)


def test_the_table_is_in_the_order_of_the_page() -> None:
    assert [row.name for row in EXIT_RULES] == [
        "stop", "rungs", "target", "trail", "time", "days", "earnings", "thesis", "atr",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_plan_is_read_back_as_it_was(name: PlanName) -> None:
    frozen = plan(name)
    assert plan_of(plan_text(frozen)) == frozen


def test_a_plan_of_before_the_rules_is_read_as_what_it_said() -> None:
    old = (
        '{"flat_at":null,"flat_by":"15:50:00","rungs":[{"cumulative_fraction":"0.25","gain":"0.5"}],'
        '"single_trail_from":"0.5","stop_loss":"0.5","trail":"0.25"}'
    )
    found = plan_of(old)
    assert not found.looks_further
    assert (found.name, found.trail_from, len(found.rungs)) == ("", None, 1)


def test_the_plan_of_the_day_and_the_next_knows_price_and_hour_alone() -> None:
    assert not plan(PlanName.PREMIUM).looks_further
    assert plan(PlanName.PREMIUM) == replace(
        freeze_plan(ExitsSettings().premium, held(a_plan()).contract, SESSION), name="premium"
    )


def test_fourteen_days_half_at_double_trail_from_half_up_out_down_thirty_after_five() -> None:
    position = held(plan(PlanName.FOURTEEN_DAY), high=Decimal(3))
    found = dict(answers(position.plan, position, sight("3.00"), NOW))
    assert found == {"trail": MoveStop(Decimal("2.25"))}
    found = dict(answers(position.plan, position, sight("4.00"), NOW))
    assert isinstance(found["rungs"], SellSome)
    assert found["rungs"].contracts == 4
    assert why(position, sight("1.40", days_held=4)) is None
    assert why(position, sight("1.40", days_held=5)) == ("days", CloseReason.DAYS)
    assert why(position, sight("1.41", days_held=5)) is None
    assert why(position, sight(earnings="NVDA reports")) == ("earnings", CloseReason.EARNINGS)


def test_a_swing_ends_at_its_target_or_by_its_days() -> None:
    position = held(plan(PlanName.SWING))
    assert why(position, sight("6.00")) == ("target", CloseReason.TARGET)
    assert why(position, sight("2.00", days_held=5)) == ("days", CloseReason.DAYS)
    assert why(position, sight("2.10", days_held=9)) is None
    assert why(position, sight("2.10", days_held=10)) == ("days", CloseReason.DAYS)


def test_into_the_close_ends_at_the_flip_or_with_the_next_opening() -> None:
    position = held(plan(PlanName.MOC))
    assert why(position, sight(broken="the imbalance has turned")) == ("thesis", CloseReason.THESIS)
    assert why(position, sight(), OPENS - timedelta(seconds=1)) is None
    assert why(position, sight(), OPENS) == ("time", CloseReason.FLAT_TIME)


@pytest.mark.parametrize("right,sign", [(Right.CALL, 1), (Right.PUT, -1)])
def test_the_underlying_decides_in_its_true_ranges(right: Right, sign: int) -> None:
    position = held(plan(PlanName.UNDERLYING_ATR), right)

    def at(atrs: str) -> ExitSight:
        price = Decimal(600) + sign * Decimal(atrs) * Decimal("1.2")
        return sight("2.00", low=price, high=price)

    assert why(position, at("-1.49")) is None
    assert why(position, at("-1.5")) == ("atr", CloseReason.ATR)
    first = dict(answers(position.plan, position, at("1"), NOW))["rungs"]
    assert isinstance(first, SellSome)
    assert first.contracts == 2  # a third of nine, rounded down
    forced(position, rungs_done=1, exit_quantity=2, underlying_best=Decimal("1.8"))
    second = dict(answers(position.plan, position, at("2"), NOW))["rungs"]
    assert isinstance(second, SellSome)
    assert second.contracts == 3
    assert why(position, at("0.75")) is None
    assert why(position, at("0.74")) == ("atr", CloseReason.ATR)
    assert why(position, at("3")) == ("atr", CloseReason.TARGET)


def test_one_look_in_which_the_underlying_was_on_both_sides_proves_neither() -> None:
    position = held(plan(PlanName.UNDERLYING_ATR))
    assert why(position, sight(low=Decimal(600), high=Decimal(600))) is None
    wild = sight(low=Decimal(605), high=Decimal(595))  # stood at or below 605, and at or above 595
    assert why(position, wild) is None


def test_a_rule_that_cannot_see_holds() -> None:
    for name in NAMES:
        position = held(plan(name))
        assert why(position, sight(None)) is None
        blind = replace(plan(PlanName.UNDERLYING_ATR).atr, atr=None)  # type: ignore[type-var]
        assert why(held(replace(position.plan, atr=blind)), sight(low=Decimal(1), high=Decimal(1))) is None


def test_by_a_clock_that_is_contradicted_nothing_is_sold() -> None:
    for name in NAMES:
        position = held(plan(name))
        seen = sight("2.1", days_held=50, earnings="reports", flat_at=NOW, now_is_known=False)
        assert why(position, seen, OPENS) is None


@given(
    name=st.sampled_from(NAMES),
    quantity=st.integers(1, 60),
    path=st.lists(st.tuples(st.integers(1, 900), st.integers(-500, 500)), max_size=12),
)
def test_no_plan_leaves_contracts_behind(name: PlanName, quantity: int, path: list[tuple[int, int]]) -> None:
    """Whatever the way, each answer sells no more than is there, and the last hour of the contract sells all."""
    position = held(plan(name), entry_quantity=quantity, entry_value=Decimal(2 * quantity))
    for cents, move in path:
        price = Decimal(600) + Decimal(move) / 100
        seen = sight(str(Decimal(cents) / 100), low=price, high=price)
        found = [answer for _, answer in answers(position.plan, position, seen, NOW)]
        if any(isinstance(answer, CloseAll) for answer in found):
            return
        for answer in found:
            if isinstance(answer, SellSome):
                assert 0 <= answer.contracts < position.quantity or position.quantity == 1
                forced(
                    position,
                    exit_quantity=position.exit_quantity + answer.contracts,
                    rungs_done=position.rungs_done + 1,
                )
            if isinstance(answer, MoveStop):
                assert answer.price > 0
                forced(position, state=PositionState.TRAILING)
        assert position.quantity >= 1
    assert why(position, sight(None, flat_at=NOW)) == ("time", CloseReason.FLAT_TIME)


def test_the_page_says_each_rule_of_a_frozen_plan() -> None:
    lines = dict(plan_rules(plan_text(plan(PlanName.UNDERLYING_ATR))))
    assert lines == {
        "Plan": "underlying_atr",
        "Underlying": "from 600, ATR 1.2: stop 1.5, targets 1 / 2 / 3, keeps 50%",
    }
    swing = dict(plan_rules(plan_text(plan(PlanName.SWING))))
    assert (swing["Target"], swing["Trading days"]) == ("all at +200%", "no loser after 5, at most 10")
    assert swing["Out before earnings"] == "yes"
    assert plan_rules('{"rungs":[],"flat_at":null}') == []
