"""The journal of closed trades: filter, sort and page stand in the address; the same as CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import Connection

from bot.analytics.performance import Figures, figures
from bot.domain.calendar import new_york_day
from bot.domain.errors import StoreError
from bot.domain.wording import key_words
from bot.store.read import trades as ask
from bot.store.read.trades import TradeFilter, TradeRow
from bot.web.downloads import csv_file, streamed
from bot.web.store_reader import reader

blueprint = Blueprint("trades", __name__)

SHOWN: Final = 50
NEWEST: Final = "closed"
COLUMNS: Final = (
    ("closed", "Closed", ""), ("contract", "Contract", ""), ("pnl", "P&L", "n"), ("part", "of premium", "n"),
    ("contracts", "Qty", "n"), ("", "Entry → exit $", "n"), ("held", "Held", "n"), ("best", "MFE", "n"),
    ("", "MAE", "n"), ("reason", "Closed by", ""), ("strategy", "Strategy", ""),
)  # fmt: skip
FILE_COLUMNS: Final = (
    "position_id", "contract", "contract_key", "strategy", "symbol", "opened_at", "closed_at", "hold_s", "contracts",
    "entry_price", "exit_price", "premium", "commissions", "realized_pnl", "pnl_pct", "mfe_pct", "mae_pct",
    "close_reason",
)  # fmt: skip
"""Prices a share and money in dollars, times in UTC; percentages of the premium paid, best and worst of the entry
price."""
NAMES: Final = ("from", "to", "strategy", "symbol", "reason", "result")


@dataclass(frozen=True, slots=True)
class TradeJournal:
    rows: list[TradeRow]
    figures: Figures
    total: int
    page: int
    choices: Mapping[str, list[str]]

    @property
    def has_older(self) -> bool:
        return (self.page + 1) * SHOWN < self.total


@blueprint.get("/trades")
def page() -> str:
    wanted, sort, down = _asked()
    number = _whole(request.args.get("page", ""))
    found = reader().look(lambda connection: _journal(connection, wanted, sort, down, number))
    today = new_york_day(reader().clock.now())
    return render_template(
        "web/trades.html", active="Trades", j=found, columns=COLUMNS, sort=sort, down=down, kept=_kept(),
        given=request.args, today=today, title_of=lambda row: key_words(row.contract_key, today),
    )  # fmt: skip


@blueprint.get("/trades.csv")
def as_csv() -> Response:
    wanted, sort, down = _asked()
    lines = streamed(reader(), FILE_COLUMNS, lambda connection: _file_rows(connection, wanted, sort, down))
    return csv_file("trades", lines)


@blueprint.get("/trades.json")
def as_json() -> dict[str, Any]:
    wanted, sort, down = _asked()
    number = _whole(request.args.get("page", ""))
    found = reader().look(lambda connection: _journal(connection, wanted, sort, down, number))
    rows = [dict(zip(FILE_COLUMNS, _file_row(row), strict=True)) for row in found.rows]
    return {"total": found.total, "page": number, "trades": rows}


def _journal(connection: Connection, wanted: TradeFilter, sort: str, down: bool, number: int) -> TradeJournal:
    book = reader().closed.book(connection)
    closed = book.of(wanted)
    rows = ask.found_trades(connection, wanted, SHOWN, number * SHOWN, sort, down=down)
    return TradeJournal(rows, figures(closed), len(closed), number, book.choices())


def _file_rows(connection: Connection, wanted: TradeFilter, sort: str, down: bool) -> Iterator[list[Any]]:
    for row in ask.each_trade(connection, wanted, sort, down=down):
        yield _file_row(row)


def _file_row(row: TradeRow) -> list[Any]:
    best, worst = row.excursion(row.best), row.excursion(row.worst)
    parts = [None if part is None else f"{part * 100:.2f}" for part in (row.part, best, worst)]
    return [
        row.id, key_words(row.contract_key), row.contract_key, row.strategy, row.symbol, row.opened_at.isoformat(),
        row.closed_at.isoformat(), f"{row.held.total_seconds():.0f}", row.contracts, str(row.entry_price),
        None if row.exit_price is None else str(row.exit_price), str(row.premium), str(row.fees), str(row.pnl), *parts,
        row.reason,
    ]  # fmt: skip


def _asked() -> tuple[TradeFilter, str, bool]:
    """Return filter, sort and direction of the address; 400 for a day that is none."""
    try:
        wanted = filter_of(request.args, new_york_day(reader().clock.now()))
    except StoreError as error:
        abort(400, f"{error}.")
    sort = request.args.get("sort", NEWEST)
    return wanted, sort if sort in ask.SORTS else NEWEST, request.args.get("down", "1") != "0"


def filter_of(given: Mapping[str, str], today: date) -> TradeFilter:
    """Return the filter that an address asks for; raises StoreError for a day that is none."""
    result = given.get("result", "")
    return TradeFilter(
        _day(given.get("from", ""), today), _day(given.get("to", ""), today), given.get("strategy") or None,
        given.get("symbol") or None, given.get("reason") or None, result if result in {ask.WON, ask.LOST} else None,
    )  # fmt: skip


def _day(text: str, today: date) -> date | None:
    word = text.strip().lower()
    if not word:
        return None
    if word == "today":
        return today
    try:
        return date.fromisoformat(word)
    except ValueError as wrong:
        raise StoreError(f"{text!r} is no day: write it as 2026-11-20, or today") from wrong


def _kept() -> dict[str, str]:
    return {name: request.args[name] for name in NAMES if request.args.get(name)}


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 0
