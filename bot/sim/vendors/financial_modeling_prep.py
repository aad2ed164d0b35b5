"""Financial Modeling Prep: the calendar of earnings."""

from __future__ import annotations

from datetime import date

from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors.almanac import reports
from bot.sim.vendors.face import VendorAsked, json_answer


class FinancialModelingPrep:
    key = "apikey"

    def __init__(self, market: UwSource) -> None:
        """The market is none of its matters."""

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        if asked.path != "/stable/earnings-calendar":
            return NO_ROUTE
        try:
            first, last = date.fromisoformat(asked.query["from"]), date.fromisoformat(asked.query["to"])
        except (KeyError, ValueError):
            return json_answer({"Error Message": "Invalid or missing query parameter - from, to"}, 400)
        today = asked.now.astimezone(NEW_YORK).date()
        rows = [
            {"symbol": each.symbol, "date": each.day.isoformat(), "lastUpdated": today.isoformat(),
             "epsActual": each.actual if each.day < today else None, "epsEstimated": each.estimate,
             "revenueActual": None, "revenueEstimated": None}
            for each in reports(first, last)
        ]  # fmt: skip
        return json_answer(rows)

    def refusal(self) -> VendorAnswer:
        return json_answer({"Error Message": "Invalid API KEY. Feel free to create a Free API Key."}, 401)
