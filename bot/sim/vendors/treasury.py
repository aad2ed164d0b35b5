"""The Treasury's list of coming auctions, public: no key."""

from __future__ import annotations

from datetime import timedelta

from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors.almanac import auctions
from bot.sim.vendors.face import VendorAsked, json_answer


class Treasury:
    key = ""

    def __init__(self, market: UwSource) -> None:
        """The market is none of its matters."""

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        if not asked.path.endswith("/upcoming_auctions"):
            return NO_ROUTE
        today = asked.now.astimezone(NEW_YORK).date()
        rows = [
            {"record_date": today.isoformat(), "security_type": each.security, "security_term": each.term,
             "reopening": "No", "cusip": "912797XX0", "offering_amt": str(each.billions * 10**9),
             "announcemt_date": (each.day - timedelta(days=4)).isoformat(), "auction_date": each.day.isoformat(),
             "issue_date": (each.day + timedelta(days=3)).isoformat()}
            for each in auctions(today, today + timedelta(days=14))
        ]  # fmt: skip
        return json_answer({"data": rows, "meta": {"count": len(rows)}, "links": {}})

    def refusal(self) -> VendorAnswer:
        return NO_ROUTE
