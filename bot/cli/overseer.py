"""`overseer`: what its calls said and cost, verdicts beside outcomes, and the rules it watches by."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import configuration, fail

if TYPE_CHECKING:
    from bot.domain.overseer import OverseerCall

_MOST: Final = 10_000
CALLS: Final = ("at", "task", "model", "answered", "severity", "action", "usd", "ms", "text", "outcome")


def overseer(
    task: Annotated[
        str | None, typer.Option(help="Only these calls: anomaly, pre_trade_review, explanation, day_summary, ...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="The newest so many calls.")] = 20,
    rules: Annotated[bool, typer.Option("--rules", help="What the rules watch for, instead.")] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the overseer's calls, each day's cost beside its budget, and its verdicts beside what became of them."""
    if rules:
        _show_rules(json=json)
        return
    found = _found(task, limit)
    if json:
        show.as_json(found)
        return
    calls: list[OverseerCall] = found["calls"]
    show.as_table(CALLS, [_row(call) for call in calls[::-1]], "calls", "none yet")
    costs = [(c.day, c.calls, c.asked, f"{c.usd:.4f}", found["budget_usd"], c.failed) for c in found["costs"]]
    show.as_table(("day", "calls", "asked", "usd", "budget", "failed"), costs, "cost a day", "none yet")
    judged = [(j.action, j.calls, j.open, j.won, j.lost, j.other) for j in found["judged"]]
    heads = ("verdict", "calls", "open", "won", "lost", "never traded")
    show.as_table(heads, judged, "verdicts beside outcomes", "none yet")


def _found(task: str | None, limit: int) -> dict[str, Any]:
    from bot.domain.overseer import ModelTask
    from bot.store.database import open_reader
    from bot.store.read.overseer import judged, overseer_calls, overseer_costs
    from bot.store.revision import check_revision

    if task is not None and task not in set(ModelTask):
        fail(f"--task {task!r} must be one of {', '.join(ModelTask)}")
    settings = configuration().settings
    check_revision(settings.database.url)
    with open_reader(settings.database.url) as connection:
        return {
            "calls": overseer_calls(connection, limit, None if task is None else ModelTask(task)),
            "costs": overseer_costs(connection),
            "judged": judged(connection),
            "budget_usd": settings.overseer.budget_usd,
        }


def _row(call: OverseerCall) -> tuple[Any, ...]:
    from bot.domain.wording import moment

    usd = f"{Decimal(call.cost_micros) / 1_000_000:.4f}"
    asked = f"{call.action}: {call.done}" if call.done else call.action.value
    return (
        moment(call.at), call.task.value, call.model, call.answered.value, call.severity, asked, usd, call.ms,
        call.text, call.outcome,
    )  # fmt: skip


def _show_rules(*, json: bool) -> None:
    from bot.overseer.rules import RULES

    rows = [(rule.name, rule.severity, rule.code, rule.reads) for rule in RULES]
    columns = ("rule", "severity", "alert", "reads")
    if json:
        show.as_json(show.records(columns, rows))
    else:
        show.as_table(columns, rows, "rules")
