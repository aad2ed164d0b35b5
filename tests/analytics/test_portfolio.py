"""What is held in dollars: greeks against differences of the book's value, heat and shares by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.analytics.greeks import black_scholes
from bot.analytics.portfolio import PremiumPaid, by_sector, concentration, greeks_by_symbol, heat
from bot.analytics.value_at_risk import OptionHeld

CALL = OptionHeld("SPY", 500, 590.0, 595.0, 10 / 365, 0.2, call=True)
PUT = OptionHeld("QQQ", 300, 510.0, 505.0, 5 / 365, 0.25, call=False)


def worth(held: list[OptionHeld]) -> float:
    return sum(
        each.size * black_scholes(each.spot, each.strike, each.years, each.volatility, call=each.call).price
        for each in held
    )


def test_dollar_greeks_are_what_the_book_gains() -> None:
    book = [CALL, replace(CALL, strike=600.0, size=100), PUT]
    found = greeks_by_symbol(book)
    assert list(found) == ["QQQ", "SPY"]
    spy = [each for each in book if each.symbol == "SPY"]
    up, down = (worth([replace(each, spot=590.0 * (1 + h)) for each in spy]) for h in (1e-4, -1e-4))
    assert found["SPY"].delta == pytest.approx((up - down) / 2e-4 / 100, rel=1e-5)
    assert found["SPY"].gamma == pytest.approx((up - 2 * worth(spy) + down) / 1e-8 / 1e4, rel=1e-4)
    hour = worth([replace(each, years=each.years - 1 / 8760) for each in spy]) - worth(spy)
    assert found["SPY"].theta_hour == pytest.approx(hour, rel=0.01)
    point = worth([replace(each, volatility=each.volatility + 1e-4) for each in spy]) - worth(spy)
    assert found["SPY"].vega == pytest.approx(point * 100, rel=1e-3)


def test_heat_is_what_the_stops_leave_of_it() -> None:
    held = [
        PremiumPaid("SPY", Decimal(1000), Decimal(500)),
        PremiumPaid("QQQ", Decimal(400), Decimal(600)),  # its stop is above the entry by now
        PremiumPaid("NVDA", Decimal(300)),
    ]
    assert heat(held, Decimal(20_000)) == Decimal("0.04")
    assert heat(held, None) is None
    assert heat(held, Decimal(0)) is None
    assert heat([], Decimal(100)) == 0


def test_shares_by_symbol_and_by_sector_are_of_the_premium() -> None:
    held = [PremiumPaid("NVDA", Decimal(300)), PremiumPaid("AAPL", Decimal(300)), PremiumPaid("SPY", Decimal(400))]
    assert list(concentration(held).items()) == [
        ("SPY", Decimal("0.4")),
        ("AAPL", Decimal("0.3")),
        ("NVDA", Decimal("0.3")),
    ]
    assert by_sector(held) == {"technology": Decimal("0.6"), "broad market": Decimal("0.4")}
    assert concentration([]) == {}
