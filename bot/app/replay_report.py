"""The report of a replay: one HTML file that needs nothing else, read from the replay's own store."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from sqlalchemy import Connection

from bot.analytics.performance import grouped
from bot.app.day_summary import DaySummary, headline, slippage_words
from bot.charts.bundle import bundle, home
from bot.charts.chart import Axis, Chart, Level, LineMark, Mark, Pane, Row, Shown, thinned, wall_ms
from bot.charts.drawing import NARROW, WIDE, Drawing, drawing
from bot.charts.vega import DARK, PALETTE, specification
from bot.domain.wording import key_words
from bot.store.database import open_reader
from bot.store.read import account_day, executions, marks, orders_of_position
from bot.store.read.money import slippage_parts
from bot.store.read.trades import TradeFilter, closed_trades

if TYPE_CHECKING:
    from bot.app.replayed_recording import ReplayOutcome
    from bot.store.read.trading import PositionRow

_TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates"
_MOST_TRADES: Final = 60
_POINTS: Final = 600


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A chart as the report shows it: drawn, and as the library draws it where it is at hand."""

    title: str
    wide: Drawing
    narrow: Drawing
    spec: Markup


def write_report(outcome: ReplayOutcome, to: Path) -> None:
    """Write the report of a replay, over an older one."""
    url = f"sqlite+aiosqlite:///{outcome.database.absolute()}"
    with open_reader(url) as reader:
        days = [_of_day(reader, day) for day in outcome.days]
        first, last = min(day.day for day in outcome.days), max(day.day for day in outcome.days)
        trades = closed_trades(reader, TradeFilter(since=first, until=last))
    by_strategy = grouped(trades, "strategy")
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    page = environment.get_template("replay/report.html").render(
        outcome=outcome, days=days, by_strategy=by_strategy, library=_library(), fills=_fills(outcome), light=PALETTE,
        dark=DARK,
    )  # fmt: skip
    to.write_text(page, encoding="utf-8")


def _fills(outcome: ReplayOutcome) -> str:
    from bot.app.replayed_recording import fills_words

    return fills_words(outcome)


def _library() -> Markup | None:
    """Return Vega-Lite's script where `make setup` has put it; without it the drawings stand."""
    found = bundle(home())
    if found is None:
        return None
    script = (found.folder / found.file).read_text(encoding="utf-8").replace("</script", "<\\/script")
    return Markup(script)  # noqa: S704 - the bundle of the environment, pinned by vega.lock


def _of_day(reader: Connection, day: DaySummary) -> dict[str, Any]:
    charts = [_equity(reader, day.day), _exposure(reader, day)]
    charts += [_price(reader, row, day.day) for row in day.trades[:_MOST_TRADES]]
    return {
        "day": day.day,
        "headline": headline(day.money),
        "slippage": slippage_words(day.slippage) if day.slippage is not None else "none was measured",
        "slipped": slippage_parts(reader, day.day),
        "trades": [_row(row, day.day) for row in day.trades],
        "figures": [figure for chart in charts if chart is not None and (figure := _figure(*chart)) is not None],
        "broken": [f"{each.invariant}: {each.detail}" for each in day.findings if not each.ok],
    }


def _row(row: PositionRow, day: date) -> dict[str, Any]:
    return {
        "strategy": row.strategy,
        "what": key_words(row.contract_key, day),
        "contracts": row.entry_quantity,
        "entry": row.entry_price,
        "opened": row.opened_at,
        "closed": row.closed_at,
        "pnl": row.realized_pnl,
        "reason": row.close_reason or row.state,
    }


def _figure(title: str, chart: Chart) -> ReportFigure | None:
    wide, narrow = drawing(chart, WIDE), drawing(chart, NARROW)
    if wide is None or narrow is None:
        return None
    text = json.dumps(specification(chart), separators=(",", ":")).replace("</", "<\\/")
    spec = Markup(text.replace("<!--", "<\\!--"))  # noqa: S704 - JSON of ours, its ends escaped
    return ReportFigure(title, wide, narrow, spec)


def _equity(reader: Connection, day: date) -> tuple[str, Chart] | None:
    rows: list[Row] = [
        {"x": wall_ms(row.at), "v": float(row.net_liquidation)}
        for row in account_day(reader, day)
        if row.net_liquidation is not None
    ]
    if len(rows) < 2:
        return None
    pane = Pane("Dollars: what the account was worth", Shown.MONEY, (LineMark("v", "equity"),), height=180)
    words = f"The account from {rows[0]['v']:,.2f} to {rows[-1]['v']:,.2f} dollars"
    return "Equity", Chart("equity", words, Axis.TIME, (pane,), thinned(rows, "v", _POINTS))


def _exposure(reader: Connection, day: DaySummary) -> tuple[str, Chart] | None:
    """Return what was held: the contracts that were left at their last bid, in dollars, at each sample and each fill of
    any of them."""
    paths = [path for row in day.trades if (path := _held(reader, row))]
    moments = sorted({x for path in paths for x, _ in path})
    if len(moments) < 2:
        return None
    rows: list[Row] = [{"x": x, "v": round(sum(_at(path, x) for path in paths), 2)} for x in moments]
    pane = Pane("Dollars: the contracts that were held, at the bid", Shown.MONEY,
                (LineMark("v", "exposure", area=True),), height=150, zero=True)  # fmt: skip
    words = f"At most {max(float(row['v'] or 0) for row in rows):,.0f} dollars were held"
    return "Exposure", Chart("exposure", words, Axis.TIME, (pane,), thinned(rows, "v", _POINTS))


def _held(reader: Connection, row: PositionRow) -> list[tuple[float, float]]:
    """Return what a position was worth at its bid, from its first sample on: when, and dollars."""
    orders = [order.id for order in orders_of_position(reader, row.id, row.signal_id)]
    fills = [(fill.executed_at, fill.quantity if fill.side == "BUY" else -fill.quantity)
             for fill in executions(reader, orders, row.id)]  # fmt: skip
    bids = [(each.at, float(each.bid)) for each in marks(reader, row.id) if each.bid is not None]
    times = sorted({at for at, _ in bids} | {at for at, _ in fills if bids and at > bids[0][0]})
    path = [(wall_ms(times[0]) - 1, 0.0)] if times else []
    for at in times:
        left = sum(count for filled_at, count in fills if filled_at <= at)
        bid = next(bid for marked_at, bid in reversed(bids) if marked_at <= at)
        path.append((wall_ms(at), bid * left * row.multiplier))
    return path


def _at(path: Sequence[tuple[float, float]], x: float) -> float:
    """Return the last value up to a moment, 0 before the first."""
    number = bisect_right(path, x, key=itemgetter(0))
    return path[number - 1][1] if number else 0.0


def _price(reader: Connection, row: PositionRow, day: date) -> tuple[str, Chart] | None:
    """Return an option's price with what was bought and sold on it."""
    seen = [(each.at, float(each.bid)) for each in marks(reader, row.id) if each.bid is not None]
    if len(seen) < 2:
        return None
    orders = [order.id for order in orders_of_position(reader, row.id, row.signal_id)]
    fills = executions(reader, orders, row.id)
    signs = tuple(
        Mark(wall_ms(fill.executed_at), float(fill.price), "bought" if fill.side == "BUY" else "sold",
             f"{'bought' if fill.side == 'BUY' else 'sold'} {fill.quantity} at {fill.price}")
        for fill in fills
    )  # fmt: skip
    rows: list[Row] = [{"x": wall_ms(at), "v": bid} for at, bid in seen]
    entry = Level(float(row.entry_price), "entry")
    pane = Pane("Dollars a share: the bid", Shown.PRICE, (LineMark("v", "bid"),), marks=signs, height=170, digits=2,
                levels=(entry,))  # fmt: skip
    name = key_words(row.contract_key, day)
    words = f"{name}: bid with {len(fills)} fills"
    return name, Chart(f"price-{row.id}", words, Axis.TIME, (pane,), thinned(rows, "v", _POINTS))
