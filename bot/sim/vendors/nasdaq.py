"""Nasdaq's calendar of earnings, a day a call, public: no key."""

from __future__ import annotations

from datetime import date
from typing import Any

from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors.almanac import CompanyReport, reports
from bot.sim.vendors.face import VendorAsked, json_answer


class Nasdaq:
    key = ""

    def __init__(self, market: UwSource) -> None:
        """The market is none of its matters."""

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        if asked.path != "/api/calendar/earnings":
            return NO_ROUTE
        try:
            day = date.fromisoformat(asked.query.get("date", ""))
        except ValueError:
            return json_answer({"data": None, "message": None, "status": {"rCode": 400}})
        rows = [_row(each) for each in reports(day, day)]
        data = {"asOf": f"{day:%a, %b} {day.day}, {day.year}", "headers": {}, "rows": rows}
        return json_answer({"data": data, "message": None, "status": {"rCode": 200, "bCodeMessage": None}})

    def refusal(self) -> VendorAnswer:
        return NO_ROUTE


def _row(each: CompanyReport) -> dict[str, Any]:
    """Its estimate for one of the companies is another one, and of one it does not know the session."""
    estimate = each.estimate + 0.02 if each.symbol == "WMT" else each.estimate
    session = "time-pre-market" if each.before_open else "time-after-hours"
    return {
        "time": "time-not-supplied" if each.symbol == "PLTR" else session, "symbol": each.symbol, "name": each.name,
        "marketCap": "$1,000,000,000", "fiscalQuarterEnding": f"{each.day:%b/%Y}", "epsForecast": f"${estimate:.2f}",
        "noOfEsts": "12", "lastYearRptDt": "N/A", "lastYearEPS": "$0.90",
    }  # fmt: skip
