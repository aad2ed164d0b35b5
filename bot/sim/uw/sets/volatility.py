"""Volatility: the surface's own term structure and skew now, and a year of days before it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from bot.sim.market.surface import Floats, atm_volatility, level
from bot.sim.uw.query import BadParameter
from bot.sim.uw.rows import Row, stamp
from bot.sim.uw.sets.day import Asked, Rows, ServedSet, VendorDay, days_back, span_of

_HORIZONS: Final = (1, 5, 7, 14, 30, 60, 90, 180, 365)
_MONTH: Final = 30
_REALIZED_OVER: Final = 21
_DELTAS: Final = ("10", "25")


def _atm(day: VendorDay, asked: Asked, days: float) -> float:
    book = day.book(asked.ticker)
    spot = float(book.path.price[day.index(asked.minute)])
    years = max(days, 0.05) / 365.0
    return atm_volatility(float(level(book.script.iv, book.script.term, years)), years, spot, book.script.open)


def term_structure(day: VendorDay, asked: Asked) -> Rows:
    spot = day.market.price(asked.ticker, asked.minute)
    rows = []
    for expiry in day.expiries(asked.ticker):
        dte = (expiry - asked.day).days
        iv = _atm(day, asked, dte)
        move = iv * math.sqrt(max(dte, 0.3) / 365.0)
        rows.append(
            {
                "ticker": asked.ticker,
                "date": asked.day.isoformat(),
                "expiry": expiry.isoformat(),
                "dte": dte,
                "volatility": f"{iv:.8f}",
                "implied_move": f"{move * spot:.4f}",
                "implied_move_perc": f"{move:.8f}",
            }
        )
    return rows


def interpolated_iv(day: VendorDay, asked: Asked) -> Rows:
    """Serve fixed horizons; percentiles are shares of the past year, as live answers have them."""
    before = _iv_history(day, asked)
    rows = []
    for days in _HORIZONS:
        iv = _atm(day, asked, days)
        below = float(np.mean(before * iv / max(_atm(day, asked, _MONTH), 1e-9) < iv))
        rows.append(
            {
                "date": asked.day.isoformat(),
                "days": days,
                "volatility": f"{iv:.6f}",
                "implied_move_perc": f"{iv * math.sqrt(days / 365.0):.6f}",
                "percentile": f"{below:.6f}",
            }
        )
    return rows


def _iv_history(day: VendorDay, asked: Asked) -> Floats:
    """Return the month's volatility of each session of the year before, oldest first: a walk around the script's."""
    bars, rng = day.history(asked.ticker), day.rng(asked.ticker, "volatility")
    level, found = 0.0, []
    for shock in rng.standard_normal(len(bars)).tolist():
        level = 0.94 * level + 0.07 * shock
        found.append(day.book(asked.ticker).script.iv * math.exp(level))
    return np.array(found)


def _rank(before: Floats, iv: float) -> float:
    low, high = float(before.min(initial=iv)), float(before.max(initial=iv))
    return 100.0 * (iv - low) / (high - low) if high > low else 50.0


def iv_rank(day: VendorDay, asked: Asked) -> Rows:
    """Serve a row a day, oldest first, the rank 0 to 100; without `timespan` five rows."""
    count = span_of(asked.query.text("timespan"), 5)
    before, bars = _iv_history(day, asked), day.history(asked.ticker)
    first = max(len(bars) - count + 1, 0)
    rows = [_ranked(bars[n], before[: n + 1], float(before[n])) for n in range(first, len(bars))]
    iv = _atm(day, asked, _MONTH)
    now = {
        "date": asked.day.isoformat(),
        "close": f"{day.market.price(asked.ticker, asked.minute):.2f}",
        "iv_rank_1y": f"{_rank(before, iv):.4f}",
        "volatility": f"{iv:.8f}",
        "updated_at": stamp(asked.minute),
    }
    return [*rows, now]


def _ranked(bar: Any, before: Floats, iv: float) -> Row:
    return {
        "date": bar.at.date().isoformat(),
        "close": str(bar.close),
        "iv_rank_1y": f"{_rank(before, iv):.4f}",
        "volatility": f"{iv:.8f}",
        "updated_at": stamp(bar.at + timedelta(hours=22, minutes=35)),
    }


def _realized(day: VendorDay, asked: Asked) -> Floats:
    """Return the volatility that was realized in the month that began with each session, NaN while it is not over."""
    closes = np.array([float(bar.close) for bar in day.history(asked.ticker)])
    moves = np.diff(np.log(closes), prepend=math.log(closes[0]))
    found = np.full(len(closes), np.nan)
    for n in range(len(closes) - _REALIZED_OVER):
        found[n] = float(np.std(moves[n + 1 : n + 1 + _REALIZED_OVER])) * math.sqrt(252)
    return found


def realized_volatility(day: VendorDay, asked: Asked) -> Rows:
    """Serve implied beside realized; of the newest thirty days nothing is realized yet: null."""
    count = span_of(asked.query.text("timeframe"), 252)
    bars, implied, realized = day.history(asked.ticker), _iv_history(day, asked), _realized(day, asked)
    rows = []
    for n in range(max(len(bars) - count, 0), len(bars)):
        is_over = not math.isnan(realized[n])
        rows.append(
            {
                "date": bars[n].at.date().isoformat(),
                "price": str(bars[n].close),
                "implied_volatility": f"{implied[n]:.8f}",
                "realized_volatility": f"{realized[n]:.8f}" if is_over else None,
                "unshifted_rv_date": bars[n + _REALIZED_OVER].at.date().isoformat() if is_over else None,
            }
        )
    return rows


def stats(day: VendorDay, asked: Asked) -> Row:
    before, iv = _iv_history(day, asked), _atm(day, asked, _MONTH)
    realized = _realized(day, asked)
    known = realized[~np.isnan(realized)]
    return {
        "ticker": asked.ticker,
        "date": asked.day.isoformat(),
        "iv": f"{iv:.6f}",
        "iv_high": f"{max(float(before.max()), iv):.6f}",
        "iv_low": f"{min(float(before.min()), iv):.6f}",
        "iv_rank": f"{_rank(before, iv):.4f}",
        "rv": f"{known[-1]:.6f}",
        "rv_high": f"{known.max():.6f}",
        "rv_low": f"{known.min():.6f}",
    }


def risk_reversal_skew(day: VendorDay, asked: Asked) -> Rows:
    """Serve put less call volatility of one expiry by day, oldest first; the present day's moves with the market."""
    delta = asked.query.choice("delta", _DELTAS)
    expiry = asked.query.day("expiry")
    if delta is None or expiry is None:
        raise BadParameter(f"{'delta' if delta is None else 'expiry'} is missing")
    if expiry not in day.expiries(asked.ticker):
        return []
    chain = day.chain(asked.ticker, asked.minute)
    of_it = np.array(chain.expiry) == expiry.isoformat()
    put, call = (
        float(chain.iv[of_it][np.argmin(np.abs(chain.delta[of_it] - wanted))])
        for wanted in (-int(delta) / 100, int(delta) / 100)
    )
    sessions = days_back(asked.day, span_of(asked.query.text("timeframe"), 252), day.market.scenario.holidays)
    noise = day.rng(asked.ticker, "skew", delta).standard_normal(len(sessions)) * 0.006
    rows = [
        {
            "ticker": asked.ticker,
            "date": then.isoformat(),
            "delta": int(delta),
            "risk_reversal": f"{put - call + n:.8f}",
        }
        for then, n in zip(sessions, noise.tolist(), strict=True)
    ]
    if asked.day == day.market.line.day:
        today = {"ticker": asked.ticker, "date": asked.day.isoformat(), "delta": int(delta)}
        rows.append({**today, "risk_reversal": f"{put - call:.8f}"})
    return [row for row in rows if str(row["date"]) <= asked.day.isoformat()]


VOLATILITY: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/stock/{ticker}/iv-rank": ServedSet(iv_rank),
        "/api/stock/{ticker}/volatility/term-structure": ServedSet(term_structure),
        "/api/stock/{ticker}/interpolated-iv": ServedSet(interpolated_iv),
        "/api/stock/{ticker}/volatility/stats": ServedSet(stats),
        "/api/stock/{ticker}/volatility/realized": ServedSet(realized_volatility),
        "/api/stock/{ticker}/historical-risk-reversal-skew": ServedSet(risk_reversal_skew, has_history=True),
    }
)
