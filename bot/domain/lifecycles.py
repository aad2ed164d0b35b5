"""Every lifecycle by name, and how a table is shown: Mermaid diagram and state table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain.kinds import KINDS
from bot.domain.machine import Lifecycle
from bot.domain.requests import REQUEST

_ALL: Final = (*(kind.life for kind in KINDS.values()), REQUEST)
"""The kinds that the tick keeps, and those whose rows others write."""
LIFECYCLES: Final[Mapping[str, Lifecycle]] = MappingProxyType({life.name: life for life in _ALL})


def edges(life: Lifecycle) -> dict[tuple[str, str], list[str]]:
    """Return the triggers of each (from, to) pair, in the table's order."""
    found: dict[tuple[str, str], list[str]] = {}
    for (source, trigger), target in life.table.items():
        found.setdefault((source.value, target.value), []).append(trigger.value)
    return found


def mermaid(life: Lifecycle) -> str:
    """Return the lifecycle as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {life.initial.value}"]
    lines += [f"    {a} --> {b}: {' / '.join(triggers)}" for (a, b), triggers in edges(life).items()]
    lines += [f"    {state.value} --> [*]" for state in life.states if state in life.terminal]
    return "\n".join(lines)


def state_rows(life: Lifecycle) -> list[tuple[str, str, str]]:
    """Return (state, what it promises, triggers that leave or repeat it) for each state; terminal ones are marked with
    *."""
    rows = []
    for state in life.states:
        triggers = [t.value for (source, t) in life.table if source is state]
        mark = "*" if state in life.terminal else ""
        rows.append((f"{state.value}{mark}", life.notes[state], ", ".join(triggers)))
    return rows
