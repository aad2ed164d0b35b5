"""A market that was recorded: the touch is what was last heard, and nothing is known before it was.

It lists what the recording's broker named. No print is counted for an order that rests, because nobody knows its place
in the queue: it fills when the other side's touch comes to its price. A line that was lost has no touch.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from bot.domain.calendar import TradingSession
from bot.domain.events.market_data import ContractQualified
from bot.domain.instruments import INDEX_EXCHANGES, PriceGrid, option_of_key
from bot.domain.quotes import Quote
from bot.sim.market.bare import BareMarket
from bot.sim.market.rules import MARKET_RULES, PENNY_RULE
from bot.sim.vocabulary import TopOfBook, VenueInstrument

_NO_TOUCH: Final = TopOfBook(None, None, 0, 0, None, 0, 0, None, None, None, None)
_FIRST_UNNAMED: Final = 900_000_001


class RecordedMarket(BareMarket):
    """`bot.sim.vocabulary.Market` over recorded quotes of one session."""

    found_by = BareMarket.found_by - {"exchange", "multiplier"}  # the recording names neither of each instrument

    def __init__(self, session: TradingSession, session_on: Callable[[date], TradingSession | None]) -> None:
        super().__init__(session.open_at, session.close_at)
        self._session_on = session_on
        self._by_key: dict[str, VenueInstrument] = {}
        self._quotes: dict[str, Quote] = {}
        self.named: dict[str, ContractQualified] = {}

    # ---- what was recorded

    def learn(self, told: ContractQualified) -> None:
        """List what the broker named; what it did not know is not listed."""
        if told.con_id is None or told.key in self.named:
            return
        self.named[told.key] = told
        if told.key not in self._by_key:  # an option may have brought its underlying along
            self._list(told.key, told.con_id, told.grid)

    def put(self, key: str, quote: Quote) -> None:
        """Take the quote that is now in force."""
        self._quotes[key] = quote

    def quote(self, key: str) -> Quote | None:
        return self._quotes.get(key)

    def by_key(self, key: str) -> VenueInstrument | None:
        return self._by_key.get(key)

    def _list(self, key: str, con_id: int, grid: PriceGrid | None) -> VenueInstrument:
        option = option_of_key(key)
        if option is None:
            word = "IND" if key in INDEX_EXCHANGES else "STK"
            made = VenueInstrument(con_id, key, word, "SMART", "", key, key)
        else:
            under = self._by_key.get(option.symbol) or self._list(option.symbol, self._unnamed(), None)
            made = VenueInstrument(
                con_id, option.symbol, "OPT", "SMART", "", key, option.root, multiplier=option.multiplier,
                expiry=option.expiry, strike=option.strike, right=option.right.value, market_rule_id=_rule_of(grid),
                under_con_id=under.con_id,
            )  # fmt: skip
        self._by_key[key] = self._by_con_id[con_id] = made
        return made

    def _unnamed(self) -> int:
        return _FIRST_UNNAMED + len(self._by_con_id)

    # ---- the market, as the venue asks for it

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        quote = self._quotes.get(instrument.local_symbol)
        if quote is None or quote.lost:
            return _NO_TOUCH
        return TopOfBook(
            quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last, 0, 0, None, None, None, quote.close,
            quote.halted,
        )  # fmt: skip

    def trades_on(self, day: date) -> bool:
        return self._session_on(day) is not None

    def closes_early_on(self, day: date) -> bool:
        session = self._session_on(day)
        return session is not None and session.is_half_day


def _rule_of(grid: PriceGrid | None) -> int:
    """Return the venue's rule with these bands; a grid that it does not have is held by the bot alone."""
    bands = grid.bands if grid is not None else ()
    return next((rule for rule, known in MARKET_RULES.items() if tuple(known) == bands), PENNY_RULE)
