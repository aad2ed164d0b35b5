"""Yahoo's summary of a company, of which the next earnings are read. Unofficial."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors.almanac import reports
from bot.sim.vendors.face import VendorAsked, json_answer


class Yahoo:
    key = ""

    def __init__(self, market: UwSource) -> None:
        """The market is none of its matters."""

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        below = "/v10/finance/quoteSummary/"
        if not asked.path.startswith(below):
            return NO_ROUTE
        symbol = asked.path.removeprefix(below)
        today = asked.now.astimezone(NEW_YORK).date()
        coming = next((each for each in reports(today, today + timedelta(days=30)) if each.symbol == symbol), None)
        if coming is None:
            error = {"code": "Not Found", "description": f"No fundamentals data found for symbol: {symbol}"}
            return json_answer({"quoteSummary": {"result": None, "error": error}}, 404)
        at = datetime.combine(coming.day, time(12 if coming.before_open else 21), UTC)
        earnings = {
            "earningsDate": [{"raw": int(at.timestamp()), "fmt": coming.day.isoformat()}],
            "earningsAverage": {"raw": coming.estimate, "fmt": f"{coming.estimate:.2f}"},
        }
        result = [{"calendarEvents": {"earnings": earnings}, "price": {"symbol": symbol}}]
        return json_answer({"quoteSummary": {"result": result, "error": None}})

    def refusal(self) -> VendorAnswer:
        return NO_ROUTE
