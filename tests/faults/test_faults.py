"""The fault machinery: the catalogue bends what it says, days with faults and deaths keep every promise, and a broken
protocol is found out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.sim.faults.catalogue import KINDS, Delay, Fault, LoseOrder, OrdersLost, Reject
from bot.sim.faults.generator import (
    account_words,
    data_faults,
    farm_notices,
    other_hours,
    random_faults,
    strangers,
    trades_by_hand,
    unappliable_facts,
)
from bot.sim.faults.script import FaultScript
from tests.faults.__main__ import command_of, play, play_seed, point_of, shrink
from tests.faults.breaks import BREAKS
from tests.faults.crash import POINTS, Crash
from tests.faults.outages import StoreOutage
from tests.faults.plan import Outcome, Plan, Setting
from tests.faults.provocations import PROVOKED_BY, sold_while_nothing_is_acknowledged

TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York
ONE = TypeAdapter(Fault)


def a_fault(kind: str, **fields: object) -> Fault:
    return ONE.validate_python({"kind": kind, "at": "10:00:10", **fields})


DAYS = 30
"""So many by the way, the same each time; `make faults` plays two thousand."""


@cache
def day(seed: int) -> Outcome:
    """Play a day once; several tests look at it."""
    return play_seed(seed, None)


@pytest.mark.parametrize("first", range(0, DAYS, 6))
def test_days_with_faults_and_deaths_keep_every_promise(first: int) -> None:
    outcomes = [day(seed) for seed in range(first, first + 6)]
    assert {o.seed: o.broken for o in outcomes if o.broken} == {}
    assert sum(o.orders for o in outcomes) > 100, "thin days prove little"


@pytest.mark.parametrize("point", POINTS)
def test_death_comes_between_any_two_steps_and_is_survived(point: str) -> None:
    """One of a few days passes through the point; there the bot dies, and keeps every promise afterwards."""
    for seed in (2, 4, 10, 57):
        plan = Plan.of(seed)
        outcome = play(replace(plan, crashes=(Crash(TEN + timedelta(seconds=10), point, 0, 2),)))
        assert outcome.broken == []
        if point in {point_of(death) for death in outcome.deaths}:
            return
    raise AssertionError(f"no day passes through {point}")


def test_days_are_lived_with_people_limits_and_questions() -> None:
    outcomes = [day(seed) for seed in (*range(DAYS), 40)]  # the last with limits that its losses pass
    assert {state for o in outcomes for state in o.answers} == {"done", "refused"}
    assert {"losses"} <= {name for o in outcomes for name in o.blocked}
    assert {(Setting.of(o.seed).limits, Setting.of(o.seed).approval) for o in outcomes} >= {
        ("wide", "auto"), ("tight", "auto"), ("wide", "manual"), ("wide", "above_risk_pct"),
    }  # fmt: skip


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("seed, for_s", [(4, 5), (10, 40)])
def test_a_disk_that_takes_nothing_for_a_while_loses_and_doubles_nothing(
    seed: int, for_s: float, readable: bool
) -> None:
    outages = tuple(StoreOutage(TEN + timedelta(seconds=s), for_s, readable) for s in (20, 70, 120))
    outcome = play(replace(Plan.of(seed), crashes=(), outages=outages))
    assert outcome.broken == []
    assert any("the store is back" in words for words in outcome.outages)


# After the trouble the book is asked for, or the bot is restarted.
@pytest.mark.parametrize("seed, restarts", [(7, False), (4, True)])
@pytest.mark.parametrize("by_seconds", [-86_400, -7200, -5, 3, 3600, 86_400])
def test_a_clock_that_is_set_doubles_nothing_and_leaves_nothing_bare(
    by_seconds: float, restarts: bool, seed: int
) -> None:
    jump = ONE.validate_python({"kind": "clock_jump", "at": "10:00:40", "for_seconds": 90, "by_seconds": by_seconds})
    deaths = (Crash(TEN + timedelta(seconds=60), "after fill", 0, 2),) if restarts else ()
    outcome = play(replace(Plan.of(seed), faults=(jump,), crashes=deaths, requests=()))
    assert outcome.broken == []
    assert outcome.fills > 10


@pytest.mark.parametrize("seed", [158, 368, 1694])
def test_what_a_clock_that_was_ahead_took_for_expired_is_sold_once_it_is_right(seed: int) -> None:
    assert day(seed).broken == []


@pytest.mark.parametrize("seed", [0, 1])
def test_a_day_is_the_same_day_again_by_its_seed(seed: int) -> None:
    assert day(seed) == play_seed(seed, None)


def test_every_kind_is_in_the_words_for_those_who_write_a_wrong_one() -> None:
    tags = ONE.json_schema()["discriminator"]["mapping"]
    assert set(tags) == set(KINDS.split(", "))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "drop", "at": "10:00"},
        {"kind": "orders_lost", "at": "10:00", "for_seconds": 5, "restored": 1103},
        {"kind": "reject", "at": "25:00"},
        {"kind": "gremlin", "at": "10:00"},
        {"kind": "lose_order", "at": "10:00", "count": 0},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ONE.validate_python(wrong)


@pytest.mark.parametrize("written, second", [("10:05", 36_300), (605, 36_300), ("10:05:30", 36_330), (36_330, 36_330)])
def test_a_time_of_day_is_read_as_it_was_written(written: object, second: int) -> None:
    assert ONE.validate_python({"kind": "id_reset", "at": written}).starts() == second


def test_a_lasting_fault_is_in_force_for_its_time_only() -> None:
    script = FaultScript([a_fault("orders_lost", for_seconds=5)])
    in_force = [s for s in range(30) if script.active(OrdersLost, TEN + timedelta(seconds=s)) is not None]
    assert in_force == [10, 11, 12, 13, 14]


def test_a_counted_fault_is_used_up() -> None:
    script = FaultScript([a_fault("lose_order", count=2), a_fault("reject", of="cancel", code=10148)])
    later = TEN + timedelta(seconds=60)
    assert script.meet(LoseOrder, TEN) is None
    assert [script.meet(LoseOrder, later) is not None for _ in range(3)] == [True, True, False]
    assert script.meet(Reject, later, of="place") is None
    assert script.meet(Reject, later, of="cancel") is not None


def test_the_generator_mixes_every_kind_and_repeats_itself() -> None:
    end = TEN + timedelta(minutes=3)
    mixed = [fault for seed in range(300) for fault in random_faults(seed, TEN, end, vendor=True)]
    for more in (
        trades_by_hand, strangers, unappliable_facts, farm_notices, account_words, other_hours, data_faults,
    ):  # fmt: skip
        mixed += [fault for seed in range(300) for fault in more(seed, TEN, end)]
    assert {fault.kind for fault in mixed} == set(KINDS.split(", "))
    assert random_faults(7, TEN, end) == random_faults(7, TEN, end)
    days = [random_faults(seed, TEN, end) for seed in range(300)]
    assert max(sum(fault.kind == "short_book" for fault in day) for day in days) == 1, "two are beyond any two looks"
    assert any(isinstance(fault, Delay) for fault in mixed)


def test_every_break_of_the_protocol_has_trouble_that_brings_it_to_light() -> None:
    assert set(PROVOKED_BY) == set(BREAKS)


@pytest.mark.parametrize("name", sorted(PROVOKED_BY))
def test_a_broken_protocol_is_found_out(name: str) -> None:
    """In one of a few markets; and what is found is the break's doing, for the whole protocol passes through the same
    trouble."""
    found = next((day for day in PROVOKED_BY[name].days() if play(day, name).broken), None)
    assert found is not None, "the break passes unseen"
    assert play(found).broken == []


def test_the_least_of_what_finds_a_break_is_named_with_its_command() -> None:
    whole = Plan.of(13)
    needed = {whole.faults[1], whole.faults[-1], whole.crashes[0]}
    least = shrink(whole, lambda less: needed <= {*less.faults, *less.crashes})
    assert {*least.faults, *least.crashes, *least.requests, *least.outages} == needed
    words = f"python -m tests.faults --only 13 --faults 1,{len(whole.faults) - 1} --crashes 0"
    assert command_of(least, "send_again_unheard").startswith(words)


def test_an_exit_that_was_refused_twice_is_tried_again_before_its_position_is_bare_for_long() -> None:
    assert play_seed(2046, None).broken == []


@pytest.mark.parametrize("second, market", [(62, 1), (104, 3)])
def test_a_stop_that_is_in_doubt_does_not_sell_beyond_what_is_held(second: int, market: int) -> None:
    assert play(sold_while_nothing_is_acknowledged(second, market)).broken == []


def test_a_bot_whose_store_is_back_late_protects_before_anything_else() -> None:
    assert play_seed(106, None).broken == []


def test_a_stop_that_the_tick_watches_is_cover_while_it_has_a_quote() -> None:
    assert play_seed(1798, None).broken == []


def test_a_book_that_was_asked_for_by_a_clock_that_is_ahead_bears_its_time() -> None:
    assert play_seed(1666, None).broken == [], "a stop that was never sent is found missing within seconds"


def test_a_bot_that_lives_an_hour_ahead_is_restarted_and_sells_what_it_took_for_expired() -> None:
    assert day(368).broken == []
