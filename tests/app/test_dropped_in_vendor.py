"""Must be shown: a vendor that nobody has heard of is dropped in while a whole bot runs; its rows reach the store, and
command line and page read them; its file is broken, the old one runs on, and both say why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web
from flask.testing import FlaskClient
from typer.testing import CliRunner

from bot.app.settings_watch import SettingsWatch
from bot.cli.main import app
from bot.clocks.clock import ManualClock
from bot.config.loader import LoadedConfig, load
from bot.domain.actors import Roster
from bot.feeds.feeds import Feeds, over_http
from bot.feeds.sources import DataSources
from bot.web.access import AccessRules
from bot.web.app import create_app
from bot.web.logins import Doorkeeper
from bot.web.store_reader import StoreAddress, StoreReader
from tests.config.minute import Minute
from tests.faults.day import a_store

VENDOR = """
title: Acme Rates
base_url: http://127.0.0.1:{port}
endpoints:
  - name: acme_rates
    path: /rates
    interval_s: 5
    max_age_s: 600
    reader:
      rows: rates
      identity: [tenor]
      fields:
        tenor: {{path: tenor, needed: true}}
        rate: {{path: mid, type: number, unit: percent, needed: true}}
"""


class Acme:
    def __init__(self) -> None:
        self.rate = 4.25

    async def answer(self, request: web.Request) -> web.Response:
        return web.json_response({"rates": [{"tenor": "10Y <b>", "mid": self.rate}]})


class Living(Minute):
    """A bot whose settings are watched; its data come over sockets."""

    def __init__(self, config: LoadedConfig, database: Path) -> None:
        super().__init__(config, database)
        transports = over_http(lambda variable: "k")
        self.own_feed = Feeds(DataSources({}), self.clock, self.calendar, self._hear, transports)
        self.watch = SettingsWatch(config, self._take, self.clock, self._hear)

    async def _take(self, sources: DataSources, config: LoadedConfig) -> None:
        await self.own_feed.take(sources)

    async def after(self, written: str, path: Path, seconds: int = 8) -> None:
        """Have the file edited, and live on for a while."""
        path.write_text(written, encoding="utf-8")
        await self.watch.look()
        for _ in range(seconds):
            await self.step()


def told(url: str, monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> str:
    monkeypatch.setenv("QUANTICITY_HOME", str(root))
    monkeypatch.setenv("QUANTICITY__DATABASE__URL", url)
    return CliRunner().invoke(app, ["feeds", *arguments]).stdout


def a_page(url: str, clock: ManualClock) -> FlaskClient:
    keeper = Doorkeeper("", 3600, clock.monotonic)
    rules = AccessRules("127.0.0.1", login_link=True, roster=Roster.of([]))
    return create_app(StoreReader(StoreAddress(url, "sim"), clock), keeper, rules).test_client()


async def test_its_rows_are_read_and_a_broken_edit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acme, server = Acme(), web.Application()
    server.router.add_get("/rates", acme.answer)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    written = VENDOR.format(port=runner.addresses[0][1])
    path = tmp_path / "config" / "sources" / "acme.yaml"
    path.parent.mkdir(parents=True)
    with a_store() as database:
        world = Living(load(tmp_path, environ={}), database)
        page = a_page(world.url, ManualClock(world.clock.now()))
        await world.come_back()
        await world.after(written, path)
        (found,) = json.loads(told(world.url, monkeypatch, tmp_path, "rows", "acme_rates", "--json"))
        assert (found["source"], found["rows"]) == ("acme", [{"tenor": "10Y <b>", "rate": 4.25}])
        seen = page.get("/feeds/acme_rates").get_data(as_text=True)
        assert "4.25" in seen
        assert "10Y &lt;b&gt;" in seen, "what a vendor says is data"
        assert page.get("/feeds/acme_rates.json").get_json()["sets"][0]["rows"] == [["10Y <b>", 4.25]]

        acme.rate = 4.5
        await world.after(written.replace("interval_s: 5", "interval_s: soon"), path)
        (found,) = json.loads(told(world.url, monkeypatch, tmp_path, "rows", "acme_rates", "--json"))
        assert found["rows"] == [{"tenor": "10Y <b>", "rate": 4.5}], "the old file runs on"
        why = "config/sources/acme.yaml line 7: endpoints[0].interval_s = 'soon' must be a number"
        assert why in told(world.url, monkeypatch, tmp_path)
        assert why.replace("'", "&#39;") in page.get("/feeds").get_data(as_text=True)
        await world.own_feed.stop()
        await world.engine.stop("it is over")
        await world.die("the end")
    await runner.cleanup()
