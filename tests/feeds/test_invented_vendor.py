"""A vendor that nobody has heard of: its file is dropped in while the feeds run, and broken afterwards."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.app.settings_watch import SettingsWatch
from bot.clocks.clock import ManualClock
from bot.config.loader import LoadedConfig, load
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.domain.events.people import AlertRaised
from bot.engine.state.board import Board
from bot.feeds.feeds import Feeds, over_http
from bot.feeds.probe import probe
from bot.feeds.sources import DataSources
from tests.feeds.uw_site import NOON, OneDay

VENDOR = """
title: Acme Rates
base_url: http://127.0.0.1:{port}
auth: {{by: header, name: X-Acme, env: ACME_API_KEY}}
symbols: [SPY]
endpoints:
  - name: acme_rates
    path: /rates/{{today}}
    interval_s: 60
    max_age_s: 120
    priority: background
    reader:
      rows: payload.rates
      time: at
      identity: [tenor]
      calculate_deltas: [rate]
      delta_by: [tenor]
      fields:
        tenor: {{path: tenor, needed: true}}
        rate: {{path: quote.mid, type: number, unit: percent, needed: true}}
        at: {{path: as_of, type: time}}
"""


class Acme:
    """Serves its rates; `asked` has what came in."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.rate = 4.25

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("X-Acme", "")))
        rates = [{"tenor": "10Y", "quote": {"mid": self.rate}, "as_of": "2026-11-20T16:59:00Z", "venue": "x"}]
        return web.json_response({"payload": {"rates": [*rates, {"tenor": "2Y"}]}})


@pytest.fixture
async def acme() -> AsyncIterator[tuple[Acme, int]]:
    vendor, app = Acme(), web.Application()
    app.router.add_get("/{path:.*}", vendor.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield vendor, int(runner.addresses[0][1])
    await runner.cleanup()


class Running:
    """Feeds and a watch over the settings of a folder, as a run has them."""

    def __init__(self, root: Path) -> None:
        (root / "config").mkdir(exist_ok=True)
        self.root, self.clock, self.events = root, ManualClock(NOON), list[Event]()
        config = load(root, environ={"ACME_API_KEY": "acme-secret-1"})
        self.feeds = Feeds(DataSources({}), self.clock, OneDay(), self.events.append, over_http(lambda env: "k"))
        self.watch = SettingsWatch(config, self._take, self.clock, self.events.append)

    async def _take(self, sources: DataSources, config: LoadedConfig) -> None:
        await self.feeds.take(sources, lambda variable: f"secret of {variable}")

    async def edit(self, written: str | None) -> None:
        path = self.root / "config" / "sources" / "acme.yaml"
        path.parent.mkdir(exist_ok=True)
        if written is None:
            path.unlink()
        else:
            path.write_text(written, encoding="utf-8")
        await self.watch.look()

    async def poll(self, after_s: float = 0) -> list[DatumReceived]:
        before = len(self.events)
        self.clock.advance(after_s)
        await self.feeds.poll_once(self.clock.now())
        return [each for each in self.events[before:] if isinstance(each, DatumReceived)]

    def told(self, code: str) -> list[str]:
        return [each.text for each in self.events if isinstance(each, AlertRaised) and each.code == code]


async def test_it_is_dropped_in_read_by_name_broken_mended_and_taken_out(
    acme: tuple[Acme, int], tmp_path: Path
) -> None:
    vendor, port = acme
    running, written = Running(tmp_path), VENDOR.format(port=port)
    assert not await running.poll()
    await running.edit(written)
    (came,) = await running.poll()
    assert vendor.asked == [("/rates/2026-11-20", "secret of ACME_API_KEY")]
    assert (came.dataset, came.key, came.source) == ("acme_rates", "*", "acme")

    board = Board()
    board.apply_datum(came)
    datum = board.datum("acme_rates", "*")
    assert datum is not None
    (row,) = datum.value
    assert (row["tenor"], row["rate"], datum.source) == ("10Y", 4.25, "acme")
    assert datum.age_s(running.clock.now()) == 60
    reports = [each for each in running.events if isinstance(each, FeedReported)]
    assert (reports[-1].outcome, reports[-1].dropped) == ("rows_dropped", 1)

    await running.edit(written.replace("interval_s: 60", "interval_s: -1"))
    (refused,) = running.told("SETTINGS_REFUSED")
    assert "config/sources/acme.yaml line 9" in refused
    assert "interval_s = -1 must be a number, above 0" in refused
    await running.watch.look()
    assert len(running.told("SETTINGS_REFUSED")) == 1, "told once"
    vendor.rate = 4.5
    (again,) = await running.poll(after_s=3600)
    assert again.value[0]["rate"] == 4.5, "the old settings run on"

    await running.edit(written.replace("interval_s: 60", "interval_s: 30"))
    target = running.feeds.pollers["acme"].target_of("acme_rates", "*")
    assert target is not None
    assert target.last_success_at == running.clock.now(), "what is fresh stays"
    await running.edit(None)
    assert not running.feeds.pollers
    assert [each.state for each in running.events if isinstance(each, FeedReported)][-1] == "removed"


async def test_one_live_call_says_what_is_missing_new_and_of_another_type(
    acme: tuple[Acme, int], tmp_path: Path
) -> None:
    _, port = acme
    running = Running(tmp_path)
    written = VENDOR.format(port=port).replace("quote.mid", "quote.last").replace("path: as_of", "path: venue")
    await running.edit(written)
    poller = running.feeds.pollers["acme"]
    (endpoint,) = poller.settings.endpoints
    found = await probe("acme", poller.settings, endpoint, poller.transport, OneDay(), NOON + timedelta(seconds=1))
    assert (found.rows, found.missing, found.new) == (2, ("quote.last",), ("as_of",))
    assert not found.is_sound
    await running.feeds.stop()
    assert json.dumps(found.asked) == '"/rates/2026-11-20"'
