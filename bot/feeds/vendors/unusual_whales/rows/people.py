"""Congress and insiders: who dealt in what, and when that became known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.domain.data.people import CongressTrade, Dealing, InsiderTrade
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, count, day, decimal, flag, text

_DEALINGS: Final[Mapping[str, Dealing]] = MappingProxyType(
    {
        "buy": Dealing.BUY,
        "purchase": Dealing.BUY,
        "sell": Dealing.SELL,
        "sale": Dealing.SELL,
        "exchange": Dealing.EXCHANGE,
        "receive": Dealing.RECEIVE,
    }
)
"""By the first word, in lower case: the vendor writes Sell (PARTIAL), Sale (Full), Purchase."""
_AMOUNT: Final = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_OPEN_END: Final = ("over", "more than", "+")
_NO_TICKER: Final = frozenset({"--", "N/A", "NONE"})


def congress_trade(row: Row) -> CongressTrade:
    """Read a row of congress/recent-trades."""
    least, most = dollar_range(text(row, "amounts"))
    ticker = text(row, "ticker").strip()
    return CongressTrade(
        name=text(row, "name") or text(row, "reporter"),
        chamber=text(row, "member_type"),
        ticker="" if ticker.upper() in _NO_TICKER else ticker,
        dealing=dealing(text(row, "txn_type")),
        least=least,
        most=most,
        traded_on=day(row, "transaction_date"),
        filed_on=day(row, "filed_at_date"),
        owner=text(row, "issuer"),
        notes=text(row, "notes"),
    )


def dealing(written: str) -> Dealing:
    """Return what a word for a transaction means; an unknown one is `other`, never a purchase."""
    return _DEALINGS.get(written.strip().split(" ")[0].lower(), Dealing.OTHER)


def dollar_range(written: str) -> tuple[Decimal | None, Decimal | None]:
    """Read `$1,001 - $15,000`, `Over $50,000,000`, one sum alone; whatever stands between, line ends too."""
    found = [Decimal(each.replace(",", "")) for each in _AMOUNT.findall(written)]
    if not found:
        if written.strip() and any(mark in written for mark in "$0123456789"):
            raise Malformed(f"amounts={written[:40]!r} is no range of dollars")
        return None, None
    if len(found) == 1:
        is_open = any(word in written.lower() for word in _OPEN_END)
        return found[0], None if is_open else found[0]
    return min(found[:2]), max(found[:2])


def insider_trade(row: Row) -> InsiderTrade:
    """Read a row of insider/transactions; `amount` is signed, and where it is not the code says which way it went."""
    shares, code = count(row, "amount"), text(row, "transaction_code")
    return InsiderTrade(
        id=text(row, "id"),
        owner=text(row, "owner_name"),
        title=text(row, "officer_title"),
        ticker=text(row, "ticker"),
        code=code,
        shares=-shares if code == "S" and shares > 0 else shares,
        price=decimal(row, "price"),
        traded_on=day(row, "transaction_date"),
        filed_on=day(row, "filing_date"),
        planned=flag(row, "is_10b5_1"),
        is_director=flag(row, "is_director"),
        is_officer=flag(row, "is_officer"),
        is_ten_percent_owner=flag(row, "is_ten_percent_owner"),
        shares_after=count(row, "shares_owned_after") if row.get("shares_owned_after") not in (None, "") else None,
        filings=count(row, "transactions") or 1,
    )


def _filed(row: CongressTrade | InsiderTrade) -> tuple[date, date, str]:
    return row.filed_on or date.min, row.traded_on or date.min, row.ticker


# None of them has a number of its own that can be relied on: all that is told makes a row what it is.
PEOPLE: Final[Parsers] = {
    "congress_trades": Parser(congress_trade, lambda r: r, _filed, None),
    "insider_trades": Parser(insider_trade, lambda r: r.id or r, _filed, None),
}
