"""What is going to happen: releases of this and the next week, earnings, decisions of the FDA."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from bot.sim.scenario import Release, ReportToday
from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.rows import Row, stamp
from bot.sim.uw.sets.day import COMPANIES, Asked, Rows, ServedSet, VendorDay, days_back

_WEEK: Final[tuple[tuple[int, str, str, str, str | None, str | None], ...]] = (
    (0, "10:00", "ISM manufacturing", "report", "48.6", "48.3"),
    (1, "10:00", "Consumer confidence", "report", "104.2", "103.1"),
    (1, "12:30", "* Fed governor speaks", "fed-speaker", None, None),
    (2, "08:30", "Consumer price index", "report", "0.2%", "0.2%"),
    (2, "14:00", "Minutes of Fed's meeting", "fomc", None, None),
    (3, "08:30", "Initial jobless claims", "report", "223,000", "221,000"),
    (3, "08:30", "Producer price index", "report", "0.1%", "0.0%"),
    (4, "08:30", "U.S. employment report", "report", "160,000", "12,000"),
    (4, "10:00", "Consumer sentiment (final)", "report", "69.4", ""),
)
_QUARTER: Final = timedelta(days=91)
_SESSIONS_TO_EARNINGS: Final = 15
_NOT_COMPANIES: Final = frozenset({"SPX", "NDX", "RUT", "VIX", "SPY", "QQQ", "IWM", "VXX"})


def economic_calendar(day: VendorDay, asked: Asked) -> Rows:
    monday = asked.day - timedelta(days=asked.day.weekday())
    rows = []
    for week in range(2):
        for weekday, at, event, kind, forecast, before in _WEEK:
            on = monday + timedelta(days=weekday + 7 * week)
            moment = datetime.combine(on, time.fromisoformat(at), NEW_YORK)
            rows.append(
                {
                    "time": stamp(moment), "event": event, "type": kind, "forecast": forecast, "prev": before,
                    "reported_period": on.strftime("%B"),
                }
            )  # fmt: skip
    return rows + _released(day)


def _released(day: VendorDay) -> Rows:
    """Return the releases that the day's script has, each once, whatever number of underlyings moves with it."""
    market = day.market
    acts = [act for symbol in day.symbols() for act in market.scenario.symbols[symbol].acts if isinstance(act, Release)]
    named = {(act.at, act.name) for act in acts}
    return [
        {
            "time": stamp(datetime.combine(market.line.day, at, NEW_YORK)), "event": name, "type": "report",
            "forecast": None, "prev": None, "reported_period": market.line.day.strftime("%B"),
        }
        for at, name in sorted(named)
    ]  # fmt: skip


def companies(day: VendorDay) -> list[str]:
    return [*COMPANIES, *(each for each in day.symbols() if each not in {*_NOT_COMPANIES, *COMPANIES})]


def next_report(day: VendorDay, symbol: str) -> tuple[date, str]:
    """Return when a company reports next, within three weeks, and at which end of that day; today where the script of
    the day says so."""
    script = day.market.scenario.symbols.get(symbol)
    said = next((act for act in script.acts if isinstance(act, ReportToday)), None) if script is not None else None
    if said is not None:
        return day.market.line.day, said.when
    draw = int(day.rng(symbol, "earnings").integers(0, 1000))
    on = day.market.line.day + timedelta(days=draw % _SESSIONS_TO_EARNINGS)
    on += timedelta(days=max(0, on.weekday() - 4) and 7 - on.weekday())
    return on, "premarket" if draw % 2 else "postmarket"


def _earnings_of(when: str) -> ServedSet:
    def rows(day: VendorDay, asked: Asked) -> Rows:
        due = [each for each in companies(day) if next_report(day, each) == (asked.day, when)]
        found = [_report(symbol, day.price_of(symbol), asked.day, when) for symbol in due]
        found += [_report(f"Q{when[:2].upper()}{letter}", 20.0, asked.day, when) for letter in "ABC"]
        return found[asked.query.page(default=50, most=100)]

    return ServedSet(rows)


def _report(symbol: str, price: float, on: date, when: str) -> Row:
    """Some small companies report on any day."""
    is_small = symbol not in COMPANIES
    move = 0.09 if is_small else 0.045
    return {
        "symbol": symbol,
        "report_date": on.isoformat(),
        "report_time": when,
        "full_name": symbol,
        "expected_move": f"{price * move:.2f}",
        "expected_move_perc": f"{move:.4f}",
        "street_mean_est": "2.25",
        "actual_eps": None,
        "reaction": None,
        "pre_earnings_close": None,
        "pre_earnings_date": None,
        "post_earnings_close": None,
        "post_earnings_date": None,
        "ending_fiscal_quarter": (on - timedelta(days=30)).isoformat(),
        "has_options": not is_small,
        "is_s_p_500": not is_small,
        "source": "estimation" if is_small else "company",
        "sector": None,
        "marketcap": None,
        "continent": "North America",
        "country_code": "US",
        "country_name": "UNITED STATES",
    }


def earnings_history(day: VendorDay, asked: Asked) -> Rows:
    """Serve the next report, with nulls, and two years before it; a fund has none."""
    if asked.ticker not in companies(day):
        return []
    on, when = next_report(day, asked.ticker)
    rng = day.rng(asked.ticker, "earnings before")
    rows = [_history_row(on, when, None)]
    for number in range(1, 9):
        then = days_back(on - number * _QUARTER, 1, day.market.scenario.holidays)[0]
        rows.append(_history_row(then, when, rng.standard_normal(3).tolist()))
    return rows


def _history_row(on: date, when: str, moves: list[float] | None) -> Row:
    def move(scale: float, place: int) -> str | None:
        return None if moves is None else f"{moves[place] * scale:.4f}"

    straddle = None if moves is None else abs(moves[0]) * 0.05 - 0.045
    return {
        "report_date": on.isoformat(),
        "report_time": when,
        "source": "company",
        "ending_fiscal_quarter": (on - timedelta(days=30)).isoformat(),
        "street_mean_est": "2.25",
        "actual_eps": None if moves is None else f"{2.25 + moves[0] / 10:.2f}",
        "expected_move": "9.91",
        "expected_move_perc": "0.0450",
        "post_earnings_move_1d": move(0.05, 0),
        "post_earnings_move_3d": move(0.06, 0),
        "post_earnings_move_1w": move(0.07, 0),
        "post_earnings_move_2w": move(0.08, 0),
        "pre_earnings_move_1d": move(0.01, 1),
        "pre_earnings_move_3d": move(0.02, 1),
        "pre_earnings_move_1w": move(0.03, 1),
        "pre_earnings_move_2w": move(0.04, 1),
        "long_straddle_1d": None if straddle is None else f"{straddle:.4f}",
        "long_straddle_1w": move(0.05, 2),
        "short_straddle_1d": None if straddle is None else f"{-straddle:.4f}",
        "short_straddle_1w": move(-0.05, 2),
    }


def fda_calendar(day: VendorDay, asked: Asked) -> Rows:
    """Serve decisions in their live form: some targets are no day."""
    first = asked.day + timedelta(days=5)
    targets = (first.isoformat(), f"{first.year + 1}-Q1", f"{first.year + 1}-MID")
    return [
        {
            "ticker": f"PHM{chr(65 + number)}",
            "drug": f"Compound {number + 1}",
            "event_type": ("PDUFA Date", "Phase 3 data", "Advisory committee")[number % 3],
            "indication": "Oncology",
            "status": ("NDA", "Phase 3", "BLA")[number % 3],
            "start_date": (first + timedelta(days=11 * number)).isoformat(),
            "end_date": (first + timedelta(days=11 * number + (number % 2) * 30)).isoformat(),
            "target_date": targets[number % 3],
            "description": "A decision that is due",
            "outcome": None,
            "notes": None,
            "has_options": True,
            "marketcap": None,
            "source_type": "company",
            "time": None,
            "created_at": stamp(day.market.session_open()),
            "updated_at": stamp(day.market.session_open()),
        }
        for number in range(9)
    ]


CALENDAR: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/market/economic-calendar": ServedSet(economic_calendar),
        "/api/market/fda-calendar": ServedSet(fda_calendar),
        "/api/earnings/premarket": _earnings_of("premarket"),
        "/api/earnings/afterhours": _earnings_of("postmarket"),
        "/api/earnings/{ticker}": ServedSet(earnings_history, of_companies=True),
    }
)
