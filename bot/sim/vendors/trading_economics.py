"""Trading Economics: events with importance, forecast, previous and, once they are over, actual."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final

from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors.almanac import Scheduled, economic
from bot.sim.vendors.face import VendorAsked, json_answer

_PATH: Final = re.compile(r"/calendar/country/([^/]+)/(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)")
_COUNTRIES: Final = {"US": "United States", "EU": "Euro Area", "JP": "Japan", "GB": "United Kingdom"}


class TradingEconomics:
    key = "Authorization"

    def __init__(self, market: UwSource) -> None:
        """The market is none of its matters."""

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        found = _PATH.fullmatch(asked.path)
        if found is None:
            return NO_ROUTE
        wanted = {name.strip().lower() for name in found[1].replace("%20", " ").split(",")}
        events = economic(date.fromisoformat(found[2]), date.fromisoformat(found[3]))
        rows = [_row(each, asked.now) for each in events]
        return json_answer([row for row in rows if "all" in wanted or row["Country"].lower() in wanted])

    def refusal(self) -> VendorAnswer:
        return VendorAnswer(401, b'"Unauthorized"', "text/plain")


def _row(each: Scheduled, now: datetime) -> dict[str, Any]:
    """Its own consensus of payrolls is another one: calendars do differ."""
    forecast = each.forecast + 5 if each.kind == "nfp" and each.forecast is not None else each.forecast
    country = _COUNTRIES[each.country]
    return {
        "CalendarId": f"{each.day:%Y%m%d}{each.kind}", "Date": f"{each.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "Country": country, "Category": each.name, "Event": each.name, "Reference": f"{each.day:%b}",
        "Actual": each.figure(each.actual) if each.at <= now else "", "Previous": each.figure(each.previous),
        "Forecast": each.figure(forecast), "TEForecast": each.figure(forecast), "DateSpan": "0",
        "Importance": each.importance, "LastUpdate": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "Unit": each.unit,
    }  # fmt: skip
