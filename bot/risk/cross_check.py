"""Whether the vendor and the broker speak of the same market: prices, quotes and greeks of the same contracts compared.

The vendor's answer is a moment old when it is compared, so what the underlying did meanwhile is allowed for: a price
may be anywhere in the range that the broker showed since, a quote further off by delta times that range, a delta by
gamma times it; and by two steps of the price grid, for a quote moves by nothing less. What is off beyond that is no
matter of time. One contract may be quoted oddly; a data set diverges where more than half of what was compared is off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.domain.data.contracts import OptionContractRow
from bot.domain.quotes import Greeks, Quote

LEAST_COMPARED: Final = 3
"""Contracts; fewer say nothing of a data set."""
NEAR_NOTHING: Final = 0.05
"""A delta, or a volatility, is off by at least so much before a fraction of it says anything."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far the two may be apart: fractions of the broker's value, dollars per share of a side of a quote."""

    price_fraction: Decimal = Decimal("0.02")
    quote_usd: Decimal = Decimal("0.05")
    spread_fraction: Decimal = Decimal("0.15")
    greeks_fraction: Decimal = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class Moved:
    """Between which prices the underlying was, by the broker, since a while before the vendor's time."""

    low: Decimal
    high: Decimal

    @property
    def range(self) -> Decimal:
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Compared:
    """What was looked at in one contract, and in words what is off; empty: nothing."""

    key: str
    off: str


def price_off(theirs: Decimal, moved: Moved, limits: Tolerances) -> str:
    """Return in words that the vendor's price of an underlying is off, empty where it is not."""
    slack_low, slack_high = moved.low * limits.price_fraction, moved.high * limits.price_fraction
    if moved.low - slack_low <= theirs <= moved.high + slack_high:
        return ""
    return f"price {theirs} against {moved.low} to {moved.high}"


def contract_off(
    row: OptionContractRow, quote: Quote, greeks: Greeks | None, moved: Moved, now: datetime, limits: Tolerances,
    tick: Decimal,
) -> str | None:  # fmt: skip
    """Return in words what of a contract is off, empty where nothing is, None where nothing can be compared.

    `tick`: its price step.
    """
    if row.bid is None or row.ask is None or quote.bid is None or quote.ask is None or not quote.is_price:
        return None
    delta = abs(greeks.delta) if greeks is not None and greeks.delta is not None else 1.0
    step = max(limits.quote_usd, 2 * tick)
    allowed = step + Decimal(str(round(delta, 6))) * moved.range
    for side, theirs, ours in (("bid", row.bid, quote.bid), ("ask", row.ask, quote.ask)):
        if abs(theirs - ours) > allowed:
            return f"{side} {theirs} against {ours}"
    if said := _spread_off(row.ask - row.bid, quote.ask - quote.bid, limits, step):
        return said
    return _greeks_off(row, greeks, moved, now, limits) if greeks is not None else ""


def _spread_off(theirs: Decimal, ours: Decimal, limits: Tolerances, step: Decimal) -> str:
    """A spread is off beyond its fraction, and beyond what a side may be off: a cent of three is a third."""
    if abs(theirs - ours) <= max(ours * limits.spread_fraction, step):
        return ""
    return f"spread {theirs} against {ours}"


def _greeks_off(
    row: OptionContractRow, greeks: Greeks, moved: Moved, now: datetime, limits: Tolerances
) -> str:  # fmt: skip
    fraction = float(limits.greeks_fraction)
    gamma = abs(greeks.gamma or 0.0)
    drift = gamma * float(moved.range)
    compared = [("iv", row.iv, greeks.iv, 0.0), ("delta", row.delta, greeks.delta, drift)]
    if (row.contract.expiry - now.date()).days >= 1:  # on its last day gamma is another at every look
        compared.append(("gamma", row.gamma, greeks.gamma, 0.0))
    for name, theirs, ours, slack in compared:
        if theirs is None or ours is None:
            continue
        least = NEAR_NOTHING if name != "gamma" else 1e-4
        if abs(theirs - ours) > max(abs(ours) * fraction, least) + slack:
            return f"{name} {theirs:.4g} against {ours:.4g}"
    return ""


def verdict(compared: Sequence[Compared]) -> str | None:
    """Return in words how a data set diverges, empty where it agrees, None where too little could be compared."""
    if len(compared) < LEAST_COMPARED:
        return None
    off = [each for each in compared if each.off]
    if 2 * len(off) <= len(compared):
        return ""
    return f"{len(off)} of {len(compared)} contracts: {off[0].key.strip()} {off[0].off}"
