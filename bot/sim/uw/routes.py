"""The vendor's endpoints: which path, which parameters, which rows. Pure: (source, now, path, query) to an answer.

Rows of past minutes never change, so they are written to JSON once and kept; a snapshot is written once a minute (the
vendor computes it so too) and cut into pages from there. `PATHS` has the sets that any source can give; those that are
made of the whole market model are a table of their own (`bot.sim.uw.sets`).
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeVar

from bot.sim.kept_day import KeptDay
from bot.sim.uw import rows
from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.query import BadParameter, Params, Query
from bot.sim.uw.sets import SETS, ServedSet, VendorDay
from bot.sim.uw.sets.day import COMPANIES, Asked
from bot.sim.uw.source import ContractState, StrikeTable, UwSource

M = TypeVar("M")

_KEPT_SNAPSHOTS: Final = 96
_ISSUE: Final = {True: "Index", False: "ETF"}
_CANDLES: Final = {"1m": 60, "5m": 300, "10m": 600, "15m": 900, "30m": 1800, "1h": 3600}
_CANDLE_WORDS: Final = (*_CANDLES, "4h", "1d", "1w")


class Repeated(bytes):
    """A body that is sent `times`, one after the other; 0: without an end."""

    times: int

    @classmethod
    def of(cls, piece: bytes, times: int) -> Repeated:
        made = cls(piece)
        made.times = times
        return made


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """Status and body; quota headers are added by whoever counts."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    encoding: str = ""
    location: str = ""


NOT_FOUND: Final = VendorAnswer(404, b"{}")
NO_ROUTE: Final = VendorAnswer(404, b'{"error": "Route not found"}')


Handler = Callable[["Routes", Asked], list[str]]


@dataclass(slots=True)
class _Written:
    """A series as JSON, as far as it went at a minute."""

    of: datetime | None = None
    rows: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Routes:
    """All endpoints over one source, with what they have already written."""

    source: UwSource
    history_days: int
    day: VendorDay | None = None  # of a whole market model; without one its sets are no routes
    kept: KeptDay = field(default_factory=KeptDay)
    _minutes: dict[tuple[str, str], _Written] = field(default_factory=dict)
    _snapshots: OrderedDict[tuple[Any, ...], list[Any]] = field(default_factory=OrderedDict)

    def answer(self, path: str, params: Params, now: datetime) -> VendorAnswer:
        """Return the answer to a GET."""
        found = _find(path)
        if found is None or (isinstance(found[0], ServedSet) and self.day is None):
            return NO_ROUTE
        served, words = found
        if not self._knows(served, words.get("ticker")):
            return NOT_FOUND
        query = Query(params)
        try:
            return self._ask(served, path, words, query, now)
        except BadParameter as fault:
            return unprocessable(path, params, str(fault))

    def _knows(self, served: _Endpoint | ServedSet, ticker: str | None) -> bool:
        if ticker is None or ticker in self.source.symbols():
            return True
        return isinstance(served, ServedSet) and served.of_companies and ticker in COMPANIES

    def _ask(
        self, served: _Endpoint | ServedSet, path: str, words: Mapping[str, str], query: Query, now: datetime
    ) -> VendorAnswer:
        today = now.astimezone(NEW_YORK).date()
        day = query.day("date") or self.source.day()
        if day > max(today, self.source.day()):
            raise BadParameter("date is invalid: must not be in the future")
        earliest = today - timedelta(days=self.history_days)
        if day < earliest:
            return _too_old(earliest, self.history_days)
        asked = Asked(path, words, query, now, now.replace(second=0, microsecond=0), day)
        if isinstance(served, ServedSet):
            return self._of_the_model(served, asked)
        written = served.handler(self, asked) if day == self.source.day() else []
        if served.single:
            return VendorAnswer(200, ('{"data": ' + (written[0] if written else "{}") + "}").encode())
        return VendorAnswer(200, ('{"data": [' + ", ".join(written) + "]}").encode())

    def _of_the_model(self, served: ServedSet, asked: Asked) -> VendorAnswer:
        assert self.day is not None, "without a model it is no route"
        day = self.day

        def write() -> list[bytes]:
            is_there = served.has_history or asked.day == self.source.day()
            found: Any = served.rows(day, asked) if is_there else []
            return [json.dumps(found if served.shape in {"bare", "whole"} and is_there else {"data": found}).encode()]

        if served.each_time:
            return VendorAnswer(200, write()[0])
        key = ("set", asked.path, str(asked.query), asked.minute)
        return VendorAnswer(200, self.snapshot(key, write)[0])

    # ---- what is kept

    def minutes(
        self, kind: str, asked: Asked, series: Callable[[str, datetime, int], Sequence[M]], write: Callable[[M], Any]
    ) -> list[str]:
        """Return the JSON of a series of minutes, asking for it once a minute and writing only what is new."""
        kept = self._minutes.setdefault((kind, asked.ticker), _Written())
        if kept.of != asked.minute:
            kept.of, known = asked.minute, len(kept.rows)
            kept.rows += self.kept.lines(
                f"{kind} {asked.ticker} {asked.minute.isoformat()} {known}",
                lambda: [json.dumps(write(row)) for row in series(asked.ticker, asked.minute, known)],
            )
        return kept.rows

    def snapshot(self, key: tuple[Any, ...], make: Callable[[], list[Any]]) -> list[Any]:
        """Return what `make` gives, made once for a key; the key holds the time that it is of."""
        if key not in self._snapshots:
            self._snapshots[key] = make()
            while len(self._snapshots) > _KEPT_SNAPSHOTS:
                self._snapshots.popitem(last=False)
        return self._snapshots[key]

    def table(self, asked: Asked, expiries: Sequence[date] | None = None) -> StrikeTable:
        key = ("table", asked.ticker, asked.minute, tuple(expiries or ()))
        table: StrikeTable = self.snapshot(key, lambda: [self.source.strikes_at(asked.ticker, asked.minute, expiries)])[
            0
        ]
        return table


@dataclass(frozen=True, slots=True)
class _Endpoint:
    handler: Handler
    single: bool = False


def _spot_exposures(routes: Routes, asked: Asked) -> list[str]:
    return routes.minutes("spot", asked, routes.source.exposures, lambda row: rows.spot_exposure(asked.ticker, row))


def _net_premium(routes: Routes, asked: Asked) -> list[str]:
    return routes.minutes("flow", asked, routes.source.flows, lambda row: rows.net_premium(asked.day, row))


def _by_strike(routes: Routes, asked: Asked) -> list[str]:
    def write() -> list[str]:
        return rows.strike_exposures(asked.ticker, routes.table(asked))

    key = ("strikes", asked.ticker, asked.minute)
    name = f"strikes {asked.ticker} {asked.minute.isoformat()}"
    return _strike_page(asked, routes.snapshot(key, lambda: routes.kept.lines(name, write)))


def _by_expiry_strike(routes: Routes, asked: Asked) -> list[str]:
    expiries = asked.query.days("expirations[]")
    if not expiries:
        raise BadParameter("expirations[] is missing")
    written: list[str] = []
    for expiry in sorted(set(expiries)):
        written += rows.strike_exposures(asked.ticker, routes.table(asked, [expiry]), expiry)
    return _strike_page(asked, written)


def _strike_page(asked: Asked, written: Sequence[str]) -> list[str]:
    query = asked.query
    low, high = query.number("min_strike"), query.number("max_strike")
    kept = written if low is None and high is None else [text for text in written if _is_within(text, low, high)]
    # Live, an answer without `limit` held about 50 rows whatever the document says.
    return list(kept[query.page(default=50)])


def _is_within(text: str, low: Decimal | None, high: Decimal | None) -> bool:
    strike = Decimal(json.loads(text)["strike"])
    return (low is None or strike >= low) and (high is None or strike <= high)


def _greek_by_strike(routes: Routes, asked: Asked) -> list[str]:
    opened, _ = routes.source.session()
    table = routes.source.strikes_at(asked.ticker, opened, None)  # open interest does not move with the tape
    return [json.dumps(rows.greek_exposure(table, row, asked.day)) for row in table.rows]


def _gex_levels(routes: Routes, asked: Asked) -> list[str]:
    weight = asked.query.choice("source", ("oi", "vol")) or "vol"
    return [json.dumps(rows.gex_levels(routes.table(asked), weight))]


def _option_contracts(routes: Routes, asked: Asked) -> list[str]:
    query = asked.query
    wanted = _contract_filter(query, asked.day, routes)
    page = query.page()
    at = asked.now.replace(second=asked.now.second // 15 * 15, microsecond=0)
    last = query.whole("max_dte")
    until = query.day("expiry") or (None if last is None else asked.day + timedelta(days=min(last, 10_000)))

    def write() -> list[str]:
        states = routes.snapshot(
            ("contracts", asked.ticker, at, until),
            lambda: sorted(routes.source.contracts_at(asked.ticker, at, until), key=lambda s: (-s.volume, s.symbol)),
        )
        return [json.dumps(rows.option_contract(state)) for state in [s for s in states if wanted(s)][page]]

    return routes.kept.lines(f"contracts {asked.ticker} {at.isoformat()} {query}", write)


def _contract_filter(query: Query, day: date, routes: Routes) -> Callable[[ContractState], bool]:
    expiry = query.day("expiry")
    right = {"call": "C", "put": "P"}.get((query.choice("option_type", ("call", "Call", "put", "Put")) or "").lower())
    symbols = set(query.all("option_symbol[]"))
    low, high = query.whole("min_dte"), query.whole("max_dte")
    no_zero_volume, no_zero_oi = query.flag("exclude_zero_vol_chains"), query.flag("exclude_zero_oi_chains")
    no_zero_dte, over_oi = query.flag("exclude_zero_dte"), query.flag("vol_greater_oi")

    def wanted(state: ContractState) -> bool:
        dte = (state.expiry - day).days
        return not (
            (expiry is not None and state.expiry != expiry)
            or (right is not None and state.right != right)
            or (bool(symbols) and state.symbol not in symbols)
            or (low is not None and dte < low)
            or (high is not None and dte > high)
            or (bool(no_zero_volume) and state.volume == 0)
            or (bool(no_zero_oi) and state.open_interest == 0)
            or (bool(no_zero_dte) and dte == 0)
            or (bool(over_oi) and state.volume <= state.open_interest)
        )

    return wanted


def _flow_alerts(routes: Routes, asked: Asked) -> list[str]:
    query, source = asked.query, routes.source
    opened, _ = source.session()
    since = query.instant("newer_than") or opened
    until = min(query.instant("older_than") or asked.now, asked.now)
    only = set(query.commas("ticker_symbol"))
    floor = query.number("min_premium") or 0
    rules = set(query.all("rule_name[]"))
    page = query.page(default=100, most=200)
    found = [
        alert
        for alert in source.alerts(since - timedelta(microseconds=1), until)
        if _ticker_wanted(alert.ticker, only) and alert.premium >= floor and (not rules or alert.rule in rules)
    ]
    newest_first = list(reversed(found))[page]
    return [json.dumps(rows.flow_alert(each, _ISSUE[source.is_index(each.ticker)])) for each in newest_first]


def _ticker_wanted(ticker: str, only: set[str]) -> bool:
    if f"-{ticker}" in only:
        return False
    named = {name for name in only if not name.startswith("-")}
    return not named or ticker in named


def _stock_state(routes: Routes, asked: Asked) -> list[str]:
    opened, closed = routes.source.session()
    phase = "premarket" if asked.now < opened else "regular" if asked.now < closed else "postmarket"
    return [json.dumps(rows.stock_state(routes.source.stock_at(asked.ticker, asked.now), phase))]


def _ohlc(routes: Routes, asked: Asked) -> list[str]:
    if asked.words["candle_size"] not in _CANDLE_WORDS:
        raise BadParameter(f"candle_size is invalid: expected one of {', '.join(_CANDLE_WORDS)}")
    page = asked.query.page(default=2500, most=2500)
    seconds = _CANDLES.get(asked.words["candle_size"])
    if seconds is None:
        days = routes.day.history(asked.ticker) if routes.day is not None else []
        return [json.dumps(each) for each in reversed(rows.long_candles(days, asked.words["candle_size"]))][page]
    written, day_volume = [], 0
    for bar in routes.source.candles(asked.ticker, asked.now, seconds):
        day_volume += bar.volume
        written.append(json.dumps(rows.candle(bar, seconds, day_volume)))
    return list(reversed(written))[page]


PATHS: Final[Mapping[str, _Endpoint]] = MappingProxyType(
    {
        "/api/stock/{ticker}/spot-exposures": _Endpoint(_spot_exposures),
        "/api/stock/{ticker}/spot-exposures/strike": _Endpoint(_by_strike),
        "/api/stock/{ticker}/spot-exposures/expiry-strike": _Endpoint(_by_expiry_strike),
        "/api/stock/{ticker}/greek-exposure/strike": _Endpoint(_greek_by_strike),
        "/api/stock/{ticker}/gex-levels": _Endpoint(_gex_levels, single=True),
        "/api/stock/{ticker}/option-contracts": _Endpoint(_option_contracts),
        "/api/stock/{ticker}/net-prem-ticks": _Endpoint(_net_premium),
        "/api/stock/{ticker}/stock-state": _Endpoint(_stock_state, single=True),
        "/api/stock/{ticker}/ohlc/{candle_size}": _Endpoint(_ohlc),
        "/api/option-trades/flow-alerts": _Endpoint(_flow_alerts),
    }
)
_BRACES: Final = re.compile(r"\{([a-z_]+)\}")


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_BRACES.sub(r"(?P<\1>[^/]+)", template))


_ALL: Final[Mapping[str, _Endpoint | ServedSet]] = {**PATHS, **SETS}
# What is written out goes before what is in braces: /api/earnings/premarket is no ticker.
_SERVED: Final[tuple[tuple[re.Pattern[str], _Endpoint | ServedSet], ...]] = tuple(
    (_pattern(template), served) for template, served in sorted(_ALL.items(), key=lambda each: each[0].count("{"))
)


def _find(path: str) -> tuple[_Endpoint | ServedSet, dict[str, str]] | None:
    """Return what serves a path, and the values of its braces."""
    for pattern, served in _SERVED:
        found = pattern.fullmatch(path)
        if found is not None:
            return served, found.groupdict()
    return None


def unprocessable(path: str, params: Params, message: str) -> VendorAnswer:
    """Return the vendor's 422."""
    query = "&".join(f"{name}={value}" for name, value in params)
    return VendorAnswer(
        422, json.dumps({"path": path, "msg": message, "query": query, "url": f"{path}?{query}"}).encode()
    )


def _too_old(earliest: date, days: int) -> VendorAnswer:
    message = f"Your plan reaches back {days} days: the earliest date that you can ask for is {earliest.isoformat()}."
    return VendorAnswer(403, json.dumps({"code": "historic_data_access_missing", "message": message}).encode())
