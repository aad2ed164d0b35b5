"""`machines`: every lifecycle as a diagram and as a table, from the same rows that the bot runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli import show
from bot.cli.invocation import fail


def machines(
    name: Annotated[str | None, typer.Argument(help="Only this one: signal, position, order, ...")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print the lifecycles: Mermaid diagrams and state tables."""
    from bot.domain.lifecycles import LIFECYCLES

    if name is not None and name not in LIFECYCLES:
        fail(f"machine {name!r} is not one of {', '.join(LIFECYCLES)}")
    wanted = [life for life in LIFECYCLES.values() if name in {None, life.name}]
    if json:
        show.as_json([_described(life) for life in wanted])
        return
    for life in wanted:
        _print(life)


def _print(life: Any) -> None:
    from bot.domain.lifecycles import mermaid, state_rows

    print(f"## {life.name}\n\n```mermaid\n{mermaid(life)}\n```")
    show.as_table(("state (* ends)", "what it promises", "triggers"), state_rows(life))


def _described(life: Any) -> dict[str, Any]:
    from bot.domain.lifecycles import mermaid

    return {
        "machine": life.name,
        "initial": life.initial.value,
        "states": [
            {"state": state.value, "terminal": state in life.terminal, "promise": life.notes[state]}
            for state in life.states
        ],
        "transitions": [
            {"from": source.value, "trigger": trigger.value, "to": target.value}
            for (source, trigger), target in life.table.items()
        ],
        "mermaid": mermaid(life),
    }
