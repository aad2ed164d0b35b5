"""`performance`: what closed trades came to, by strategy, symbol, hour of entry, exit reason, day, week or month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import database_url, fail

if TYPE_CHECKING:
    from bot.analytics.performance import Figures
    from bot.store.read.earnings import Earnings


class By(StrEnum):
    STRATEGY = "strategy"
    SYMBOL = "symbol"
    HOUR = "hour"
    REASON = "reason"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Range(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


COLUMNS: Final = ("trades", "wins", "win_rate", "expectancy", "factor", "fees", "pnl")
NUMERIC: Final = frozenset(range(1, len(COLUMNS) + 1))


def performance(
    by: Annotated[By, typer.Option(help="What is counted together.")] = By.STRATEGY,
    since: Annotated[Range, typer.Option("--range", help="Today, this week, this month, all.")] = Range.ALL,
    quality: Annotated[
        bool, typer.Option("--quality", help="How good the signals were: mean win and loss, MFE, MAE, slippage, time.")
    ] = False,
    timing: Annotated[
        bool, typer.Option("--timing", help="By half hour of entry, with intervals; silent below 30 trades.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """What closed trades came to, net of fees: count, won, dollars a trade, profit factor (from 10 trades on), P&L.

    The same figures as the page's Performance: one definition of each (bot/analytics/performance.py).
    """
    if csv and json:
        fail("--csv and --json: choose one of them")
    if quality and timing:
        fail("--quality and --timing: choose one of them")
    from bot.analytics.performance import figures, grouped

    found = _earned(since, slipped=quality or timing)
    if quality or timing:
        columns, lines = _qualities(found, by) if quality else _slots(found)
        _shown(columns, lines, "how good the signals were" if quality else "by time of entry", as_json=json, as_csv=csv)
        return
    rows = grouped(found.trades, by.value)
    whole = figures(found.trades)
    if json:
        groups = [{by.value: name} | _plain(each) for name, each in rows]
        show.as_json({"range": since.value, "until": found.until, **_whole(found), "groups": groups})
        return
    if csv:
        show.as_csv((by.value, *COLUMNS), [(name, *_plain(each).values()) for name, each in rows])
        return
    table = [[name, *_words(each)] for name, each in rows]
    if len(table) > 1:
        table.append(["all", *_words(whole)])
    heads = (by.value, "trades", "won", "win rate", "$ a trade", "factor", "fees", "P&L")
    show.as_table(heads, table, f"performance by {by.value}", "no trade is closed yet", numeric=NUMERIC)
    print(_summary(found))


def _earned(since: Range, *, slipped: bool = False) -> Earnings:
    from bot.clocks.clock import SystemClock
    from bot.domain.calendar import new_york_day
    from bot.store import read as ask
    from bot.store.database import open_reader
    from bot.store.read.earnings import earnings
    from bot.store.read.trades import with_slippage
    from bot.store.revision import check_revision

    url = database_url()
    check_revision(url)
    with open_reader(url) as connection:
        pulse = ask.pulse(connection)
        today = new_york_day(pulse.at if pulse else SystemClock().now())
        found = earnings(connection, since.value, today)
        return replace(found, trades=with_slippage(connection, found.trades)) if slipped else found


def _qualities(found: Earnings, by: By) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    from bot.analytics.performance import groups, signal_quality

    days = [point.day for point in found.curve]
    columns = ("trades", "win rate", "factor", "expectancy", "Sharpe", "mean win", "mean loss", "MFE", "MAE",
               "measured", "slippage", "slipped", "held s")  # fmt: skip
    lines = []
    for name, trades in sorted(groups(found.trades, by.value).items()):
        each = signal_quality(trades, days, found.start)
        it, held = each.figures, each.held
        values = (it.win_rate, it.factor, it.expectancy, each.sharpe, it.mean_win, it.mean_loss, each.mfe, each.mae)
        rounded = tuple(None if value is None else round(float(value), 4) for value in values)
        slippage = None if each.slippage is None else round(float(each.slippage), 2)
        seconds = None if held is None else round(held.total_seconds())
        lines.append((name, it.trades, *rounded, each.measured, slippage, each.slipped, seconds))
    return (by.value, *columns), lines


def _slots(found: Earnings) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    from bot.analytics.timing import time_slots

    columns = ("from", "trades", "win rate", "interval", "$ a trade", "interval of it", "slippage", "interval of that",
               "measured", "verdict")  # fmt: skip
    lines = [
        (
            f"{slot.begins:%H:%M}", slot.trades, _number(slot.win_rate), _interval(slot.win_interval),
            _number(slot.pnl, 2), _interval(slot.pnl_interval), _number(slot.slippage, 2),
            _interval(slot.slippage_interval), slot.slipped,
            slot.verdict if slot.speaks else "too few to say anything",
        )
        for slot in time_slots(found.trades)
    ]  # fmt: skip
    return columns, lines


def _number(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def _interval(found: tuple[float, float] | None) -> str | None:
    return None if found is None else f"{found[0]:.2f} to {found[1]:.2f}"


def _shown(
    columns: Sequence[str], lines: Sequence[tuple[Any, ...]], title: str, *, as_json: bool, as_csv: bool
) -> None:
    if as_json:
        show.as_json([dict(zip(columns, line, strict=True)) for line in lines])
    elif as_csv:
        show.as_csv(columns, lines)
    else:
        show.as_table(columns, lines, title, "no trade is closed yet", numeric=frozenset(range(1, len(columns))))


def _plain(each: Figures) -> dict[str, Any]:
    rounded = {name: None if (value := getattr(each, name)) is None else round(value, 4) for name in COLUMNS[2:5]}
    return {"trades": each.trades, "wins": each.wins, **rounded, "fees": round(each.fees, 2), "pnl": round(each.pnl, 2)}


def _whole(found: Earnings) -> dict[str, Any]:
    drawdown = None if found.drawdown is None else round(found.drawdown, 6)
    closed, is_open = round(found.figures.pnl, 2), round(found.open, 2)
    return {"total": closed + is_open, "closed": closed, "open": is_open, "sharpe": found.sharpe, "drawdown": drawdown}


def _words(each: Figures) -> list[str]:
    from bot.domain.wording import NOTHING, dollars, signed

    rate = NOTHING if each.win_rate is None else f"{each.win_rate:.0%}"
    factor = NOTHING if each.factor is None else signed(each.factor, 2, plus=False)
    money = [dollars(each.expectancy, plus=True), factor, dollars(each.fees), dollars(each.pnl, plus=True)]
    return [str(each.trades), str(each.wins), rate, *money]


def _summary(found: Earnings) -> str:
    from bot.domain.wording import NOTHING, dollars, signed

    sharpe = NOTHING if found.sharpe is None else signed(found.sharpe, 2, plus=False)
    fall = NOTHING if found.drawdown is None else f"{signed(found.drawdown * 100, 1, plus=False)} %"
    parts = f"{dollars(found.figures.pnl, plus=True)} closed + {dollars(found.open, plus=True)} of open trades"
    return f"P&L {dollars(found.total, plus=True)} = {parts}; Sharpe {sharpe}, worst drawdown {fall}"
