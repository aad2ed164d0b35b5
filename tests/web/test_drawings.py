"""The drawings of the lifecycles: every state in its place, every edge drawn or named."""

from __future__ import annotations

import pytest

from bot.domain.lifecycles import LIFECYCLES, edges
from bot.domain.machine import Lifecycle
from bot.web.diagram import PLACES, draw


@pytest.mark.parametrize("life", LIFECYCLES.values(), ids=list(LIFECYCLES))
def test_every_state_has_a_place_of_its_own(life: Lifecycle) -> None:
    if life.name in PLACES:
        assert set(PLACES[life.name]) == {state.value for state in life.states}
    boxes = draw(life).boxes
    assert {box.state for box in boxes} == {state.value for state in life.states}
    assert len({(box.x, box.y) for box in boxes}) == len(boxes)


def test_a_machine_that_nobody_laid_out_is_drawn_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    life = LIFECYCLES["adoption"]
    monkeypatch.setattr("bot.web.diagram.PLACES", {})
    boxes = draw(life).boxes
    assert len({box.x for box in boxes}) == len(list(life.states))
    assert len({box.y for box in boxes}) == 1


@pytest.mark.parametrize("life", LIFECYCLES.values(), ids=list(LIFECYCLES))
def test_every_edge_is_drawn_or_named_below(life: Lifecycle) -> None:
    drawing = draw(life)
    drawn = {(line.source, line.target): set(line.triggers) for line in drawing.lines}
    for (source, target), triggers in edges(life).items():
        missing = set(triggers) - drawn.get((source, target), set())
        if source != target:
            assert all((trigger, target) in drawing.notes for trigger in missing)
