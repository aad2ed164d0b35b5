"""The account behind the matching engine: cash, positions, fees, profit and loss.

Cost includes commissions, as the broker counts it, so at any moment
    equity = opening cash + realized + unrealized   and   equity = cash + market value of the positions,
to the cent. An account that goes on from an earlier day counts `opening_cash` as what it was worth then, and
the profit that was open then is part of it. A cash account: what is bought is paid in full, and margin is the value of
stock held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.sim.vocabulary import Side, VenueInstrument, VenuePosition

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Fee:
    """Dollars: `per_unit` with a minimum an order, `regulatory` per unit on both sides, `sale` per unit sold."""

    per_unit: Decimal
    minimum: Decimal
    regulatory: Decimal = ZERO
    sale: Decimal = ZERO

    def total(self, units: int, side: Side) -> Decimal:
        """Return what an order that has filled `units` has cost so far, to the cent."""
        if units == 0:
            return ZERO
        passed_on = units * (self.regulatory + (self.sale if side is Side.SELL else ZERO))
        return (max(self.minimum, units * self.per_unit) + passed_on).quantize(CENT)


# IBKR's fixed pricing, with the options regulatory and clearing fees rounded to two cents a contract.
FEES: Final[Mapping[str, Fee]] = MappingProxyType(
    {
        "OPT": Fee(Decimal("0.65"), Decimal("1.00"), regulatory=Decimal("0.02"), sale=Decimal("0.01")),
        "STK": Fee(Decimal("0.005"), Decimal("1.00")),
    }
)


def commission(instrument: VenueInstrument, side: Side, filled_before: int, filled_after: int) -> Decimal:
    """Return the commission of the execution that takes an order from `filled_before` to `filled_after` units."""
    fee = FEES[instrument.sec_type]
    return fee.total(filled_after, side) - fee.total(filled_before, side)


@dataclass(slots=True)
class Holding:
    """A position: signed quantity, and its whole cost in dollars with commissions (negative for a short)."""

    instrument: VenueInstrument
    quantity: int = 0
    cost: Decimal = ZERO
    realized: Decimal = ZERO

    def as_position(self) -> VenuePosition:
        average = self.cost / self.quantity if self.quantity else ZERO
        return VenuePosition(self.instrument, self.quantity, average, self.realized)


Mark = Callable[[VenueInstrument], Decimal]
"""Return the value per share that an instrument is carried at."""


class Account:
    """Books executions; knows no market, so whatever needs a value is given a `Mark`."""

    def __init__(self, opening_cash: Decimal) -> None:
        self.opening_cash = opening_cash
        self.cash = opening_cash
        self.holdings: dict[int, Holding] = {}

    def quantity(self, con_id: int) -> int:
        holding = self.holdings.get(con_id)
        return holding.quantity if holding else 0

    def positions(self) -> list[VenuePosition]:
        return [each.as_position() for each in self.holdings.values() if each.quantity]

    def book(
        self, instrument: VenueInstrument, side: Side, quantity: int, price: Decimal, fee: Decimal
    ) -> Decimal | None:
        """Book an execution and return its realized profit, None where it only opens. A fill may do both."""
        holding = self.holdings.setdefault(instrument.con_id, Holding(instrument))
        sign = 1 if side is Side.BUY else -1
        closing = min(quantity, abs(holding.quantity)) if holding.quantity * sign < 0 else 0
        fee_closing = (fee * closing / quantity).quantize(CENT)
        realized = self._close(holding, sign * closing, price, fee_closing) if closing else None
        if opening := quantity - closing:
            flow = sign * opening * price * instrument.multiplier + fee - fee_closing
            holding.quantity += sign * opening
            holding.cost += flow
            self.cash -= flow
        return realized

    def settle(self, con_id: int, value: Decimal) -> Holding:
        """Exchange an expired position for its intrinsic value per share, without a fee."""
        holding = self.holdings[con_id]
        self._close(holding, -holding.quantity, value, ZERO)
        return holding

    def exercise(self, con_id: int, stock: VenueInstrument, strike: Decimal) -> Holding:
        """Turn a long option into shares at its strike, without a fee; returns the shares.

        As at IBKR the option closes at nothing and without a profit, and its premium is part of the shares' cost: their
        average is strike plus premium for a call, strike less premium for shares that a put sold short.
        """
        option = self.holdings[con_id]
        shares, premium = option.quantity * option.instrument.multiplier, option.cost
        option.quantity, option.cost = 0, ZERO
        side = Side.BUY if option.instrument.right == "C" else Side.SELL
        self.book(stock, side, shares, strike, ZERO)
        holding = self.holdings[stock.con_id]
        if holding.quantity:
            holding.cost += premium
        else:
            holding.realized -= premium
        return holding

    def adjust(self, con_id: int, dollars: Decimal) -> None:
        """Book a later change of what was paid or received: into the cost while something is held, else realized."""
        holding = self.holdings[con_id]
        self.cash += dollars
        if holding.quantity:
            holding.cost -= dollars
        else:
            holding.realized += dollars

    def _close(self, holding: Holding, change: int, price: Decimal, fee: Decimal) -> Decimal:
        released = (holding.cost * -change / holding.quantity).quantize(CENT)
        proceeds = -change * price * holding.instrument.multiplier - fee
        holding.quantity += change
        if holding.quantity == 0:
            released = holding.cost
        holding.cost -= released
        realized = proceeds - released
        holding.realized += realized
        self.cash += proceeds
        return realized

    def market_value(self, mark: Mark, sec_type: str = "") -> Decimal:
        """Return what the positions (of one kind) are worth, dollars."""
        held = (each for each in self.holdings.values() if each.quantity)
        return sum(
            (
                mark(each.instrument) * each.quantity * each.instrument.multiplier
                for each in held
                if sec_type in {"", each.instrument.sec_type}
            ),
            ZERO,
        )

    def realized(self) -> Decimal:
        return sum((each.realized for each in self.holdings.values()), ZERO)

    def unrealized(self, mark: Mark) -> Decimal:
        return self.market_value(mark) - sum((each.cost for each in self.holdings.values()), ZERO)

    def equity(self, mark: Mark) -> Decimal:
        return self.cash + self.market_value(mark)

    def values(self, mark: Mark, reserved: Decimal) -> dict[str, Decimal]:
        """Return the broker's account values; `reserved` is what working buys may still cost."""
        stock, everything = self.market_value(mark, "STK"), self.market_value(mark)
        available = self.cash - reserved
        return {
            "NetLiquidation": self.cash + everything,
            "TotalCashValue": self.cash,
            "BuyingPower": available,
            "AvailableFunds": available,
            "ExcessLiquidity": available,
            "InitMarginReq": stock,
            "MaintMarginReq": stock,
            "GrossPositionValue": everything,
            "UnrealizedPnL": self.unrealized(mark),
            "RealizedPnL": self.realized(),
            "EquityWithLoanValue": self.cash + stock,
        }
