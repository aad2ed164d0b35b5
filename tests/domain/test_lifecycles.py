"""Every lifecycle table: each state x trigger gives the row's target or is refused and changes nothing."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import IllegalTransition
from bot.domain.lifecycles import LIFECYCLES, edges, mermaid, state_rows
from bot.domain.machine import Lifecycle
from bot.domain.order import AMENDABLE, LIVE, ORDER, OrderState
from bot.domain.position import OPEN, POSITION, PositionState

ALL = list(LIFECYCLES.values())
CELLS = [
    pytest.param(life, state, trigger, id=f"{life.name}-{state}-{trigger}")
    for life in ALL
    for state, trigger in product(life.states, life.triggers)
]


@dataclass
class Model:
    state: StrEnum
    id: str = "x"
    note: str = "untouched"


@pytest.mark.parametrize("life, state, trigger", CELLS)
def test_a_trigger_leads_where_its_row_says_or_is_refused(life: Lifecycle, state: StrEnum, trigger: StrEnum) -> None:
    model = Model(state)
    target = life.table.get((state, trigger))
    assert life.allows(state, trigger) is (target is not None)
    if target is not None:
        assert life.fire(model, trigger) == (state, target)
        assert model.state is target
        return
    with pytest.raises(IllegalTransition) as refusal:
        life.fire(model, trigger)
    assert model == Model(state)
    assert model.state is state
    error = refusal.value
    assert (error.machine, error.entity_id, error.state, error.trigger) == (life.name, "x", state, trigger)


@pytest.mark.parametrize("life", ALL, ids=lambda life: life.name)
def test_no_state_is_unreachable(life: Lifecycle) -> None:
    reached = {life.initial}
    while more := {target for (source, _), target in life.table.items() if source in reached} - reached:
        reached |= more
    assert reached == set(life.states)


@pytest.mark.parametrize("life", ALL, ids=lambda life: life.name)
def test_no_state_is_stuck_unless_it_is_terminal(life: Lifecycle) -> None:
    for state in life.states:
        leaves = {target for (source, _), target in life.table.items() if source is state} - {state}
        assert leaves or state in life.terminal, f"{state} has no way out"


@pytest.mark.parametrize("life", [life for life in ALL if life.terminal], ids=lambda life: life.name)
def test_every_state_can_come_to_an_end(life: Lifecycle) -> None:
    ending = set(life.terminal)
    while more := {source for (source, _), target in life.table.items() if target in ending} - ending:
        ending |= more
    assert ending == set(life.states)


@pytest.mark.parametrize("life", ALL, ids=lambda life: life.name)
def test_tables_use_every_trigger_and_note_every_state(life: Lifecycle) -> None:
    assert {trigger for _, trigger in life.table} == set(life.triggers)
    assert set(life.notes) == set(life.states)
    assert set(life.table.values()) <= set(life.states)


@given(st.sampled_from(ALL), st.data())
def test_any_order_of_triggers_leaves_a_legal_state(life: Lifecycle, data: st.DataObject) -> None:
    model = Model(life.initial)
    for trigger in data.draw(st.lists(st.sampled_from(list(life.triggers)), max_size=30)):
        before = model.state
        try:
            life.fire(model, trigger)
        except IllegalTransition:
            assert model.state is before
        assert model.state in set(life.states)


@given(st.lists(st.sampled_from(list(POSITION.triggers)), max_size=20))
def test_a_closed_position_never_reopens(triggers: list[StrEnum]) -> None:
    model = Model(PositionState.CLOSED)
    for trigger in triggers:
        if POSITION.allows(model.state, trigger):
            POSITION.fire(model, trigger)
    assert model.state is PositionState.CLOSED


def test_an_unknown_word_is_refused_like_any_other_trigger() -> None:
    class Stranger(StrEnum):
        FLY = "fly"

    model = Model(ORDER.initial)
    with pytest.raises(IllegalTransition):
        ORDER.fire(model, Stranger.FLY)
    assert model == Model(ORDER.initial)


def test_named_sets_agree_with_the_tables() -> None:
    assert set(OrderState) == LIVE | ORDER.terminal | {OrderState.INTENT}
    assert {state for (state, trigger) in ORDER.table if trigger == "amend"} == AMENDABLE
    assert set(PositionState) == OPEN | POSITION.terminal


@pytest.mark.parametrize("life", ALL, ids=lambda life: life.name)
def test_the_diagram_shows_every_row_of_the_table_and_no_other(life: Lifecycle) -> None:
    lines = [line.strip() for line in mermaid(life).splitlines()]
    assert lines[0] == "stateDiagram-v2"
    assert f"[*] --> {life.initial}" in lines
    assert {line for line in lines if line.endswith("--> [*]")} == {f"{state} --> [*]" for state in life.terminal}
    drawn = set()
    for line in lines:
        if ": " not in line:
            continue
        ends, triggers = line.split(": ")
        source, target = ends.split(" --> ")
        drawn |= {(source, trigger, target) for trigger in triggers.split(" / ")}
    assert drawn == {(s.value, t.value, target.value) for (s, t), target in life.table.items()}
    assert sum(len(triggers) for triggers in edges(life).values()) == len(life.table)


@pytest.mark.parametrize("life", ALL, ids=lambda life: life.name)
def test_the_state_table_has_a_line_for_every_state_with_its_triggers(life: Lifecycle) -> None:
    rows = state_rows(life)
    assert [name.rstrip("*") for name, _, _ in rows] == [state.value for state in life.states]
    for name, promise, triggers in rows:
        state = life.states(name.rstrip("*"))
        assert name.endswith("*") is (state in life.terminal)
        assert promise == life.notes[state]
        assert [t for t in triggers.split(", ") if t] == [t.value for (source, t) in life.table if source is state]
