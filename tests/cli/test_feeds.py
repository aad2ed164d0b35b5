"""`feeds` on a store as a bot leaves it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bot.domain.alert import Alert
from bot.domain.events.feeds import EndpointReported, FeedReported
from bot.domain.kinds import Entities
from bot.engine.state.records import TickBatch
from tests.cli.small_store import NOW, Call, pulse, write

REFUSED = "an edit of the settings is refused, the old ones run on: config/sources/acme.yaml line 9: interval_s"


def fed() -> TickBatch:
    feed = FeedReported(
        "acme", "rates", "*", "ok", NOW - timedelta(seconds=130), "", 9, 1, 0, 120.0, 30, 250, NOW,
        "ok", NOW + timedelta(seconds=20), "other", "background",
    )  # fmt: skip
    took = EndpointReported("acme", "rates", NOW.date(), 9, 1, Decimal("0.45"), "closed", 0, None, NOW)
    refused = Alert("01A", "SETTINGS_REFUSED", "warning", REFUSED, {}, NOW)
    return TickBatch(
        8, NOW, status=pulse(), feeds={("acme", "rates", "*"): feed},
        endpoints={("acme", "rates", NOW.date()): took}, changed=Entities([refused]),
    )  # fmt: skip


def test_each_data_set_has_its_age_against_the_limit_its_cost_and_whose_rows_are_in_use(
    call: Call, database: Path
) -> None:
    asyncio.run(write(f"sqlite+aiosqlite:///{database}", fed()))
    told = call("feeds", "--json")
    assert told.exit_code == 0, told.output + repr(told.exception)
    shown = json.loads(told.stdout)
    (row,) = shown["feeds"]
    assert (row["age_s"], row["max_age_s"], row["calls_today"], row["errors_today"]) == (130.0, 120.0, 9, 1)
    assert (row["cost_today"], row["source"], row["outcome"], row["breaker"]) == ("0.45", "other", "ok", "closed")
    assert shown["settings_refused"] == REFUSED
    words = call("feeds").stdout
    assert REFUSED in words
    assert call("feeds", "--csv").stdout.startswith("feed,dataset,key")
