"""Cboe's quote table of a whole chain, as its page "Delayed quotes" downloads it: CSV, text in, contracts out.

Line 1 is empty or a byte-order mark; then name with `Last` and `Change`, then when it was quoted with bid, ask and
volume, then the head, then a row for each root, expiry and strike: the call's columns, the strike, the put's. The date
is written as the browser of who downloaded it writes dates ("January 7, 2024 at 10:52 AM EST", "7 January 2024 at 15:52
GMT"), in older tables "Sep 14 2018 @ 16:31 ET"; expiries are "Fri Jan 05 2024", in older tables "01/05/2024". Older
tables say `Vol` and `Open Int`, and the price without its name. A number may have thousands' commas.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

from bot.analytics.exposure import ListedOption
from bot.domain.calendar import NEW_YORK
from bot.domain.errors import BotError

TOLD_EVERY: Final = 2000
"""Rows after which the one who waits is told how far the reading is."""
_HEAD: Final = "expiration date"
_COLUMNS: Final = ("volume", "iv", "delta", "gamma", "open interest")
_ALSO: Final = {"vol": "volume", "open int": "open interest", "expiration": _HEAD, "imp vol": "iv"}
_ZONES: Final = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "UTC": 0, "GMT": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
}  # fmt: skip
_FIGURE: Final = re.compile(r"\s*(last|change|bid|ask|size|volume)\b", re.IGNORECASE)
_ZONE: Final = re.compile(r"\s*\b(?:(GMT|UTC)([+-]\d{1,2})(?::?(\d{2}))?|([A-Z]{1,3}T|UTC))\s*$")
_OSI: Final = re.compile(r"^\s*([A-Z0-9.]{1,6}?)\s*(\d{6})([CP])(\d{8})\s*$")


class UnreadableTable(BotError):
    """The file is no quote table; says which line, what stands there and what was looked for."""


@dataclass(frozen=True, slots=True)
class QuoteTable:
    """A chain as it was quoted. `left_out`: rows that say nothing of a contract, by line number and reason."""

    name: str
    spot: float
    quoted_at: datetime
    rows: Sequence[ListedOption]
    left_out: Sequence[tuple[int, str]]


def read_quote_table(text: str, source: str, tell: Callable[[int], None] = lambda _: None) -> QuoteTable:
    """Return the chain of a table; `tell` hears how many rows are read, now and then. Raises UnreadableTable."""
    lines = list(csv.reader(text.lstrip("\ufeff").splitlines()))
    head = next(
        (
            n
            for n, cells in enumerate(lines)
            if cells and _ALSO.get(cells[0].strip().lower(), cells[0].strip().lower()) == _HEAD
        ),
        None,
    )
    if head is None:
        raise UnreadableTable(
            f"{source}: no line begins with `Expiration Date`, so this is no Cboe quote table"
            f" ({len(lines)} line{'' if len(lines) == 1 else 's'} read)"
        )
    title = [(n, cells) for n, cells in enumerate(lines[:head], 1) if any(cell.strip() for cell in cells)]
    if len(title) < 2:
        raise UnreadableTable(f"{source}, line {head + 1}: above the head stand no name with `Last` and no date")
    spot = _spot(source, title)
    quoted_at = _quoted_at(source, title)
    calls, puts = _sides(source, head + 1, lines[head])
    rows: list[ListedOption] = []
    left_out: list[tuple[int, str]] = []
    for number, cells in enumerate(lines[head + 1 :], head + 2):
        if not any(cells):
            continue
        for found in _contracts(cells, calls, puts):
            if isinstance(found, str):
                left_out.append((number, found))
            else:
                rows.append(found)
        if len(rows) % TOLD_EVERY < 2:
            tell(len(rows))
    return QuoteTable(title[0][1][0].strip(), spot, quoted_at, rows, left_out)


def _spot(source: str, title: Sequence[tuple[int, Sequence[str]]]) -> float:
    for number, cells in title:
        for cell in cells:
            name, colon, value = cell.partition(":")
            if colon and name.strip().lower() == "last":
                found = _number(value)
                if found > 0:
                    return found
                raise UnreadableTable(f"{source}, line {number}: `{cell.strip()}` is no price of the underlying")
    number, cells = title[0]
    if len(cells) > 1 and _number(cells[1]) > 0:  # an older table
        return _number(cells[1])
    raise UnreadableTable(f"{source}, line {number}: no `Last: price` of the underlying above the head")


def _quoted_at(source: str, title: Sequence[tuple[int, Sequence[str]]]) -> datetime:
    tried = []
    for _, cells in title:
        for cell in cells:
            found = moment(cell)
            if found is not None:
                return found
            if re.search(r"\d{4}", cell) and not _FIGURE.match(cell):
                tried.append(cell.strip())
    shown = f"; tried {tried[0]!r}" if tried else ""
    raise UnreadableTable(f"{source}, line {title[-1][0]}: no date of the quotes above the head{shown}")


def moment(words: str) -> datetime | None:
    """Return the moment that a table's date says, None where it says none or in a zone that nobody knows. Without a
    zone it is New York's."""
    text = re.sub(r"^\s*date:\s*", "", words, flags=re.IGNORECASE).replace("@", "at").strip()
    zone = _ZONE.search(text)
    known = NEW_YORK if zone is None else _zone(zone)
    plain = re.sub(r"\s+", " ", _ZONE.sub("", text).replace(" at ", " ").replace(",", " "))
    if known is None:
        return None
    for form in _MOMENTS:
        try:
            found = datetime.strptime(plain, form)  # noqa: DTZ007  # its zone follows
        except ValueError:
            continue
        return found.replace(tzinfo=known).astimezone(UTC)
    return None


def _zone(found: re.Match[str]) -> tzinfo | None:
    if found[1]:
        hours, minutes = int(found[2]), int(found[3] or 0)
        return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    if found[4] == "ET":
        return NEW_YORK
    return timezone(timedelta(hours=_ZONES[found[4]])) if found[4] in _ZONES else None


_DAYS: Final = (
    "%a %b %d %Y", "%m/%d/%Y", "%Y-%m-%d", "%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y", "%a %d %b %Y", "%m/%d/%y",
)  # fmt: skip
_MOMENTS: Final = tuple(
    f"{day} {hour}".strip() for day in _DAYS for hour in ("%I:%M %p", "%I:%M:%S %p", "%H:%M", "%H:%M:%S", "")
)


def day_of(words: str) -> date | None:
    """Return the day that an expiry's cell says, in either style."""
    plain = re.sub(r"\s+", " ", words.replace(",", " ")).strip()
    for form in _DAYS:
        try:
            return datetime.strptime(plain, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None


def _sides(source: str, number: int, head: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    names = [_ALSO.get(name, name) for name in (cell.strip().lower() for cell in head)]
    if "strike" not in names or "calls" not in names or "puts" not in names:
        missing = ", ".join(f"`{name.title()}`" for name in ("calls", "strike", "puts") if name not in names)
        raise UnreadableTable(f"{source}, line {number}: the head has no column {missing}")
    middle = names.index("strike")
    sides = []
    for symbol, span in (("calls", range(middle)), ("puts", range(middle + 1, len(names)))):
        places = {name: n for n in span if (name := names[n]) in _COLUMNS}
        lacking = [name for name in _COLUMNS if name not in places]
        if lacking:
            raise UnreadableTable(f"{source}, line {number}: the {symbol} have no column `{lacking[0].title()}`")
        sides.append({**places, "symbol": names.index(symbol), "strike": middle, "expiry": 0})
    return sides[0], sides[1]


def _contracts(cells: Sequence[str], calls: dict[str, int], puts: dict[str, int]) -> Iterator[ListedOption | str]:
    if len(cells) <= max(puts.values()):
        yield f"has {len(cells)} columns, the head has more"
        return
    expiry, strike = day_of(cells[calls["expiry"]]), _number(cells[calls["strike"]])
    if expiry is None:
        yield f"`{cells[calls['expiry']]}` is no date"
        return
    if not strike > 0:
        yield f"`{cells[calls['strike']]}` is no strike"
        return
    for side, places in (("C", calls), ("P", puts)):
        found = _OSI.match(cells[places["symbol"]])
        if found is not None and found[3] != side:
            yield f"{cells[places['symbol']]} stands on the side of the other right"
            continue
        volume, iv, delta, gamma, interest = (_number(cells[places[name]]) for name in _COLUMNS)
        yield ListedOption(expiry, strike, side == "C", interest, iv, delta, gamma, volume)


def _number(text: str) -> float:
    """Return a number, NaN where none stands there."""
    try:
        return float(text.replace(",", "").strip() or "nan")
    except ValueError:
        return math.nan
