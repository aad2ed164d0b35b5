"""Reasons beside the decision: what was seen, every rule with value against limit, and who decides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.config.risk import RiskSettings
from bot.engine.trade.signals import rule_facts
from bot.risk.rules import RULES as ASKED
from bot.risk.rules import validate_entry
from bot.store.read import TransitionRow
from bot.store.read.reasons import RULES, Check, reasons_of
from tests.risk.test_rules import GOOD

SEEN = {"reason": "price 5901.75 is 0.03 % from its pin", "size": "PREMIUM_BUDGET one contract costs 920.00"}
SPREAD = {"passed": False, "text": "SPREAD_TOO_WIDE", "would_be": "0.1402", "max": "0.10", "bid": "1.00", "ask": "1.15"}
FRESH = {"passed": True, "text": "ok", "age_s": 0.4, "max_s": 15.0}


def a_step(trigger: str, evidence: dict[str, Any], reason: str = "", actor: str = "tick") -> TransitionRow:
    facts = json.dumps(evidence, default=str)
    at_once = datetime(2026, 11, 20, 15, tzinfo=UTC)
    return TransitionRow(1, "signal", "S", "pending", "pending", trigger, actor, reason, facts, None, at_once, 1, "0")


def checks_of(evidence: dict[str, Any]) -> dict[str, Check]:
    return {check.title: check for check in reasons_of([a_step("approve", evidence)], waits=False).checks}


def test_every_rule_that_the_engine_asks_has_words() -> None:
    assert set(RULES) == {name for name, _ in ASKED}


@pytest.mark.parametrize("change", [
    {}, {"quote": None}, {"equity": None}, {"what_if": None}, {"session": None}, {"quantity": 0}, {"day_pnl": None},
    {"limit_price": Decimal(0)}, {"breakers": ("Gap",)}, {"symbol_halt": "sold by hand"}, {"open_total": 9},
])  # fmt: skip
def test_what_the_engine_writes_becomes_sentences_and_never_code(change: dict[str, Any]) -> None:
    results = validate_entry(replace(GOOD, **change), RiskSettings())
    for name, check in zip(rule_facts(results), results, strict=True):
        said = checks_of({name: rule_facts(results)[name]})[RULES[name][0]]
        assert said.passed == check.passed
        assert said.words
        assert said.words != "ok"
        assert "None" not in said.words


def test_value_stands_against_limit_and_the_failed_come_first() -> None:
    refusal = a_step("reject", {"quote_fresh": FRESH, "spread": SPREAD})
    reasons = reasons_of([a_step("created", SEEN), refusal], waits=False)
    assert [check.passed for check in reasons.checks] == [False, True]
    assert reasons.summary == "spread: 14.02 % of mid, at most 10.00 %, bid / ask 1.00 / 1.15"
    assert reasons.why == "price 5901.75 is 0.03 % from its pin. Size: one contract costs 920.00"
    assert reasons.decides == "refused by a rule"


@pytest.mark.parametrize("steps, waits, decides", [
    ([a_step("ask", {}, "the rules decide")], False, "the rules decide"),
    ([a_step("ask", {}, "2 x SPY waits for a person")], True, "your decision"),
    ([a_step("approve", {}, actor="admin:web:ann")], False, "approved by ann"),
    ([a_step("reject", {}, actor="cli")], False, "rejected by cli"),
    ([a_step("ask", {}, "waits for a person"), a_step("expire", {})], False, "not answered"),
])  # fmt: skip
def test_who_decides_is_said(steps: list[TransitionRow], waits: bool, decides: str) -> None:
    assert reasons_of(steps, waits=waits).decides == decides
