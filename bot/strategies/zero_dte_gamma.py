"""`zero_dte_gamma`: the price sits on the strike with the most dealer gamma and the order book leans one way.

The idea: around a strike with large gamma, dealers' hedging holds the price, and option premium is cheap for what a
break away from it would pay. When the book beneath the underlying leans clearly to one side, buy today's option
nearest the money on that side. Conditions, all of them: inside the window, inputs fresh, price pinned, book leaning,
option quoted and liquid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.analytics.depth import book_imbalance
from bot.analytics.gex import gamma_flip, max_gamma_strike, net_gamma
from bot.analytics.liquidity import THRESHOLDS, Grade, at_least, grade_quote
from bot.config.strategies import ZeroDteGammaSettings
from bot.domain.calendar import TradingSession
from bot.domain.data.sets import OPTION_CONTRACTS
from bot.domain.instruments import OptionContract, Right
from bot.domain.market import MarketView
from bot.domain.quotes import Quote
from bot.domain.wording import clock_minute, compared_percent, contract_words, digits_apart, nearest_apart, signed
from bot.strategies.base import OUTSIDE, UNFIT, Condition, Look, Proposal
from bot.strategies.chain import contract_at_money
from bot.strategies.gamma_conditions import explained, is_pinned, leans
from bot.strategies.inputs import book_faults, divergence, gex_faults, gex_rows, price_faults, quote_faults

_PADDING: Final = timedelta(minutes=2)  # option quotes are asked for a little before they are needed
_QUOTE: Final = frozenset({"quote"})
_BOOK: Final = frozenset({"book"})


@dataclass(frozen=True, slots=True)
class _Scene:
    """What was measured at one symbol; distance is a fraction of the price, gamma in dollars per 1 % move."""

    price: Decimal
    max_gamma_strike: Decimal
    distance: Decimal
    gamma_flip: Decimal | None
    net_gamma: float
    gex_price: Decimal
    book_symbol: str
    imbalance: float

    @property
    def right(self) -> Right:
        return Right.CALL if self.imbalance > 0 else Right.PUT


class ZeroDteGamma:
    """See the module. Everything it knows is its settings."""

    due_every_s: float = 5.0

    def __init__(self, settings: ZeroDteGammaSettings) -> None:
        self._settings = settings
        self.name = "zero_dte_gamma"
        self.symbols = settings.symbols
        self.exit = settings.exit
        self.chain = settings.chain.need
        self.cool_down_s = settings.cool_down_s

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        """Return underlyings, books and, around the window, today's options at the money.

        First those that would be bought at this price, then those that a move over the nearest strike would bring, so
        that their quotes stand ready.
        """
        wanted = dict.fromkeys(self.symbols, _QUOTE)
        for symbol in self.symbols:
            book_symbol = self._book_symbol(symbol)
            wanted[book_symbol] = wanted.get(book_symbol, frozenset()) | _BOOK
        start, end = self._window(session)
        if start - _PADDING <= now <= end + _PADDING:
            wanted |= dict.fromkeys(self._option_keys(view, session), _QUOTE)
        return wanted

    def _option_keys(self, view: MarketView, session: TradingSession) -> list[str]:
        first: list[str] = []
        second: list[str] = []
        for symbol in self.symbols:
            quote = view.quote(symbol)
            price = quote.reference if quote else None
            if price is None:
                continue
            sides = [contract_at_money(view, symbol, session.day, right, price) for right in Right]
            found = [contract for contract in sides if contract is not None]
            first += [contract.key for contract in found]
            second += [_opposite(contract).key for contract in found]
        return [*first, *second]

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        """Return the faults of price, gamma by strike, book and, with a contract, of its quote."""
        limits = self._settings
        faults = (
            *price_faults(view, symbol, now, limits.price_max_age_s),
            *gex_faults(view, symbol, now, limits.gex_max_age_s),
            *divergence(view, OPTION_CONTRACTS, symbol),
            *book_faults(view, self._book_symbol(symbol), now, limits.book_max_age_s),
        )
        if contract is None:
            return faults
        return (*faults, *quote_faults(view, contract.key, now, limits.price_max_age_s))

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        """Judge one symbol: the first condition that fails is the reason."""
        outside = self._outside_window(session, now)
        if outside:
            return _no(symbol, "window", outside, {})
        faults = self.input_faults(symbol, view, now)
        if faults:
            return _no(symbol, "inputs", f"{UNFIT}{', '.join(faults)}", {"faults": list(faults)})
        scene = self._measure(symbol, view)
        if scene is None:
            return _no(symbol, "pin", f"no strike of {symbol} carries any gamma", {})
        seen = asdict(scene)
        if not is_pinned(scene.distance, self._settings.pin_distance):
            away, needs = compared_percent(scene.distance, self._settings.pin_distance)
            return _no(symbol, "pin", f"{_pin(scene, away)}, needs {needs} or less", seen)
        if not leans(scene.imbalance, self._settings.min_imbalance):
            return _no(symbol, "lean", self._no_lean(scene), seen)
        return self._choose(symbol, scene, view, session, now)

    def conditions(
        self, seen: Mapping[str, Any], session: TradingSession | None, now: datetime
    ) -> tuple[Condition, ...]:
        """Return window, pin, lean, quote and grade with their numbers."""
        return explained(self._settings, seen, self._window(session) if session else None, now)

    def _choose(self, symbol: str, scene: _Scene, view: MarketView, session: TradingSession, now: datetime) -> Look:
        """Find the option for a scene that asks for one, and judge that."""
        seen = asdict(scene)
        contract = contract_at_money(view, symbol, session.day, scene.right, scene.price)
        if contract is None:
            side = "at or above" if scene.right is Right.CALL else "at or below"
            return _no(symbol, "strike", f"no listed strike of {symbol} is {side} {scene.price:f} and within 1 %", seen)
        seen["contract"] = contract.key
        faults = quote_faults(view, contract.key, now, self._settings.price_max_age_s)
        quote = view.quote(contract.key)
        if faults or quote is None:
            seen["faults"] = list(faults)
            name = contract_words(contract, session.day)
            return _no(symbol, "quote", f"{name} has no fit quote: {', '.join(faults)}", seen)
        return self._grade(symbol, scene, contract, quote, session.day)

    def _grade(self, symbol: str, scene: _Scene, contract: OptionContract, quote: Quote, today: date) -> Look:
        grade, minimum = grade_quote(quote), Grade(self._settings.min_grade)
        spread = quote.spread_fraction or Decimal(0)
        depth = min(quote.bid_size, quote.ask_size)
        seen = {
            **asdict(scene), "contract": contract.key, "bid": quote.bid, "ask": quote.ask, "depth": depth,
            "spread_fraction": spread, "grade": grade.value, "min_grade": minimum.value,
        }  # fmt: skip
        spread_words = nearest_apart(spread, [widest for _, widest, _ in THRESHOLDS])
        name = contract_words(contract, today)
        quality = f"liquidity {grade.value} (spread {spread_words} of mid, {depth} contracts)"
        if not at_least(grade, minimum):
            return _no(symbol, "grade", f"{name} has {quality}, needs {minimum.value}", seen)
        limits = self._settings
        away, _ = compared_percent(scene.distance, limits.pin_distance)
        lean = signed(scene.imbalance, digits_apart(abs(scene.imbalance), limits.min_imbalance))
        reason = f"{_pin(scene, away)}, book of {scene.book_symbol} leans {lean}, {name} has {quality}"
        seen |= {"condition": "met", "pin_distance": limits.pin_distance, "min_imbalance": limits.min_imbalance}
        return Look(symbol, Proposal(self.name, contract, quote, {**seen, "reason": reason}), reason, seen)

    def _measure(self, symbol: str, view: MarketView) -> _Scene | None:
        quote, book = view.quote(symbol), view.book(self._book_symbol(symbol))
        rows = gex_rows(view, symbol)
        price = quote.reference if quote else None
        imbalance = book_imbalance(book) if book else None
        strike = max_gamma_strike(rows, price)
        if price is None or imbalance is None or strike is None:
            return None
        return _Scene(
            price=price,
            max_gamma_strike=strike,
            distance=abs(price - strike) / price,
            gamma_flip=gamma_flip(rows, price),
            net_gamma=net_gamma(rows),
            gex_price=rows[0].price,
            book_symbol=self._book_symbol(symbol),
            imbalance=imbalance,
        )

    def _no_lean(self, scene: _Scene) -> str:
        lean, least = abs(scene.imbalance), self._settings.min_imbalance
        digits = digits_apart(lean, least)
        needs = f"needs {signed(least, digits)} for a call or {signed(-least, digits)} for a put"
        return f"book of {scene.book_symbol} leans {signed(scene.imbalance, digits)}, {needs}"

    def _outside_window(self, session: TradingSession, now: datetime) -> str | None:
        start, end = self._window(session)
        if start <= now < end:
            return None
        clock = [clock_minute(at) for at in (now, start, end)]
        return f"{clock[0]} {OUTSIDE} {clock[1]}-{clock[2]} New York"

    def _window(self, session: TradingSession) -> tuple[datetime, datetime]:
        return session.at(self._settings.window_from), session.cut_off(self._settings.window_to)

    def _book_symbol(self, symbol: str) -> str:
        return self._settings.book_symbol.get(symbol, symbol)


def _opposite(contract: OptionContract) -> OptionContract:
    """Return the other right at the same strike: what is bought once the price has crossed it."""
    other = Right.PUT if contract.right is Right.CALL else Right.CALL
    return OptionContract(contract.root, contract.expiry, other, contract.strike, contract.multiplier)


def _no(symbol: str, condition: str, reason: str, seen: Mapping[str, Any]) -> Look:
    return Look(symbol, None, reason, {**seen, "condition": condition})


def _pin(scene: _Scene, away: str) -> str:
    return f"price {scene.price:f} is {away} from its pin, the max-gamma strike {scene.max_gamma_strike:f}"
