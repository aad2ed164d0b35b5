"""Executions are found by their time whatever came, was corrected, was taken back or forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.kinds import Entities
from bot.domain.order import Execution, OrderSide
from bot.engine.state.fill_book import FillBook
from bot.engine.state.records import LoadedState
from bot.engine.state.undo import Undo

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
MINUTES = st.integers(0, 30)
COMES = st.tuples(st.just("comes"), st.integers(0, 5), MINUTES, st.booleans())
FORGET = st.tuples(st.just("forget"), st.just(0), MINUTES, st.just(False))


def at(minute: int) -> datetime:
    return OPEN + timedelta(minutes=minute)


def an_execution(number: int, revision: int, minute: int) -> Execution:
    exec_id = f"0000e{number:05d}.{revision:02d}"
    return Execution(exec_id, "ref", 1, 1, "SPY", OrderSide.BUY, 1, Decimal(2), at(minute), 17)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(COMES, FORGET), max_size=25), MINUTES, MINUTES)
def test_what_lies_between_two_moments_is_what_a_walk_over_all_finds(
    steps: list[tuple[str, int, int, bool]], begin: int, end: int
) -> None:
    undo = Undo()
    held = {"0000e00009": an_execution(9, 1, 7)}
    book = FillBook(replace(LoadedState(Entities(), {}, {}, {}, 0, 0, {}, {}), executions=held), undo)
    for revision, (what, number, minute, taken_back) in enumerate(steps, 1):
        if what == "forget":
            book.keep(at(minute), lambda execution: False)
            continue
        mark = undo.begin()
        book.count(an_execution(number, revision, minute))
        if taken_back:
            undo.roll_back(mark)
        undo.end()
    walked = {each.exec_id for each in book.executions.values() if at(begin) < each.executed_at <= at(end)}
    found = book.between(at(begin), at(end))
    assert {each.exec_id for each in found} == walked
    assert [each.executed_at for each in found] == sorted(each.executed_at for each in found)
