"""Lifecycles as drawings: where each state stands and how its edges run. Templates draw; the tables give the edges.

Only the places are laid out by hand, because a reader finds a machine again by its shape; a state that has no place
gets one in a row of its own, so that a new state shows before anybody draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.domain.lifecycles import edges
from bot.domain.machine import Lifecycle

# Rows from the top, states from the left with their column.
PLACES: Final[Mapping[str, Mapping[str, tuple[float, int]]]] = MappingProxyType(
    {
        "signal": {
            "pending": (0, 0), "approved": (1, 0), "working": (2, 0), "filled": (3, 0),
            "rejected": (0.5, 1), "expired": (1.5, 1), "cancelled": (2.5, 1),
        },
        "position": {"filled": (0, 0), "trailing": (1, 0), "closing": (2, 0), "closed": (3, 0)},
        "order": {
            "intent": (0, 0), "submitted": (1, 0), "working": (2, 0), "partially_filled": (3, 0), "filled": (4, 0),
            "unknown": (1.5, 1), "cancelling": (2.5, 1),
            "rejected": (1.5, 2), "cancelled": (2.5, 2),
        },
        "approval": {"requested": (0, 0), "approved": (1, 0), "rejected": (0.5, 1), "expired": (1.5, 1)},
        "message": {
            "queued": (0, 0), "sending": (1, 0), "sent": (2, 0),
            "retrying": (0.5, 1), "unknown": (1.5, 1), "withheld": (0.5, 2), "dead": (1.5, 2),
        },
        "report": {
            "drafted": (0, 0), "awaiting_approval": (1, 0), "approved": (2, 0), "published": (3, 0),
            "rejected": (1.5, 1),
        },
        "session": {
            "starting": (0, 0), "reconciling": (1, 0), "active": (2, 0),
            "halted": (0.5, 1), "paused": (1.5, 1), "stopping": (2.5, 1),
        },
        "connection": {
            "down": (0, 0), "handshaking": (1, 0), "syncing": (2, 0), "synced": (3, 0),
            "restart_window": (0, 1), "degraded_orders": (1.5, 1), "degraded_data": (2.5, 1), "competing": (3.5, 1),
        },
        "breaker": {"ok": (0, 0), "warning": (1, 0), "tripped": (2, 0)},
        "symbol": {"open": (0, 0), "halted": (1, 0)},
        "adoption": {
            "asked": (0, 0), "allowed": (1, 0), "adopted": (2, 0), "declined": (0, 1), "gone": (1, 1),
        },
        "request": {"queued": (0, 0), "done": (1, 0), "refused": (2, 0)},
    }
)  # fmt: skip

BOX_W, BOX_H, GAP_X, GAP_Y, MARGIN = 122.0, 46.0, 36.0, 62.0, 12.0
HEADROOM: Final = 34.0
EVERYWHERE: Final = 5
"""A trigger that leads to one state from at least so many others is a note under the drawing, not a web of lines."""


@dataclass(frozen=True, slots=True)
class Box:
    state: str
    x: float
    y: float
    terminal: bool
    note: str
    repeats: tuple[str, ...]

    @property
    def cx(self) -> float:
        return self.x + BOX_W / 2

    @property
    def cy(self) -> float:
        return self.y + BOX_H / 2


@dataclass(frozen=True, slots=True)
class Line:
    source: str
    target: str
    triggers: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """One lifecycle, ready to draw. `notes` name what comes from nearly everywhere: (triggers, target)."""

    name: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    notes: tuple[tuple[str, str], ...]
    box_w: float = BOX_W
    box_h: float = BOX_H


def draw(life: Lifecycle) -> Diagram:
    """Return the geometry of a lifecycle's diagram."""
    places = _places(life)
    pairs = edges(life)
    boxes = {state.value: _box(life, state.value, places[state.value], pairs) for state in life.states}
    common = _from_everywhere(pairs)
    lines = []
    for (a, b), triggers in pairs.items():
        near = _near(boxes[a], boxes[b])
        shown = tuple(t for t in triggers if near or (t, b) not in common)
        if a != b and shown:
            lines.append(Line(a, b, shown, _path(boxes[a], boxes[b], both_ways=(b, a) in pairs)))
    width = max(box.x for box in boxes.values()) + BOX_W + MARGIN
    height = max(box.y for box in boxes.values()) + BOX_H + HEADROOM
    return Diagram(life.name, width, height, tuple(boxes.values()), tuple(lines), tuple(sorted(common)))


def _near(a: Box, b: Box) -> bool:
    """Say whether a line from a to b is short enough to be drawn however common its trigger is: the next in the row,
    or the one below."""
    one_column, one_row = BOX_W + GAP_X, BOX_H + GAP_Y
    ahead = a.y == b.y and 0 < b.x - a.x <= one_column
    below = 0 < b.y - a.y <= one_row and abs(b.x - a.x) <= one_column / 2
    return ahead or below


def _places(life: Lifecycle) -> dict[str, tuple[float, int]]:
    known = PLACES.get(life.name, {})
    last_row = max((row for _, row in known.values()), default=-1) + 1
    places: dict[str, tuple[float, int]] = {}
    for state in life.states:
        homeless = sum(1 for name in places if name not in known)
        places[state.value] = known.get(state.value, (homeless, last_row))
    return places


def _box(life: Lifecycle, state: str, place: tuple[float, int], pairs: Mapping[tuple[str, str], list[str]]) -> Box:
    column, row = place
    member = life.states(state)
    x, y = MARGIN + column * (BOX_W + GAP_X), HEADROOM + row * (BOX_H + GAP_Y)
    return Box(state, x, y, member in life.terminal, life.notes[member], tuple(pairs.get((state, state), ())))


def _from_everywhere(pairs: Mapping[tuple[str, str], list[str]]) -> frozenset[tuple[str, str]]:
    seen: dict[tuple[str, str], int] = {}
    for (a, b), triggers in pairs.items():
        for trigger in triggers if a != b else ():
            seen[trigger, b] = seen.get((trigger, b), 0) + 1
    return frozenset(key for key, sources in seen.items() if sources >= EVERYWHERE)


def _path(a: Box, b: Box, *, both_ways: bool) -> str:
    if a.y == b.y:
        return _along_row(a, b, both_ways=both_ways)
    return _between_rows(a, b, both_ways=both_ways)


def _along_row(a: Box, b: Box, *, both_ways: bool) -> str:
    neighbours = abs(a.x - b.x) <= BOX_W + GAP_X + 1
    forward = b.x > a.x
    if neighbours:
        shift = (-7.0 if forward else 7.0) if both_ways else 0.0
        start, end = (a.x + BOX_W, b.x) if forward else (a.x, b.x + BOX_W)
        return f"M{start:.0f} {a.cy + shift:.0f} L{end:.0f} {b.cy + shift:.0f}"
    # Over what stands between: an arc above the row, the way back below it.
    lift = 12 + 9 * abs(a.x - b.x) / (BOX_W + GAP_X)
    start_x, end_x = (a.cx + 22, b.cx - 22) if forward else (a.cx - 22, b.cx + 22)
    edge, top = (a.y, a.y - lift) if forward else (a.y + BOX_H, a.y + BOX_H + lift)
    return f"M{start_x:.0f} {edge:.0f} C{start_x:.0f} {top:.0f} {end_x:.0f} {top:.0f} {end_x:.0f} {edge:.0f}"


def _between_rows(a: Box, b: Box, *, both_ways: bool) -> str:
    down = b.y > a.y
    start_y, end_y = (a.y + BOX_H, b.y) if down else (a.y, b.y + BOX_H)
    lean = max(-1.0, min(1.0, (b.cx - a.cx) / BOX_W))
    shift = (-9.0 if down else 9.0) if both_ways else 0.0
    start_x, end_x = a.cx + 26 * lean + shift, b.cx - 26 * lean + shift
    middle = (start_y + end_y) / 2
    return f"M{start_x:.0f} {start_y:.0f} C{start_x:.0f} {middle:.0f} {end_x:.0f} {middle:.0f} {end_x:.0f} {end_y:.0f}"
