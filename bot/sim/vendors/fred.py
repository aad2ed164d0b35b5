"""FRED: dates of releases, without a time of day and without figures."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors.almanac import economic
from bot.sim.vendors.face import VendorAsked, json_answer

_NAMES: Final = {
    10: "Consumer Price Index", 46: "Producer Price Index", 50: "Employment Situation", 53: "Gross Domestic Product",
    91: "Surveys of Consumers", 101: "FOMC Press Release", 180: "Unemployment Insurance Weekly Claims Report",
}  # fmt: skip


class Fred:
    key = "api_key"

    def __init__(self, market: UwSource) -> None:
        """The market is none of its matters."""

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        if asked.path != "/releases/dates":
            return NO_ROUTE
        today = asked.now.astimezone(NEW_YORK).date()
        first, last = _day(asked, "realtime_start", today), _day(asked, "realtime_end", today + timedelta(days=14))
        rows = self._rows(first, min(last, first + timedelta(days=60)))
        limit, offset = asked.whole("limit", 1000), asked.whole("offset", 0)
        return json_answer(
            {"realtime_start": first.isoformat(), "count": len(rows), "offset": offset, "limit": limit,
             "release_dates": rows[offset : offset + limit]}
        )  # fmt: skip

    @staticmethod
    def _rows(first: date, last: date) -> list[dict[str, Any]]:
        found = dict.fromkeys((each.release, each.day) for each in economic(first, last) if each.release)
        return [
            {"release_id": number, "release_name": _NAMES[number], "date": day.isoformat()} for number, day in found
        ]

    def refusal(self) -> VendorAnswer:
        return json_answer({"error_code": 400, "error_message": "Bad Request. Variable api_key is not set."}, 400)


def _day(asked: VendorAsked, name: str, otherwise: date) -> date:
    said = asked.query.get(name)
    return date.fromisoformat(said) if said and said < "9999" else otherwise
