"""What is held, in dollars: greeks by underlying, what is lost if every stop is hit, and how much of it is one bet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.analytics.greeks import black_scholes
from bot.analytics.value_at_risk import OptionHeld
from bot.domain.sectors import sector_of


@dataclass(frozen=True, slots=True)
class DollarGreeks:
    """Dollars for all that is held: `delta` for a rise of 1 %, `gamma` what that changes with the next 1 %,
    `theta_hour` an hour, `vega` a point of volatility."""

    delta: float = 0.0
    gamma: float = 0.0
    theta_hour: float = 0.0
    vega: float = 0.0

    def __add__(self, other: DollarGreeks) -> DollarGreeks:
        return DollarGreeks(
            self.delta + other.delta, self.gamma + other.gamma, self.theta_hour + other.theta_hour,
            self.vega + other.vega,
        )  # fmt: skip


def dollar_greeks(each: OptionHeld) -> DollarGreeks:
    """Return the greeks of one position."""
    found = black_scholes(each.spot, each.strike, each.years, each.volatility, call=each.call)
    one = each.spot / 100
    return DollarGreeks(
        found.delta * each.size * one, found.gamma * each.size * one * one, found.theta_hour * each.size,
        found.vega * each.size,
    )  # fmt: skip


def greeks_by_symbol(held: Iterable[OptionHeld]) -> dict[str, DollarGreeks]:
    """Return the greeks of each underlying, in the order of the alphabet."""
    found: dict[str, DollarGreeks] = {}
    for each in sorted(held, key=lambda one: one.symbol):
        found[each.symbol] = found.get(each.symbol, DollarGreeks()) + dollar_greeks(each)
    return found


@dataclass(frozen=True, slots=True)
class PremiumPaid:
    """What one position cost and where it stops: `paid` and `stopped` in dollars for all of it, `stopped` what its stop
    would bring (0 without one)."""

    symbol: str
    paid: Decimal
    stopped: Decimal = Decimal(0)


def heat(held: Iterable[PremiumPaid], equity: Decimal | None) -> Decimal | None:
    """Return what is lost of the premium if every stop is hit, as a share of equity (0.05 is five percent); None where
    equity is not known or not above zero. A stop above the entry costs nothing. Source: "portfolio heat", A. Elder,
    "Come into my trading room", 2002, ch. 7."""
    if equity is None or equity <= 0:
        return None
    return sum((max(each.paid - each.stopped, Decimal(0)) for each in held), Decimal(0)) / equity


def concentration(
    held: Sequence[PremiumPaid], of: Callable[[str], str] = lambda symbol: symbol
) -> Mapping[str, Decimal]:
    """Return the share of the premium at risk by underlying, or by what `of` says of one; the largest first. Empty
    where nothing was paid."""
    whole = sum((each.paid for each in held), Decimal(0))
    if whole <= 0:
        return {}
    sums: dict[str, Decimal] = {}
    for each in held:
        sums[of(each.symbol)] = sums.get(of(each.symbol), Decimal(0)) + each.paid
    return {name: sums[name] / whole for name in sorted(sums, key=lambda name: (-sums[name], name))}


def by_sector(held: Sequence[PremiumPaid]) -> Mapping[str, Decimal]:
    """Return the share of the premium at risk by sector."""
    return concentration(held, sector_of)
