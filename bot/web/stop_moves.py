"""Moves of a stop that follow each other, shown as one step: a trail of an afternoon is one line, not a hundred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from bot.store.values import parse_json
from bot.web.views import StepView

_RAISED: Final = ("position", "ratchet")
_PARTS: Final = frozenset({_RAISED, ("order", "amend"), ("order", "amended")})
"""The decision, what was sent to the broker, and what the broker answered."""
_FEWEST: Final = 2


def stop_moves_as_one(steps: Sequence[StepView]) -> tuple[StepView, ...]:
    """Return steps, in their order, in which two and more moves of one position's stop that nothing else lies between
    are one step that holds them."""
    return tuple(shown for _, run in groupby(steps, _of_stop) for shown in _as_one(list(run)))


def _of_stop(step: StepView) -> str:
    """Return whose stop a step moves, empty for every other step."""
    if (step.machine, step.trigger) not in _PARTS:
        return ""
    return step.entity_id if step.machine == "position" else step.position_id or ""


def _as_one(run: Sequence[StepView]) -> Iterator[StepView]:
    raised = [step for step in run if (step.machine, step.trigger) == _RAISED]
    if len(raised) < _FEWEST or not _of_stop(run[0]):
        yield from run
        return
    first, last = min(raised, key=lambda step: step.seq), max(raised, key=lambda step: step.seq)
    began, ended = (parse_json(step.evidence) or {} for step in (first, last))
    words = f"{len(raised)} times: stop from {began.get('from', '–')} to {ended.get('to', '–')}"
    # named by its oldest part, so that it stays the same one while it grows
    yield replace(last, seq=min(step.seq for step in run), reason=words, evidence="{}", parts=tuple(run))
