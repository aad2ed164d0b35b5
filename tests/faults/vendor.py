"""Unusual Whales for the short days: the real feed on a transport that answers what the fault script says."""

from __future__ import annotations

import json
from datetime import datetime

from bot.engine.state.ports import Clock
from bot.feeds.sources import SourceSettings
from bot.feeds.transport import MOST_BYTES, Params, Response, TransportFailed
from bot.sim.faults.catalogue import UwAnswers
from bot.sim.faults.data_faults import divergent
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import vendor_fault
from bot.sim.uw.in_process import refuse_repeated

DATASET = "spot_gex"
SETTINGS = SourceSettings.model_validate(
    {
        "title": "Unusual Whales",
        "base_url": "http://127.0.0.1:1",
        "manners": "unusual_whales",
        "symbols": ["SPY"],
        "retry": {"base_seconds": 1, "max_seconds": 4},
        "priorities": {"critical": {"share": 60, "attempts": 3}},
        "breaker": {"failures": 4, "open_seconds": 15},
        "endpoints": [
            {
                "name": DATASET,
                "path": "/api/stock/{ticker}/spot-exposures",
                "parser": "spot_gex",
                "interval_s": 5,
                "max_age_s": 20,
                "priority": "critical",
            }
        ],
    }
)


class ScriptedVendor:
    """Implements the feed's transport. `newest` is the vendor's own time of the latest sound answer it gave."""

    def __init__(self, script: FaultScript, clock: Clock) -> None:
        self.script = script
        self._clock = clock
        self.newest: datetime | None = None

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        now = self._clock.now()
        wrong = self.script.active(UwAnswers, now)
        if wrong is not None and wrong.answer == "timeout":
            raise TransportFailed("no answer within 20 s")
        said = vendor_fault(self.script)(path, now)
        if said is not None and not isinstance(said, datetime):
            refuse_repeated(said.body, most_bytes)
            return Response(said.status, {}, said.body)
        as_of = said or now
        self.newest = max(self.newest or as_of, as_of)
        row = {"time": as_of.isoformat(), "price": "590.1", "gamma_per_one_percent_move_oi": "1000"}
        return Response(200, {}, divergent(self.script)(path, json.dumps({"data": [row]}).encode(), now))

    async def close(self) -> None:
        """Nothing is open."""
