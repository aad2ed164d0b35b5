"""Which option is bought once the direction is known: by expiry, by strike, of those listed and liquid enough.

Only listed expiries and strikes are chosen from, never computed: the vendor's list of contracts with volume and open
interest first, else what the broker lists. Options on SPX that end on a day are SPXW (`root_for`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from bot.config.strategies import ContractSettings
from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.sets import OPTION_CONTRACTS
from bot.domain.instruments import OptionContract, Right, root_for
from bot.domain.market import MarketView
from bot.strategies.chain import contract_at_money, strike_at_money

_NO_FLOORS: Final = ContractSettings()


@dataclass(frozen=True, slots=True)
class ContractAsked:
    """For what an option is chosen: `day` is the session's, `price` that of the underlying, dollars a share."""

    view: MarketView
    symbol: str
    day: date
    right: Right
    price: Decimal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listed strike; `row` what the vendor says of the contract, None where the broker alone lists it."""

    strike: Decimal
    row: OptionContractRow | None = None


StrikeRule = Callable[[ContractAsked, Sequence[Candidate]], Decimal | None]
ExpiryRule = Callable[[ContractAsked], date | None]


@dataclass(frozen=True, slots=True)
class ContractChoice:
    """An expiry, a strike and the floors that a contract has to reach; `words` say where it lies."""

    words: str
    expiry: ExpiryRule
    strike: StrikeRule
    floors: ContractSettings = field(default_factory=ContractSettings)
    else_by: StrikeRule | None = None  # where the first rule finds none

    def of(self, asked: ContractAsked) -> OptionContract | str:
        """Return the contract, or in words why there is none."""
        expiry = self.expiry(asked)
        if expiry is None:
            return f"no expiry of {asked.symbol} is listed {self.words}"
        if self.floors == _NO_FLOORS and self.strike is at_the_money:
            return contract_at_money(asked.view, asked.symbol, expiry, asked.right, asked.price) or _no_strike(asked)
        listed = candidates(asked, expiry)
        liquid = [each for each in listed if _reaches(asked, expiry, each, self.floors)]
        strike = self.strike(asked, liquid)
        if strike is None and self.else_by is not None:
            strike = self.else_by(asked, liquid)
        if strike is not None:
            return _contract(asked, expiry, strike)
        if listed and not liquid:
            return f"no listed contract of {asked.symbol} reaches the floors: {_floor_words(self.floors)}"
        return _no_strike(asked)


def _contract(asked: ContractAsked, expiry: date, strike: Decimal) -> OptionContract:
    return OptionContract(root_for(asked.symbol, expiry), expiry, asked.right, strike)


def _no_strike(asked: ContractAsked) -> str:
    side = "at or above" if asked.right is Right.CALL else "at or below"
    return f"no listed strike of {asked.symbol} is {side} {asked.price:f} and within 1 %"


def _floor_words(floors: ContractSettings) -> str:
    parts = [f"open interest {floors.min_open_interest}", f"volume {floors.min_volume}"]
    if floors.max_spread_fraction is not None:
        parts.append(f"spread {floors.max_spread_fraction * 100:f} % of mid")
    return ", ".join(parts)


# ---- what is listed


def candidates(asked: ContractAsked, expiry: date) -> list[Candidate]:
    """Return the strikes that are listed for an expiry and a right: the vendor's rows, else the broker's strikes."""
    root = root_for(asked.symbol, expiry)
    rows = [
        Candidate(row.contract.strike, row)
        for row in _rows(asked)
        if row.contract.expiry == expiry and row.contract.right is asked.right and row.contract.root == root
    ]
    if rows:
        return rows
    chain = asked.view.chain(asked.symbol)
    listing = chain.listing(expiry) if chain is not None else None
    return [Candidate(strike) for strike in listing.strikes] if listing and listing.trading_class == root else []


def _rows(asked: ContractAsked) -> Sequence[OptionContractRow]:
    datum = asked.view.datum(OPTION_CONTRACTS, asked.symbol)
    return datum.value if datum is not None and datum.value else ()


def _reaches(asked: ContractAsked, expiry: date, each: Candidate, floors: ContractSettings) -> bool:
    interest, volume = (each.row.open_interest, each.row.volume) if each.row is not None else (0, 0)
    if interest < floors.min_open_interest or volume < floors.min_volume:
        return False
    if floors.max_spread_fraction is None:
        return True
    quote = asked.view.quote(_contract(asked, expiry, each.strike).key)
    bid, ask = (quote.bid, quote.ask) if quote is not None else (None, None)
    if bid is None or ask is None:
        bid, ask = (each.row.bid, each.row.ask) if each.row is not None else (None, None)
    if bid is None or ask is None or bid + ask <= 0:
        return True  # nothing is known of its spread: its quote is judged once its line is there
    return (ask - bid) * 2 <= floors.max_spread_fraction * (ask + bid)


def listed_expiries(asked: ContractAsked) -> list[date]:
    """Return every expiry of the underlying that vendor or broker lists, from the session's day on."""
    found = {row.contract.expiry for row in _rows(asked)}
    chain = asked.view.chain(asked.symbol)
    if chain is not None:
        found |= {expiry for each in chain.listings for expiry in each.expiries if chain.listing(expiry) is not None}
    return sorted(expiry for expiry in found if expiry >= asked.day)


# ---- expiries


def today(asked: ContractAsked) -> date | None:
    """The session's own day; that it is listed is seen by its strikes."""
    return asked.day


def next_session(asked: ContractAsked) -> date | None:
    """The first listed expiry after the session's day."""
    return next((expiry for expiry in listed_expiries(asked) if expiry > asked.day), None)


def days_out(least: int, most: int) -> ExpiryRule:
    """The first listed expiry from `least` to `most` calendar days after the session's day."""

    def rule(asked: ContractAsked) -> date | None:
        first, last = asked.day + timedelta(days=least), asked.day + timedelta(days=most)
        return next((expiry for expiry in listed_expiries(asked) if first <= expiry <= last), None)

    return rule


# ---- strikes


def at_the_money(asked: ContractAsked, listed: Sequence[Candidate]) -> Decimal | None:
    """The lowest call strike at or above the price, the highest put strike at or below; none over 1 % away."""
    return strike_at_money((each.strike for each in listed), asked.right, asked.price)


def first_out_of_the_money(asked: ContractAsked, listed: Sequence[Candidate]) -> Decimal | None:
    """The first strike beyond the price; none over 1 % away."""
    beyond = (each.strike for each in listed if each.strike != asked.price)
    return strike_at_money(beyond, asked.right, asked.price)


def nearest_away(share: Decimal) -> StrikeRule:
    """The listed strike nearest to so far out of the money; none that is in it, or twice as far out."""

    def rule(asked: ContractAsked, listed: Sequence[Candidate]) -> Decimal | None:
        sign = 1 if asked.right is Right.CALL else -1
        aim, most = asked.price * (1 + sign * share), asked.price * share * 2
        outside = [each.strike for each in listed if 0 <= (each.strike - asked.price) * sign <= most]
        return min(outside, key=lambda strike: (abs(strike - aim), strike), default=None)

    return rule


def most_unusual(times: float) -> StrikeRule:
    """The strike whose volume is the most of its open interest, over `times` of it; none is in a chain without one."""

    def rule(asked: ContractAsked, listed: Sequence[Candidate]) -> Decimal | None:
        found = [(ratio, each.strike) for each in listed if (ratio := _ratio(each)) > times]
        return max(found, key=lambda one: (one[0], -one[1]), default=(0.0, None))[1]

    return rule


def _ratio(each: Candidate) -> float:
    return each.row.volume / each.row.open_interest if each.row is not None and each.row.open_interest > 0 else 0.0


def both_rights(
    choice: ContractChoice, view: MarketView, symbol: str, day: date, price: Decimal
) -> Iterable[OptionContract]:
    """Yield what would be bought at this price, a call and a put."""
    for right in Right:
        found = choice.of(ContractAsked(view, symbol, day, right, price))
        if isinstance(found, OptionContract):
            yield found
