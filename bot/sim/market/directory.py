"""What is listed in the market of a day, and how it is found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypedDict

from bot.sim.market.underlying_day import Book
from bot.sim.vocabulary import VenueInstrument

_UNDERLYING_PLACES: Final = frozenset({"", "SMART", "ARCA", "NASDAQ", "NYSE", "BATS", "ISLAND", "CBOE"})
_OPTION_PLACES: Final = frozenset(
    {"", "SMART", "CBOE", "AMEX", "BOX", "ISE", "PHLX", "PSE", "CBOE2", "BATS", "NASDAQOM", "MIAX", "GEMINI", "EDGX",
     "PEARL", "EMERALD", "MERCURY", "NASDAQBX"}
)  # fmt: skip


class InstrumentTerms(TypedDict, total=False):
    """By what `Market.find` may be asked."""

    symbol: str
    sec_type: str
    expiry: str
    strike: Decimal | None
    right: str
    trading_class: str
    local_symbol: str
    exchange: str
    multiplier: str


class Directory:
    """The underlyings of a day with their options."""

    def __init__(self, books: Mapping[str, Book]) -> None:
        self._books = books
        universes = [book.universe for book in books.values()]
        self.all = [each for universe in universes for each in (universe.underlying, *universe.instruments)]
        self.by_id = {each.con_id: each for each in self.all}
        self._by_local = {each.local_symbol: each for each in self.all}

    def find(
        self,
        *,
        symbol: str = "",
        sec_type: str = "",
        expiry: str = "",
        strike: Decimal | None = None,
        right: str = "",
        trading_class: str = "",
        local_symbol: str = "",
        exchange: str = "",
        multiplier: str = "",
    ) -> list[VenueInstrument]:
        """See `Market.find`. A right may also be spelled CALL or PUT; local symbols with or without padding."""
        wanted = (
            ("symbol", symbol), ("sec_type", sec_type), ("trading_class", trading_class), ("right", right[:1].upper()),
        )  # fmt: skip
        found = self._candidates(symbol, local_symbol)
        for name, value in wanted:
            if value:
                found = [each for each in found if getattr(each, name) == value]
        if expiry:
            found = [each for each in found if each.expiry and _digits(each.expiry).startswith(expiry)]
        if strike:
            found = [each for each in found if each.strike == strike]
        if multiplier:
            found = [each for each in found if str(each.multiplier) == multiplier]
        return [each for each in found if exchange.upper() in _places(each)]

    def _candidates(self, symbol: str, local_symbol: str) -> list[VenueInstrument]:
        if local_symbol:
            known = self._by_local.get(local_symbol) or self._by_local.get(_padded(local_symbol))
            return [known] if known else []
        if symbol:
            book = self._books.get(symbol)
            return [book.universe.underlying, *book.universe.instruments] if book else []
        return self.all


@lru_cache(maxsize=1024)  # a search goes through thousands of contracts of a dozen expiries
def _digits(expiry: date) -> str:
    return expiry.strftime("%Y%m%d")


def _places(instrument: VenueInstrument) -> frozenset[str]:
    return _OPTION_PLACES if instrument.right else _UNDERLYING_PLACES


def _padded(local_symbol: str) -> str:
    compact = local_symbol.replace(" ", "")
    return f"{compact[:-15]:<6}{compact[-15:]}" if len(compact) > 15 else compact
