"""Contracts on the wire: an instrument's fields, the lookup behind a client's query, and contract details."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.instruments import SETTLED_AT_OPEN
from bot.sim.hours import EXCHANGE_ZONE, USUAL, HoursSaid, text
from bot.sim.market.rules import RULE_OF_TICK
from bot.sim.tws.requests import ContractQuery
from bot.sim.tws.wire import Value, WireMessage
from bot.sim.vocabulary import Market, VenueInstrument

# Price grids by market rule id: (low edge, increment) with the edges ascending. The ids are IB's.
MARKET_RULES: Final[dict[int, tuple[tuple[Decimal, Decimal], ...]]] = {
    26: ((Decimal(0), Decimal("0.01")),),
    109: ((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.1"))),
    110: ((Decimal(0), Decimal("0.01")), (Decimal(3), Decimal("0.05"))),
    239: ((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.1"))),
    32: ((Decimal(0), Decimal("0.05")),),
    **{rule: ((Decimal(0), tick),) for tick, rule in RULE_OF_TICK.items()},
}

_ORDER_TYPES: Final = {
    "IND": "",
    "STK": "ACTIVETIM,DAY,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,TRAIL,TRAILLMT,WHATIF",
    "OPT": "ACTIVETIM,DAY,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,TRAIL,TRAILLMT,WHATIF",
}


def expiry_text(instrument: VenueInstrument) -> str:
    """Return the expiry as YYYYMMDD, empty for what does not expire."""
    return f"{instrument.expiry:%Y%m%d}" if instrument.expiry else ""


def last_day_text(instrument: VenueInstrument) -> str:
    """Return the last day of trading: the weekday before the expiry for a class that settles on its opening."""
    if instrument.expiry is None or instrument.trading_class not in SETTLED_AT_OPEN:
        return expiry_text(instrument)
    weekend = {0: 3, 6: 2}.get(instrument.expiry.weekday(), 1)
    return f"{instrument.expiry - timedelta(days=weekend):%Y%m%d}"


def multiplier_text(instrument: VenueInstrument) -> str:
    return str(instrument.multiplier) if instrument.sec_type in {"OPT", "FUT"} else ""


def contract_fields(instrument: VenueInstrument, *, exchange: str, right: str = "?") -> tuple[Value, ...]:
    """Return ContractOut11; `right` is what stands for "no right" in the message at hand."""
    return (
        instrument.con_id,
        instrument.symbol,
        instrument.sec_type,
        expiry_text(instrument),
        instrument.strike or 0,
        instrument.right or right,
        multiplier_text(instrument),
        exchange,
        instrument.currency,
        instrument.local_symbol,
        instrument.trading_class,
    )


def lookup(market: Market, query: ContractQuery) -> list[VenueInstrument]:
    """Return every instrument that a client's query may mean, empty when there is none."""
    if query.con_id:
        found = market.by_con_id(query.con_id)
        return [found] if found else []
    matches = market.find(
        symbol=query.symbol,
        sec_type=query.sec_type,
        expiry=query.expiry,
        strike=query.strike,
        right=query.right,
        trading_class=query.trading_class,
        local_symbol=query.local_symbol,
        multiplier=query.multiplier,
    )
    return [each for each in matches if _trades_at(each, query) and query.currency in {"", each.currency}]


def is_specific(query: ContractQuery) -> bool:
    """Return whether a query names anything at all; an empty one would mean the whole market."""
    return bool(query.con_id or query.symbol or query.local_symbol)


def exchanges(instrument: VenueInstrument) -> list[str]:
    """Return where an instrument trades, SMART first; what is no share or option stands at its own place alone."""
    direct = [instrument.primary_exchange, instrument.exchange]
    if instrument.sec_type not in {"STK", "OPT"}:
        return _distinct(direct)
    return _distinct(["SMART", *(["CBOE"] if instrument.sec_type == "OPT" else []), *direct])


def is_expired(instrument: VenueInstrument, market: Market, at: datetime) -> bool:
    """Return whether the last trading day's close has passed."""
    return instrument.expiry is not None and at >= closing_time(instrument.expiry, market)


def closing_time(day: date, market: Market) -> datetime:
    """Return when trading ends on `day`: the model's own close on its session's day, 16:00 New York otherwise."""
    close = market.session_close()
    if close.astimezone(EXCHANGE_ZONE).date() == day:
        return close
    return datetime(day.year, day.month, day.day, 16, tzinfo=EXCHANGE_ZONE)


def _trades_at(instrument: VenueInstrument, query: ContractQuery) -> bool:
    wanted = {query.exchange, query.primary_exchange} - {"", "BEST", "SMART"}
    if not wanted:
        return query.exchange != "SMART" or instrument.sec_type in {"STK", "OPT"}
    return bool(wanted & set(exchanges(instrument)))


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


def details(
    req_id: int, instrument: VenueInstrument, market: Market, at: datetime, version: int, said: HoursSaid = USUAL
) -> WireMessage:
    """Return contractDetails (10) of one instrument."""
    old = version < 164
    fields: list[Value] = [
        *((8,) if old else ()),
        req_id,
        *_named(instrument),
        instrument.min_tick,
        *((1,) if old else ()),
        *_traded(instrument),
        said.zone,
        *[text(market, at, said)] * 2,
        *("", "", 0, 1),
        *_settled(instrument, market),
    ]
    if version == 163:
        fields.append(1)
    if version >= 164:
        fields += [1, 1, 1]
    return WireMessage(10, tuple(fields))


def _named(instrument: VenueInstrument) -> tuple[Value, ...]:
    return (
        instrument.symbol,
        instrument.sec_type,
        last_day_text(instrument),
        instrument.strike or 0,
        instrument.right,
        instrument.exchange or exchanges(instrument)[0],
        instrument.currency,
        instrument.local_symbol,
        instrument.trading_class or instrument.symbol,
        instrument.trading_class,
        instrument.con_id,
    )


def _traded(instrument: VenueInstrument) -> tuple[Value, ...]:
    """Return how and where it trades, and what is behind it."""
    return (
        multiplier_text(instrument),
        _ORDER_TYPES.get(instrument.sec_type, ""),
        ",".join(exchanges(instrument)),
        1,
        instrument.under_con_id,
        instrument.long_name or instrument.symbol,
        "" if instrument.sec_type == "OPT" else instrument.primary_exchange,
        f"{instrument.expiry:%Y%m}" if instrument.expiry else "",
        *("", "", ""),
    )


def _settled(instrument: VenueInstrument, market: Market) -> tuple[Value, ...]:
    """Return its underlying, the rules of its prices, its expiry and its kind of stock."""
    under = market.by_con_id(instrument.under_con_id) if instrument.under_con_id else None
    return (
        under.symbol if under else "",
        under.sec_type if under else "",
        ",".join([str(instrument.market_rule_id)] * len(exchanges(instrument))),
        expiry_text(instrument),
        "COMMON" if instrument.sec_type == "STK" else "",
    )


def option_parameters(req_id: int, market: Market, symbol: str, con_id: int) -> list[WireMessage]:
    """Return secDefOptParam (75) for each exchange and trading class of an underlying, then its end (76)."""
    chains: dict[tuple[str, int], list[VenueInstrument]] = {}
    for each in market.find(symbol=symbol, sec_type="OPT"):
        if each.under_con_id == con_id:
            chains.setdefault((each.trading_class, each.multiplier), []).append(each)
    messages = [
        WireMessage(75, (req_id, place, con_id, trading_class, str(multiplier), *_cross_product(options)))
        for (trading_class, multiplier), options in chains.items()
        for place in exchanges(options[0])
    ]
    return [*messages, WireMessage(76, (req_id,))]


def _cross_product(options: Sequence[VenueInstrument]) -> tuple[Value, ...]:
    expiries = sorted({expiry_text(each) for each in options})
    strikes = sorted({each.strike for each in options if each.strike is not None})
    return (len(expiries), *expiries, len(strikes), *strikes)


def symbol_samples(req_id: int, market: Market, pattern: str, version: int) -> WireMessage:
    """Return symbolSamples (79): underlyings whose symbol starts with, or whose name contains, the pattern."""
    wanted = pattern.upper()
    found = [
        each
        for each in market.instruments()
        if each.sec_type != "OPT" and wanted and (each.symbol.startswith(wanted) or wanted in each.long_name.upper())
    ][:16]
    fields: list[Value] = [req_id, len(found)]
    for each in found:
        derivatives = ["OPT"] if market.find(symbol=each.symbol, sec_type="OPT") else []
        fields += [each.con_id, each.symbol, each.sec_type, each.primary_exchange or each.exchange, each.currency]
        fields += [len(derivatives), *derivatives]
        if version >= 176:
            fields += [each.long_name, ""]
    return WireMessage(79, tuple(fields))


def market_rule(rule_id: int) -> WireMessage | None:
    """Return marketRule (93), None for a rule that does not exist."""
    grid = MARKET_RULES.get(rule_id)
    if grid is None:
        return None
    return WireMessage(93, (rule_id, len(grid), *(value for row in grid for value in row)))
