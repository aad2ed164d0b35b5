"""The fault machinery: the catalogue bends what it says, days with faults and deaths keep every promise, and a broken
protocol is found out."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.sim.faults.catalogue import KINDS, Delay, Fault, LoseOrder, OrdersLost, Reject
from bot.sim.faults.generator import random_faults
from bot.sim.faults.script import FaultScript
from tests.faults.__main__ import command_of, play_seed, shrink
from tests.faults.plan import Plan

TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York
ONE = TypeAdapter(Fault)


def a_fault(kind: str, **fields: object) -> Fault:
    return ONE.validate_python({"kind": kind, "at": "10:00:10", **fields})


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_days_with_faults_and_deaths_keep_every_promise(first: int) -> None:
    outcomes = [play_seed(seed, None) for seed in range(first, first + 10)]
    assert {o.seed: o.broken for o in outcomes if o.broken} == {}
    assert sum(len(o.deaths) for o in outcomes) > 0
    assert sum(o.fills for o in outcomes) > 100


@pytest.mark.parametrize("seed", [0, 1])
def test_a_day_is_the_same_day_again_by_its_seed(seed: int) -> None:
    assert play_seed(seed, None) == play_seed(seed, None)


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
    assert {fault.kind for fault in mixed} == set(KINDS.split(", "))
    assert random_faults(7, TEN, end) == random_faults(7, TEN, end)
    assert any(isinstance(fault, Delay) for fault in mixed)


def test_sending_before_the_commit_is_found_out_and_the_least_of_it_is_named() -> None:
    caught = next(s for s in range(40) if play_seed(s, "send_before_commit").broken)
    least = shrink(Plan.of(caught), "send_before_commit")
    assert len(least.crashes) == 1
    assert command_of(least, "send_before_commit").startswith(f"python -m tests.faults --only {caught}")


def test_counting_an_execution_twice_is_found_out() -> None:
    assert any(play_seed(seed, "skip_exec_id").broken for seed in range(5))
