"""Congress and insiders: who dealt in the day's underlyings in the weeks before, drawn once for a seed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from bot.sim.market.noise import mix
from bot.sim.scenario import Informed
from bot.sim.uw.rows import Row, money
from bot.sim.uw.sets.day import COMPANIES, Asked, Rows, ServedSet, VendorDay

_MEMBERS: Final = (("Alder", "house"), ("Birch", "senate"), ("Cedar", "house"), ("Dogwood", "house"), ("Elm", "senate"))
_RANGES: Final = (
    "$1,001 - $15,000",
    "$15,001 - $50,000",
    "$50,001 - $100,000",
    "$250,001 - $500,000",
    "Over $50,000,000",
)
_TYPES: Final = ("Buy", "Sell", "Purchase", "Sale (Full)", "Sell (partial)", "Exchange")
_TITLES: Final = ("CEO", "CFO", "Director", "EVP", "General Counsel")
_CONGRESS_ROWS: Final = 120
_INSIDER_ROWS: Final = 90


def _stocks(day: VendorDay) -> list[str]:
    """Return what people deal in: an index is nobody's."""
    listed = [each for each in day.symbols() if day.market.underlying(each).sec_type != "IND"]
    return [*listed, *(each for each in COMPANIES if each not in listed)]


def congress_trades(day: VendorDay, asked: Asked) -> Rows:
    """Serve recent-trades: newest transaction first, filings out of order, up to 45 days later."""
    rng, ticker, named = day.rng("congress"), asked.query.text("ticker"), _stocks(day)
    rows: list[Row] = []
    for number in range(_CONGRESS_ROWS):
        draw = rng.integers(0, 1_000_000, 8).tolist()
        traded = asked.day - timedelta(days=3 + draw[0] % 60)
        filed = min(traded + timedelta(days=2 + draw[1] % 44), asked.day)
        name, chamber = _MEMBERS[draw[2] % len(_MEMBERS)]
        rows.append(
            {
                "ticker": "--" if draw[3] % 53 == 0 else named[draw[3] % len(named)],
                "name": f"Representative {name}" if chamber == "house" else f"Senator {name}",
                "reporter": name,
                "member_type": chamber,
                "politician_id": str(uuid.UUID(int=mix(draw[2] % len(_MEMBERS)) << 64, version=4)),
                "txn_type": _TYPES[draw[4] % len(_TYPES)],
                "amounts": _RANGES[min(draw[5] % 9, len(_RANGES) - 1) if draw[5] % 97 == 0 else draw[5] % 4],
                "issuer": ("self", "spouse", "joint", "not-disclosed")[draw[6] % 4],
                "transaction_date": traded.isoformat(),
                "filed_at_date": filed.isoformat(),
                "is_active": True,
                "notes": f"Lot {number}",
            }
        )
    rows += _of_those_who_know(day, asked)
    kept = [row for row in rows if ticker is None or row["ticker"] == ticker]
    ordered = sorted(kept, key=lambda row: str(row["transaction_date"]), reverse=True)
    return ordered[asked.query.page(default=100, most=200)]


def _known(day: VendorDay, who: str) -> Iterator[tuple[str, Informed, int]]:
    """Yield what the scenario lets people know: ticker, act, number of the trade."""
    for symbol in day.symbols():
        for act in day.market.scenario.symbols[symbol].acts:
            if isinstance(act, Informed) and act.who == who:
                yield from ((symbol, act, number) for number in range(act.count))


def _of_those_who_know(day: VendorDay, asked: Asked) -> list[Row]:
    rows: list[Row] = []
    for symbol, act, number in _known(day, "congress"):
        filed = day.market.line.day - timedelta(days=act.filed_days_before)
        name, chamber = _MEMBERS[number % len(_MEMBERS)]
        rows.append(
            {
                "ticker": symbol,
                "name": f"Representative {name}" if chamber == "house" else f"Senator {name}",
                "reporter": name,
                "member_type": chamber,
                "politician_id": str(uuid.UUID(int=mix(number % len(_MEMBERS)) << 64, version=4)),
                "txn_type": "Buy" if act.direction > 0 else "Sell",
                "amounts": _RANGES[3],
                "issuer": "self",
                "transaction_date": (filed - timedelta(days=20 + number)).isoformat(),
                "filed_at_date": filed.isoformat(),
                "is_active": True,
                "notes": "",
            }
        )
    return rows


def _insiders(day: VendorDay, asked: Asked) -> list[tuple[str, date, Row]]:
    rng, found = day.rng("insiders"), []
    named = _stocks(day)
    for number in range(_INSIDER_ROWS):
        draw = rng.integers(0, 1_000_000, 6).tolist()
        ticker, traded = named[draw[0] % len(named)], asked.day - timedelta(days=1 + draw[1] % 30)
        code = ("S", "S", "P", "M", "F")[draw[2] % 5]
        shares = 500 + draw[3] % 20_000
        price = day.price_of(ticker) * (0.97 + draw[4] % 60 / 1000)
        found.append((ticker, traded, _insider_row(number, ticker, traded, code, shares, price, draw)))
    for symbol, act, number in _known(day, "insiders"):
        traded = day.market.line.day - timedelta(days=act.filed_days_before + number % 5)
        shares, code, price = 20_000 + 100 * number, "P" if act.direction > 0 else "S", day.price_of(symbol)
        words = [_INSIDER_ROWS + number, 0, 1, 0, 0, number]  # no plan had fixed it, and it was filed at once
        row = _insider_row(words[0], symbol, traded, code, shares, price, words)
        found.append((symbol, traded, row | {"owner_name": f"KNOWER {number:02}"}))
    return found


def _insider_row(number: int, ticker: str, traded: date, code: str, shares: int, price: float, draw: list[int]) -> Row:
    id_ = str(uuid.UUID(int=mix(number, *draw) << 64 | number, version=4))
    return {
        "id": id_,
        "ids": [id_],
        "ticker": ticker,
        "owner_name": f"OWNER {draw[5] % 40:02}",
        "officer_title": _TITLES[draw[5] % len(_TITLES)],
        "is_officer": draw[5] % 5 != 2,
        "is_director": draw[5] % 5 == 2,
        "is_ten_percent_owner": False,
        "is_s_p_500": True,
        "is_10b5_1": code == "S" and draw[2] % 2 == 0,
        "amount": -shares if code in "SF" else shares,
        "price": f"{price:.2f}",
        "stock_price": f"{price:.2f}",
        "transaction_code": code,
        "transaction_date": traded.isoformat(),
        "filing_date": (traded + timedelta(days=draw[4] % 3)).isoformat(),
        "formtype": "4",
        "transactions": 1 + draw[4] % 3,
        "shares_owned_before": 100_000,
        "shares_owned_after": 100_000 + (-shares if code in "SF" else shares),
        "security_ad_code": "D" if code in "SF" else "A",
        "security_title": "Common Stock",
        "date_excercisable": None,
        "director_indirect": None,
        "expiration_date": None,
        "natureofownership": None,
        "price_excercisable": None,
        "sector": None,
        "marketcap": None,
        "next_earnings_date": None,
        "reporter_is_public_company": False,
    }


def insider_trades(day: VendorDay, asked: Asked) -> Rows:
    wanted = set(asked.query.commas("ticker_symbol"))
    codes = set(asked.query.all("transaction_codes[]"))
    found = sorted(_insiders(day, asked), key=lambda each: each[1], reverse=True)
    rows = [row for ticker, _, row in found if not wanted or ticker in wanted]
    return [row for row in rows if not codes or row["transaction_code"] in codes][asked.query.page()]


def insider_flow(day: VendorDay, asked: Asked) -> dict[str, object]:
    """Serve ticker-flow: what insiders bought and sold on each day, out of the same transactions."""
    sums: dict[tuple[date, str], list[Row]] = {}
    for ticker, traded, row in _insiders(day, asked):
        if ticker == asked.ticker and row["transaction_code"] in "SP":
            sums.setdefault((traded, "sell" if row["amount"] < 0 else "buy"), []).append(row)
    rows = [_flow_row(traded, way, found) for (traded, way), found in sorted(sums.items(), reverse=True)]
    return {"data": rows[asked.query.page()], "has_more": False}


def _flow_row(traded: date, way: str, found: Rows) -> Row:
    shares = sum(abs(row["amount"]) for row in found)
    premium = sum(abs(row["amount"]) * float(row["price"]) for row in found)
    return {
        "date": traded.isoformat(),
        "buy_sell": way,
        "transactions": len(found),
        "uniq_insiders": len({row["owner_name"] for row in found}),
        "volume": shares,
        "premium": money(premium),
        "avg_price": f"{premium / max(shares, 1):.4f}",
    }


PEOPLE: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/congress/recent-trades": ServedSet(congress_trades),
        "/api/insider/transactions": ServedSet(insider_trades),
        "/api/insider/{ticker}/ticker-flow": ServedSet(insider_flow, shape="whole", of_companies=True),
    }
)
