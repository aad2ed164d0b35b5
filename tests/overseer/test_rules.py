"""Each rule by itself: quiet facts have no finding, one thing that is wrong has one, from its threshold on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.overseer import WatchSettings
from bot.domain.notices import REGISTER
from bot.domain.notices.ends import LASTING
from bot.overseer.facts import FeedAge
from bot.overseer.rules import RULES, findings
from bot.store.read.money import Slippage
from bot.store.read.overseer import BarePosition, DoubtfulOrder, EquityPoint, SignalRate
from bot.store.read.reconciliations import LastingDifference
from tests.overseer.facts import ago, quiet

WATCH = WatchSettings()
KEY = "SPY   261120C00590000"
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "OVERSEER_DATA_STALE",
        {"feeds": (FeedAge("spot_gex", "SPY", "open", 91),)},
        {"feeds": (FeedAge("spot_gex", "SPY", "ok", 90),)},
    ),
    (
        "OVERSEER_DATA_STALE",
        {"feeds": (FeedAge("spot_gex", "SPY", "ok", 5, row_age_s=181, max_age_s=180),)},
        {"feeds": (FeedAge("spot_gex", "SPY", "ok", 5, row_age_s=180, max_age_s=180),)},
    ),
    ("OVERSEER_DATA_STALE", {"feeds": (FeedAge("option_contracts", "SPY", "waiting", None),)}, {"feeds": ()}),
    (
        "OVERSEER_BROKER_SILENT",
        {"link_state": "down", "link_since": ago(31)},
        {"link_state": "down", "link_since": ago(30)},
    ),
    (
        "OVERSEER_BROKER_SILENT",
        {"link_state": "degraded_orders", "link_since": ago(31)},
        {"link_state": "restart_window", "link_since": ago(900)},
    ),
    (
        "OVERSEER_BOOK_DIFFERS",
        {"differences": (LastingDifference(KEY, "3", "2", ago(21)),)},
        {"differences": (LastingDifference(KEY, "3", "2", ago(19)),)},
    ),
    ("OVERSEER_BOOK_OLD", {"synced_at": ago(361)}, {"synced_at": ago(359)}),
    ("OVERSEER_DIVERGENCE", {"apart": Decimal(-1001)}, {"apart": Decimal(-1000)}),
    ("OVERSEER_DIVERGENCE", {"apart": Decimal(5000)}, {"apart": Decimal(5000), "equity_at": ago(31)}),
    (
        "OVERSEER_SLIPPAGE",
        {"slippage": Slippage(Decimal(90), Decimal("4.1"), 4)},
        {"slippage": Slippage(Decimal(900), Decimal(40), 3)},
    ),
    (
        "OVERSEER_ORDER_IN_DOUBT",
        {"doubtful": (DoubtfulOrder("qty-1", KEY, "entry", ago(21)),)},
        {"doubtful": (DoubtfulOrder("qty-1", KEY, "entry", ago(19)),)},
    ),
    (
        "OVERSEER_UNPROTECTED",
        {"bare": (BarePosition("P", KEY, 4, 2, ago(6)),)},
        {"bare": (BarePosition("P", KEY, 4, 2, ago(5)),)},
    ),
    ("OVERSEER_SIGNAL_RATE", {"signals": SignalRate(7, 2.0, 5)}, {"signals": SignalRate(6, 2.0, 5)}),
    ("OVERSEER_SIGNAL_RATE", {"signals": SignalRate(6, 1.0, 5)}, {"signals": SignalRate(60, None, 0)}),
    (
        "OVERSEER_EQUITY_JUMP",
        {"equity_path": (EquityPoint(ago(290), Decimal(100_000)), EquityPoint(ago(1), Decimal(103_001)))},
        {"equity_path": (EquityPoint(ago(290), Decimal(100_000)), EquityPoint(ago(1), Decimal(97_000)))},
    ),
]


def test_a_quiet_session_has_no_finding() -> None:
    assert findings(quiet(), WATCH) == []


@pytest.mark.parametrize("code,worse,not_yet", CASES)
def test_a_rule_finds_from_its_threshold_on(code: str, worse: dict[str, Any], not_yet: dict[str, Any]) -> None:
    [found] = findings(quiet(**worse), WATCH)
    assert found.code == code
    assert found.severity == REGISTER[code].severity
    assert found.words
    assert findings(quiet(**not_yet), WATCH) == []


def test_an_age_just_beyond_its_limit_is_told_with_the_digits_that_show_it() -> None:
    [found] = findings(quiet(feeds=(FeedAge("spot_gex", "SPY", "ok", 90.3),)), WATCH)
    assert "90.3 s old, at most 90.0 s" in found.words


def test_every_rule_has_a_case_and_a_row_of_the_register() -> None:
    assert {code for code, _, _ in CASES} == {rule.code for rule in RULES}
    assert {rule.severity for rule in RULES if rule.severity != REGISTER[rule.code].severity} == set()


@given(st.floats(0, 1e6), st.sampled_from(["spot_gex", "flow_alerts", "option_contracts", "net_premium"]))
def test_no_data_is_stale_while_the_market_is_closed(age: float, dataset: str) -> None:
    assert findings(quiet(session_s=None, feeds=(FeedAge(dataset, "SPY", "ok", age),)), WATCH) == []


def test_what_a_run_has_not_asked_for_yet_is_not_old() -> None:
    waiting = (FeedAge("spot_gex", "SPY", "waiting", None),)
    assert findings(quiet(run_s=60, feeds=waiting), WATCH) == []
    [found] = findings(quiet(run_s=200, feeds=waiting), WATCH)
    assert found.words == "spot_gex of SPY is 200 s old, at most 90 s (waiting)"


def test_what_a_rule_finds_lasts_until_the_rule_says_that_it_is_over() -> None:
    assert {rule.code for rule in RULES} <= LASTING
