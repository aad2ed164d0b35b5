"""Max-gamma strike and gamma flip: hand-made chains, laws, and a published answer on a real chain."""

import csv
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.gex import gamma_flip, max_gamma_strike, net_gamma, zero_crossings
from bot.domain.data.exposure import StrikeExposure
from bot.domain.instruments import Right, parse_osi

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def row(strike: str | Decimal, net: float, price: str = "600") -> StrikeExposure:
    return StrikeExposure(Decimal(strike), Decimal(price), NOW, max(net, 0.0), min(net, 0.0), 0, 0, 0, 0)


def test_the_max_gamma_strike_has_the_largest_net_gamma_of_either_sign() -> None:
    assert max_gamma_strike([row("595", 5), row("600", -9), row("605", 7)]) == 600


def test_calls_and_puts_of_a_strike_offset_each_other() -> None:
    busy = StrikeExposure(Decimal(600), Decimal(600), NOW, 100.0, -99.0, 0, 0, 0, 0)
    assert max_gamma_strike([busy, row("605", 2)]) == 605


def test_ties_go_to_the_strike_nearest_the_price_then_to_the_lower() -> None:
    rows = [row("590", 9), row("601", -9), row("620", 9)]
    assert max_gamma_strike(rows) == 601
    assert max_gamma_strike(rows, Decimal(618)) == 620
    assert max_gamma_strike([row("599", 9), row("601", 9)], Decimal(600)) == 599


def test_no_gamma_no_strike() -> None:
    assert max_gamma_strike([]) is None
    assert max_gamma_strike([row("600", 0)]) is None
    assert gamma_flip([]) is None
    assert gamma_flip([row("600", 0)]) is None


def test_the_flip_is_interpolated_between_the_strikes_around_it() -> None:
    # running sums: -10, -5, +15: zero a quarter of the way from 600 to 610
    assert gamma_flip([row("590", -10), row("600", 5), row("610", 20)]) == Decimal("602.5")


def test_rows_may_come_in_any_order() -> None:
    assert gamma_flip([row("610", 20), row("590", -10), row("600", 5)]) == Decimal("602.5")


def test_a_sum_that_keeps_its_sign_has_no_flip() -> None:
    assert gamma_flip([row("590", 10), row("600", 5), row("610", -3)]) is None


def test_of_several_flips_the_nearest_to_the_price_counts() -> None:
    rows = [row("500", -1), row("510", 2), row("600", -2), row("610", 2)]
    assert gamma_flip(rows, Decimal(505)) == 505
    assert gamma_flip(rows) == 605


def test_a_rest_on_zero_is_a_crossing_only_if_the_sign_changes() -> None:
    points = [(Decimal(i), value) for i, value in enumerate([0.0, -1.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0])]
    assert zero_crossings(points) == [Decimal(2)]


# Whole dollars, so that no crossing falls within a rounding step of a strike.
NETS = st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=30)


@given(NETS)
def test_a_flip_lies_between_strikes_whose_running_sums_differ_in_sign(nets: list[float]) -> None:
    rows = [row(str(500 + 5 * i), net) for i, net in enumerate(nets)]
    flip = gamma_flip(rows)
    running = np.cumsum([r.net_gamma_oi for r in rows])
    signs = {float(np.sign(total)) for total in running if total}
    if flip is None:
        assert len(signs) <= 1
        return
    below = [s for r, s in zip(rows, running, strict=True) if r.strike <= flip and s]
    above = [s for r, s in zip(rows, running, strict=True) if r.strike >= flip and s]
    assert below
    assert above
    assert rows[0].strike <= flip <= rows[-1].strike
    assert (below[-1] < 0) != (above[0] < 0)


@given(NETS)
def test_no_strike_has_more_gamma_than_the_max_gamma_strike(nets: list[float]) -> None:
    rows = [row(str(500 + 5 * i), net) for i, net in enumerate(nets)]
    strike = max_gamma_strike(rows)
    if strike is None:
        assert not any(nets)
        return
    assert next(abs(r.net_gamma_oi) for r in rows if r.strike == strike) == max(abs(net) for net in nets)


# ---- a real chain: S&P 500 options at the close of 2024-01-05, with the total gamma and the zero-gamma level that were
# published for this very file. The method of both is in its published_gex.json.


@dataclass(frozen=True)
class Line:
    expiry: date
    strike: Decimal
    sign: int
    iv: float
    gamma: float
    open_interest: int


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((chain_folder(shared_data) / "published_gex.json").read_text(encoding="utf-8"))
    return told


@pytest.fixture(scope="module")
def chain(shared_data: Path) -> tuple[float, list[Line]]:
    with gzip.open(chain_folder(shared_data) / "spx_quotedata.csv.gz", "rt", encoding="utf-8") as file:
        table = list(csv.reader(file))[1:]
    spot = float(table[0][1].split(":")[1])
    lines = []
    for cells in table[3:]:
        for symbol, values in ((cells[1], cells[2:11]), (cells[12], cells[13:22])):
            contract = parse_osi(symbol)
            sign = 1 if contract.right is Right.CALL else -1
            iv, _, gamma, open_interest = values[5:9]
            lines.append(
                Line(contract.expiry, contract.strike, sign, float(iv), float(gamma), int(float(open_interest)))
            )
    return spot, lines


def chain_folder(shared_data: Path) -> Path:
    folder = shared_data / "spx-chain-2024-01-05"
    if not folder.is_dir():
        pytest.skip(f"the recorded chain is not here: {folder} is absent")
    return folder


def by_strike(spot: float, lines: list[Line]) -> list[StrikeExposure]:
    calls: dict[Decimal, float] = {}
    puts: dict[Decimal, float] = {}
    for line in lines:
        side = calls if line.sign > 0 else puts
        side[line.strike] = side.get(line.strike, 0.0) + line.sign * line.gamma * line.open_interest * spot**2
    price = Decimal(str(spot))
    return [
        StrikeExposure(strike, price, NOW, calls.get(strike, 0.0), puts.get(strike, 0.0), 0, 0, 0, 0)
        for strike in sorted(calls.keys() | puts.keys())
    ]


def gamma_repriced(lines: list[Line], levels: np.ndarray, quoted_on: date) -> list[float]:
    """Net gamma of the whole chain if the index stood at each level: Black-Scholes, no rates, business days / 262."""
    lines = [line for line in lines if line.iv > 0]
    strike = np.array([float(line.strike) for line in lines])
    iv = np.array([line.iv for line in lines])
    weight = np.array([line.sign * line.open_interest for line in lines])
    days = np.busday_count(quoted_on, np.array([line.expiry for line in lines], dtype="datetime64[D]"))
    years = np.maximum(days, 1) / 262
    totals = []
    for level in levels:
        deviation = iv * np.sqrt(years)
        d1 = (np.log(level / strike) + iv**2 / 2 * years) / deviation
        gamma = np.exp(-(d1**2) / 2) / np.sqrt(2 * np.pi) / (level * deviation)
        totals.append(float(np.sum(gamma * weight) * 100 * level**2 * 0.01))
    return totals


def test_total_gamma_of_the_real_chain_is_the_published_one(
    published: dict[str, Any], chain: tuple[float, list[Line]]
) -> None:
    spot, lines = chain
    total_bn = net_gamma(by_strike(spot, lines)) / 1e9
    assert total_bn == pytest.approx(published["total_gamma_bn_per_1pct"], abs=0.05)
    assert total_bn == pytest.approx(published["recomputed_from_this_file"]["total_gamma_bn_per_1pct"], abs=0.001)


def test_zero_gamma_level_of_the_real_chain_is_the_published_one(
    published: dict[str, Any], chain: tuple[float, list[Line]]
) -> None:
    spot, lines = chain
    levels = np.linspace(0.8 * spot, 1.2 * spot, 60)
    totals = gamma_repriced(lines, levels, date(2024, 1, 7))
    crossings = zero_crossings(zip((Decimal(float(level)) for level in levels), totals, strict=True))
    assert float(crossings[0]) == pytest.approx(published["gamma_flip_level"], abs=1)
    assert float(crossings[0]) == pytest.approx(published["recomputed_from_this_file"]["gamma_flip_level"], abs=0.1)


def test_the_strikes_of_the_real_chain_give_a_pin_and_a_flip(chain: tuple[float, list[Line]]) -> None:
    spot, lines = chain
    rows = by_strike(spot, lines)
    totals = {r.strike: r.net_gamma_oi for r in rows}
    assert max_gamma_strike(rows) == max(totals, key=lambda strike: abs(totals[strike]))
    running = np.cumsum([totals[strike] for strike in sorted(totals)])
    flips = int(np.sum(np.diff(np.sign(running[running != 0])) != 0))
    assert (gamma_flip(rows) is None) == (flips == 0)
