"""Discovery from recorded days into settings that are in force, and back to the defaults when they are too old."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import discovery
from bot.app.discovery import DiscoveryJob, discover, write
from bot.app.reloading import ReadAnew
from bot.clocks.clock import ManualClock
from bot.config.discovery import DiscoveredSettings, DiscoverySettings
from bot.config.loader import load
from bot.config.schema import Settings
from bot.domain.errors import ConfigError
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.events.market_data import BarsReceived, TradesReceived
from bot.domain.events.people import AlertRaised
from bot.domain.quotes import TradePrint
from bot.engine.switches import InForce
from tests.analytics.test_discovery import bars, walk
from tests.engine.fakes import FakeCalendar
from tests.record.days import START, Hand, a_quote, record

NEXT = date(2026, 11, 23)
MORNING = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
S = DiscoverySettings(symbols=("SPY", "QQQ", "IWM"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day with prints and minutes of SPY, quotes of QQQ alone, and nothing of IWM."""
    root = tmp_path_factory.mktemp("recordings")
    sizes = [1, 10, 120, 4000, 90_000] * 240
    tape = [TradePrint(Decimal("588.00"), size, START, exchange="Q") for size in sizes]
    events: list[Event] = [
        TradesReceived("SPY", tape),
        BarsReceived("SPY", bars(walk(200, 0.9), START)),
        *(a_quote("QQQ", 50_000 + n, START + timedelta(minutes=n)) for n in range(60)),
    ]
    record(root, events, Hand())
    return root


def _lags(found: DiscoveredSettings) -> list[int]:
    lags: list[int] = found.evidence["symbols"]["SPY"]["lookback"]["lags"]
    return lags


def test_what_was_found_is_settings_with_their_evidence_and_is_in_force_at_once(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    before = load(tmp_path, environ={})
    steps: list[tuple[int, int, str]] = []
    report = discover(recorded, S, NEXT, MORNING, lambda *step: steps.append(step))
    assert steps == [(0, 1, "2026-11-20"), (1, 1, "")]
    assert write(report, tmp_path / "config") == tmp_path / "config" / "discovered.yaml"
    anew = ReadAnew(before)
    taken: list[Settings] = []
    anew.take_live = lambda config: taken.append(config.settings)
    said = anew("cli")
    assert isinstance(said, InForce)
    found = taken[0].discovered
    assert found.parameters["SPY"].vpin_bucket == 120
    assert found.parameter("vpin_bucket", "SPY", S, MORNING) == 120
    assert found.parameter("lookback", "SPY", S, MORNING) == min(30, _lags(found)[-1])
    assert set(found.volatility) == {"SPY"}
    assert found.market_makers["Q"].toxicity == 0.0
    assert list(found.correlations) == ["QQQ SPY"]
    assert found.evidence["symbols"]["SPY"]["vpin_bucket"]["prints"] == 1200
    assert found.evidence["symbols"]["IWM"]["vpin_bucket"]["why"] == "0 prints, 1000 are needed"
    assert found.evidence["symbols"]["QQQ"]["lookback"]["why"] == "60 bars, 100 are needed"
    assert found.evidence["days"] == ["2026-11-20"]
    assert anew.running.version != before.version, "it is a config version of its own"
    assert json.loads(anew.running.text)["settings"]["discovered"]["evidence"]["days"] == ["2026-11-20"]


def test_what_is_too_old_or_outside_the_bounds_of_today_is_not_used(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    write(discover(recorded, S, NEXT, MORNING), tmp_path / "config")
    found = load(tmp_path, environ={}).settings.discovered
    assert found.parameter("vpin_bucket", "SPY", S, MORNING + timedelta(hours=23)) == 120
    assert found.parameter("vpin_bucket", "SPY", S, MORNING + timedelta(hours=24)) is None
    assert found.parameter("vpin_bucket", "SPY", S, MORNING - timedelta(hours=1)) is None, "a clock that was set back"
    narrower = DiscoverySettings(vpin_bucket_most=110)
    assert found.parameter("vpin_bucket", "SPY", narrower, MORNING) is None
    assert found.parameter("vpin_bucket", "IWM", S, MORNING) is None


@pytest.mark.parametrize(
    "change,place",
    [({"parameters": {"SPY": {"vpin_bucket": 5000}}}, "parameters.SPY.vpin_bucket"),
     ({"correlations": {"A B": 1.5}}, "correlations.A B"), ({"volatility": {"SPY": {"low": 2, "high": 1}}}, "low"),
     ({"timestamp": "2026-11-23T09:00:00"}, "timestamp"), ({"surprise": 1}, "surprise")],
)  # fmt: skip
def test_a_file_that_somebody_bent_is_refused_by_name(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    (tmp_path / "config").mkdir()
    tree = {"timestamp": MORNING.isoformat(), **change}
    (tmp_path / "config" / "discovered.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, environ={})
    assert "config/discovered.yaml" in str(refused.value)
    assert place in str(refused.value)


def test_before_the_first_recorded_day_nothing_is_found_and_nothing_written(recorded: Path, tmp_path: Path) -> None:
    report = discover(recorded, S, date(2026, 11, 20), MORNING)
    assert (report.days, report.found, write(report, tmp_path)) == ((), 0, None)
    assert list(tmp_path.iterdir()) == []
    assert "no recorded day" in discovery.in_words(report, None)


def settings(**more: Any) -> Settings:
    return Settings.model_validate({"mode": "paper", "discovery": {"symbols": ["SPY"], **more}})


def job(told: list[Event], used: Settings, folder: Path) -> DiscoveryJob:
    return DiscoveryJob(folder, lambda: used, ManualClock(MORNING), FakeCalendar(), told.append)


def test_it_is_due_in_the_hour_after_its_moment_of_a_session_and_never_in_sim(tmp_path: Path) -> None:
    found = job([], settings(), tmp_path)
    assert not found.is_due(MORNING - timedelta(minutes=1))
    assert found.is_due(MORNING)
    assert not found.is_due(MORNING + timedelta(hours=1)), "left out: the session has begun"
    assert not job([], Settings(), tmp_path).is_due(MORNING)
    assert not job([], settings(enabled=False), tmp_path).is_due(MORNING)


@pytest.mark.slow
async def test_the_job_runs_apart_tells_what_it_refused_and_a_failure_once(recorded: Path, tmp_path: Path) -> None:
    told: list[Event] = []
    used = settings(vpin_bucket_most=110)
    used = used.model_copy(update={"engine": used.engine.model_copy(update={"record_dir": str(recorded)})})
    found = job(told, used, tmp_path)
    await found.discover(MORNING)
    assert not found.is_due(MORNING + timedelta(minutes=5))
    ran = [each for each in told if isinstance(each, JobRan)]
    assert [(each.name, each.state) for each in ran] == [("discovery", "done")]
    (refused,) = [each for each in told if isinstance(each, AlertRaised)]
    assert (refused.code, refused.facts["evidence"]["refused"]) == ("DISCOVERY_REFUSED", 120)
    assert "SPY" in yaml.safe_load((tmp_path / "discovered.yaml").read_text())["volatility"]
    told.clear()
    failing = job(told, used, tmp_path / "gone")
    await failing.discover(MORNING)
    assert [type(each).__name__ for each in told] == ["JobRan", "AlertRaised"]
    assert not failing.is_due(MORNING + timedelta(minutes=9)), "it waits before it tries again"
    assert failing.is_due(MORNING + timedelta(minutes=10))
