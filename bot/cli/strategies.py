"""`strategies` and `why`: which conditions hold now, which fail and by how much, and what shadows would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import database_url, fail

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bot.store.read.strategies import ShadowIdea, StrategyRow
    from bot.web.conditions import ConditionMatrix

_HEADS: Final = ("strategy", "state", "symbols", "window", "looks", "ideas", "nearest now", "in shadow")
_CONDITIONS: Final = ("underlying", "condition", "holds", "measured", "misses by")
_WHY: Final = ("strategy", "state", "hold", "why there is no trade right now")


@dataclass(frozen=True, slots=True)
class _Seen:
    row: StrategyRow
    state: str
    matrix: ConditionMatrix | None
    shadow: Sequence[ShadowIdea]


def strategies(
    name: Annotated[str, typer.Argument(help="One of them, with its conditions; none: all.")] = "",
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Every strategy with its state and how near it is to a trade; of one NAME each condition by underlying.

    The conditions are those of its latest look; what it would have bought in shadow is judged at the expiry.
    """
    found = _look(name)
    if json:
        show.as_json([_plain(each) for each in found])
        return
    show.as_table(_HEADS, [_line(each) for each in found], "strategies", "no strategy is known yet: start the bot once")
    for each in found if name else ():
        show.as_table(_CONDITIONS, _conditions(each), f"{each.row.name}, now", "it has not looked today")


def why(
    symbol: Annotated[str, typer.Argument(help="An underlying, as SPY.")],
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Why there is no trade on SYMBOL right now: by strategy the first reason, and each condition that fails."""
    wanted = symbol.upper()
    found = [each for each in _look("") if wanted in each.row.symbols]
    if not found:
        fail(f"no strategy looks at {wanted[:16]!r}; `python run.py strategies` says at what they look")
    reasons = [(each.row.name, each.state, *_reason(each, wanted)) for each in found]
    missing = [(each.row.name, *row[1:]) for each in found for row in _conditions(each)
               if row[0] == wanted and row[2] != "yes"]  # fmt: skip
    if json:
        show.as_json({"reasons": show.records(_WHY, reasons),
                      "conditions": show.records(("strategy", *_CONDITIONS[1:]), missing)})  # fmt: skip
        return
    show.as_table(_WHY, reasons, wanted)
    show.as_table(("strategy", *_CONDITIONS[1:]), missing, "what does not hold", "every condition holds")


def _look(name: str) -> list[_Seen]:
    from bot.clocks.clock import SystemClock
    from bot.domain.calendar import new_york_day
    from bot.store import read as ask
    from bot.store.database import open_reader
    from bot.store.read.strategies import strategies as rows_of
    from bot.store.revision import check_revision

    url = database_url()
    check_revision(url)
    with open_reader(url) as connection:
        pulse = ask.pulse(connection)
        day = (pulse.session_day if pulse else None) or new_york_day(SystemClock().now())
        rows = rows_of(connection, day)
        if name and name not in {row.name for row in rows}:
            fail(f"no strategy is called {name[:64]!r}; there are: {', '.join(row.name for row in rows) or 'none'}")
        return [_seen(connection, row, pulse) for row in rows if not name or row.name == name]


def _seen(connection: Connection, row: StrategyRow, pulse: Any) -> _Seen:
    from bot.domain.strategy_switch import SwitchState
    from bot.store.read.settings import settings_in_force
    from bot.store.read.strategies import shadow_ideas
    from bot.web.conditions import matrix_of, strategy_of

    sections = settings_in_force(connection).get("strategies", {})
    known = strategy_of(row.name, sections) if row.looks and isinstance(sections, dict) else None
    is_on = row.state != SwitchState.OFF.value
    matrix = None if known is None or pulse is None else matrix_of(known, row.looks, pulse, on=is_on)
    return _Seen(row, row.state if row.enabled else "not enabled", matrix, shadow_ideas(connection, row.name))


def _line(each: _Seen) -> tuple[Any, ...]:
    row = each.row
    nearest = each.matrix.nearest if each.matrix else "-"
    return (
        row.name,
        each.state,
        " ".join(row.symbols),
        row.window,
        row.evaluated,
        row.proposed,
        nearest,
        _shadow(each),
    )


def _shadow(each: _Seen) -> str:
    from bot.domain.money import ZERO
    from bot.domain.wording import dollars

    known = [idea.brought for idea in each.shadow if idea.brought is not None]
    if not each.shadow:
        return "-"
    return f"{len(each.shadow)}, " + (dollars(sum(known, ZERO), plus=True) if known else "none judged yet")


def _conditions(each: _Seen) -> list[tuple[str, str, str, str, str]]:
    words = {True: "yes", False: "no", None: "not judged"}
    columns = each.matrix.columns if each.matrix else ()
    return [(column.symbol, one.words, words[one.holds], one.value, one.miss)
            for column in columns for one in column.conditions]  # fmt: skip


def _reason(each: _Seen, symbol: str) -> tuple[str, str]:
    said = next((look.last_reason for look in each.row.looks if look.symbol == symbol), "it has not looked today")
    columns = each.matrix.columns if each.matrix else ()
    held = next((f"{c.held} of {len(c.conditions)}" for c in columns if c.symbol == symbol), "-")
    return held, said


def _plain(each: _Seen) -> dict[str, Any]:
    row = each.row
    return {
        "name": row.name, "state": each.state, "symbols": list(row.symbols), "window": row.window,
        "looks": row.evaluated, "ideas": row.proposed, "shadow": _shadow(each),
        "conditions": {column.symbol: [asdict(one) for one in column.conditions]
                       for column in (each.matrix.columns if each.matrix else ())},
    }  # fmt: skip
