"""`zero_dte_gamma`: the price sits on the strike with the most dealer gamma and the order book leans one way.

The idea: around a strike with large gamma, dealers' hedging holds the price, and option premium is cheap for what a
break away from it would pay. When the book beneath the underlying leans clearly to one side, buy today's option
nearest the money on that side. Conditions, all of them: inside the window, inputs fresh, price pinned, book leaning,
option quoted and liquid. It is wrong once the book leans as clearly to the other side.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.analytics.depth import book_imbalance
from bot.analytics.gex import gamma_flip, max_gamma_strike, net_gamma
from bot.config.ideas.zero_dte_gamma import ZeroDteGammaSettings
from bot.domain.data.sets import OPTION_CONTRACTS
from bot.domain.instruments import Right
from bot.domain.market import MarketView
from bot.domain.wording import signed
from bot.strategies.conditions import Seen, leaning, pinned
from bot.strategies.contracts import ContractChoice, at_the_money, today
from bot.strategies.declared import Input, InputKind
from bot.strategies.idea import Idea
from bot.strategies.inputs import gex_rows


class ZeroDteGamma(Idea):
    """See the module."""

    def __init__(self, settings: ZeroDteGammaSettings) -> None:
        choice = ContractChoice("for today", today, at_the_money, settings.contract)
        super().__init__("zero_dte_gamma", settings, choice, settings.min_grade)
        self._settings = settings
        self.inputs = (
            Input(InputKind.PRICE, settings.price_max_age_s),
            Input(InputKind.GEX, settings.gex_max_age_s),
            Input(InputKind.AGREES, 0, OPTION_CONTRACTS),
            Input(InputKind.BOOK, settings.book_max_age_s, keys=settings.book_symbol),
        )
        self.market = (pinned(settings.pin_distance), leaning(settings.min_imbalance))

    def measured(self, symbol: str, view: MarketView, now: datetime) -> Seen | tuple[str, str]:
        """Return price, pin, flip, net gamma in dollars per 1 % move, and the lean of the book."""
        book_symbol = self._settings.book_symbol.get(symbol, symbol)
        quote, book, rows = view.quote(symbol), view.book(book_symbol), gex_rows(view, symbol)
        price = quote.reference if quote else None
        imbalance = book_imbalance(book) if book else None
        strike = max_gamma_strike(rows, price)
        if price is None or imbalance is None or strike is None:
            return "pin", f"no strike of {symbol} carries any gamma"
        return {
            "price": price, "max_gamma_strike": strike, "distance": abs(price - strike) / price,
            "gamma_flip": gamma_flip(rows, price), "net_gamma": net_gamma(rows), "gex_price": rows[0].price,
            "book_symbol": book_symbol, "imbalance": imbalance,
        }  # fmt: skip

    def right(self, seen: Seen) -> Right | None:
        """Return the side that the book leans to."""
        return Right.CALL if seen["imbalance"] > 0 else Right.PUT

    def limits(self) -> Mapping[str, Any]:
        """Return how far from the pin and how clear a lean is allowed."""
        return {"pin_distance": self._settings.pin_distance, "min_imbalance": self._settings.min_imbalance}

    def broken(self, right: Right, seen: Seen, now: datetime) -> str:
        """The book leans to the other side as clearly as it had to lean to this one."""
        lean, least = float(seen["imbalance"]), self._settings.min_imbalance
        against = -lean if right is Right.CALL else lean
        return f"book of {seen['book_symbol']} leans {signed(lean)} against the position" if against >= least else ""
