"""Which strikes are listed, and which of them is nearest the money on a right's side.

Steps between strikes are irregular (1, 2.5, 5, adjusted contracts), so a strike is chosen among those seen, never
computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from bot.domain.data.sets import OPTION_CONTRACTS
from bot.domain.instruments import OptionContract, Right, root_for
from bot.domain.market import MarketView
from bot.strategies.inputs import gex_rows

# A list may have a hole at the money (a page that ended below the price); what lies further off is not at the money.
FARTHEST_STRIKE: Final = Decimal("0.01")


def strike_at_money(strikes: Iterable[Decimal], right: Right, price: Decimal) -> Decimal | None:
    """Return the lowest call strike at or above the price, the highest put strike at or below; None over 1 % away."""
    if right is Right.CALL:
        strike = min((strike for strike in strikes if strike >= price), default=None)
    else:
        strike = max((strike for strike in strikes if strike <= price), default=None)
    if strike is None or abs(strike - price) > price * FARTHEST_STRIKE:
        return None
    return strike


def listed_strikes(view: MarketView, symbol: str, expiry: date, right: Right) -> frozenset[Decimal]:
    """Return the strikes that the vendor lists for this very expiry and right, possibly none."""
    datum = view.datum(OPTION_CONTRACTS, symbol)
    if datum is None:
        return frozenset()
    root = root_for(symbol, expiry)
    contracts = (row.contract for row in datum.value)
    return frozenset(c.strike for c in contracts if c.expiry == expiry and c.right is right and c.root == root)


def contract_at_money(
    view: MarketView, symbol: str, expiry: date, right: Right, price: Decimal
) -> OptionContract | None:
    """Return the contract nearest the money: from the expiry's own list, else from what the broker lists, else from the
    strikes that carry gamma.

    What the broker lists is of a class's expiries together, and the strikes of gamma of all expiries, so one of them
    may be unlisted today: then the broker does not know the contract, no quote comes, and nothing is traded.
    """
    listed = strike_at_money(listed_strikes(view, symbol, expiry, right), right, price)
    for strikes in (_at_the_broker(view, symbol, expiry), [row.strike for row in gex_rows(view, symbol)]):
        if listed is None:
            listed = strike_at_money(strikes, right, price)
    return None if listed is None else OptionContract(root_for(symbol, expiry), expiry, right, listed)


def _at_the_broker(view: MarketView, symbol: str, expiry: date) -> Sequence[Decimal]:
    chain = view.chain(symbol)
    listing = chain.listing(expiry) if chain is not None else None
    return listing.strikes if listing is not None and listing.trading_class == root_for(symbol, expiry) else ()
