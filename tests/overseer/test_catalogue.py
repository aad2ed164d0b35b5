"""Every kind of the catalogue of faults: which rule of the overseer sees it, or why none can. Each that they can see is
played in one replayed morning with a position, is told within a minute of being visible, and ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from bot.app import replayed_day
from bot.config.loader import load
from bot.config.schema import Settings
from bot.domain.calendar import NEW_YORK
from bot.overseer.rules import RULES
from bot.overseer.service import Overseer
from bot.sim.faults.catalogue import KINDS
from bot.sim.scenario import Scenario, load_scenario
from tests.overseer.site import Told
from tests.overseer.test_service import Ground

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60
HEARD_S = 1
"""A replayed venue says what happened with its next second."""


@dataclass(frozen=True)
class Case:
    """A fault, and the alert that tells of it; `visible_s`: until what it spoils is older than it may become."""

    fault: dict[str, Any]
    code: str
    visible_s: float = 0.0

    @property
    def begins(self) -> time:
        return time.fromisoformat(self.fault["at"])


_SYNC_S: Final = 300 + 60
PLAYED: Final = (
    Case({"kind": "orders_lost", "at": "10:00", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
    Case({"kind": "competing", "at": "10:03", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
    Case({"kind": "cash", "at": "10:06", "amount": "-6000"}, "OVERSEER_EQUITY_JUMP"),
    Case({"kind": "by_hand", "at": "10:08", "does": "sell_part"}, "OVERSEER_BOOK_DIFFERS"),
    Case({"kind": "dead_farm", "at": "10:10", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
    Case({"kind": "restart", "at": "10:13", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
    Case({"kind": "uw", "at": "10:16", "for_seconds": 240, "answer": "empty"}, "OVERSEER_DATA_STALE", 90),
    Case({"kind": "mute", "at": "10:21", "for_seconds": 480}, "OVERSEER_BOOK_OLD", _SYNC_S),
)
"""At times when the day's first position is held, and what one fault spoiled is well again before the next."""
UNTIL = time(10, 33)

_DOUBT: Final = "an order left in doubt is the rule in_doubt's, played in tests/overseer/test_rules.py"
_SOON_WELL: Final = "the reconciler has the truth within seconds, before anything lasts long enough for a rule"
_PRICES: Final = "a price that is none is the board's: nothing is decided on it; no rule reads prices"
_PLAIN: Final = "nothing is wrong afterwards: the engine counts, orders and matches as ever"
UNSEEN: Final = {
    "drop": _DOUBT, "delay": _SOON_WELL, "duplicate": _PLAIN, "reorder": _PLAIN, "commission_first": _PLAIN,
    "lose_order": _DOUBT, "reject": "the engine tells of each refusal itself", "short_book": _SOON_WELL,
    "partial_fills": _PLAIN, "slow_cancel": _DOUBT, "id_reset": _PLAIN, "bad_quotes": _PRICES, "wild_print": _PRICES,
    "dead_line": _PRICES, "correction": _PLAIN, "unappliable": "FACT_FAULT is the engine's own",
    "strangers": "what is not ours is shown and told by the reconciler (FOREIGN_...)",
    "clock_jump": "the engine's clocks are compared in each tick (CLOCK_...); the rules live by its time",
    "hours": "trading hours that differ are the engine's (HOURS_...)",
    "bad_frame": "a venue in the process has no socket",
    "delayed": _PRICES, "bars_refused": _PRICES, "tape_gap": _PRICES, "halt": _PRICES, "depth_word": _PRICES,
    "fewer_lines": _PRICES, "words": _PLAIN, "farm": "a farm's word alone changes nothing; dead_farm is played",
    "part_of_line": _PRICES, "account_says": "an account that is not to be believed is not read: EQUITY_STALE is told",
}  # fmt: skip


def test_every_kind_of_fault_is_seen_by_a_rule_or_has_its_reason() -> None:
    played = {case.fault["kind"] for case in PLAYED}
    assert played & set(UNSEEN) == set()
    assert played | set(UNSEEN) == {kind.strip() for kind in KINDS.split(",")}
    assert {case.code for case in PLAYED} <= {rule.code for rule in RULES}


@pytest.fixture
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_faults(name: str) -> Scenario:
        day = load_scenario(name).model_dump()
        return Scenario.model_validate({**day, "faults": [case.fault for case in PLAYED]})

    monkeypatch.setattr(replayed_day, "load_scenario", with_faults)
    monkeypatch.setattr(replayed_day, "_STATUS_EVERY_S", 5.0)  # as often as a run at five times the pace writes it


@pytest.mark.slow
async def test_each_fault_that_the_rules_can_see_is_told_within_a_minute(morning: None, tmp_path: Path) -> None:
    config, told = load(ROOT, {"sim.state_dir": str(tmp_path)}, {}), Told()
    url = f"sqlite+aiosqlite:///{tmp_path / 'm.db'}"
    settings = Settings.model_validate({"database": {"url": url}, "overseer": {"model": ""}})
    heard: list[tuple[datetime, str]] = []
    async with replayed_day.open_desk(config, "demo", 3, tmp_path / "m.db", quiet=True) as desk:
        overseer = Overseer(Ground(settings, told, desk.clock), None)
        while desk.clock.now().astimezone(NEW_YORK).time() < UNTIL:
            before = len(told.alerts)
            await desk.run_until(desk.clock.now() + timedelta(seconds=settings.overseer.every_s))
            await overseer.look()
            heard += [(desk.clock.now(), code) for code in told.alerts[before:]]
    for case in PLAYED:
        at = datetime.combine(desk.session.day, case.begins, NEW_YORK)
        first = min((when for when, code in heard if code == case.code and when >= at), default=None)
        assert first is not None, case
        assert first - at <= timedelta(seconds=case.visible_s + WITHIN_S + HEARD_S), (case, first)
    over = told.alerts.count("OVERSEER_OVER")
    assert over == len(told.alerts) - over, "what began is over, and nothing else was told"
