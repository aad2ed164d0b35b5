"""Entry rules: each refuses by itself with a stable code and its numbers, and all are asked every time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.risk import RiskSettings
from bot.domain.calendar import TradingSession
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.instruments import OptionContract, Right
from bot.domain.quotes import Quote
from bot.domain.session import SessionState
from bot.risk.rules import RULES, EntryView, failed, validate_entry

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SESSION = TradingSession(
    DAY, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), is_half_day=False
)
LIMITS = RiskSettings()
QUOTE = Quote(Decimal("1.98"), Decimal("2.02"), 100, 100, None, NOW)
ANSWER = WhatIfAnswered("s", Decimal(2000), Decimal(98000), Decimal(2000), Decimal("6.50"), None, NOW)
CONTRACT = OptionContract("SPY", DAY, Right.CALL, Decimal(600))

GOOD = EntryView(
    contract=CONTRACT, quantity=10, limit_price=Decimal("2.00"), quote=QUOTE, now=NOW, today=DAY,
    session_state=SessionState.ACTIVE, session=SESSION, connection_state="synced", connection_allows_entry=True,
    equity=Decimal(100000), day_pnl=Decimal(0), open_calls=0, open_puts=0, open_total=0, open_on_symbol=0,
    what_if=ANSWER, input_faults=(),
)  # fmt: skip


def refusals(**changes: Any) -> dict[str, str]:
    return {result.rule: result.text for result in failed(validate_entry(replace(GOOD, **changes), LIMITS))}


def test_a_sound_entry_passes_every_rule() -> None:
    results = validate_entry(GOOD, LIMITS)
    assert [result.rule for result in results] == [name for name, _ in RULES]
    assert len(results) == 31
    assert all(result.passed and result.text.startswith("ok") for result in results)


@pytest.mark.parametrize(
    "rule, changes, text",
    [
        (
            "equity_known",
            {"equity_fault": "EQUITY_STALE", "equity_facts": {"age_s": 301.0, "max_s": 300}},
            "EQUITY_STALE age_s=301.0 max_s=300",
        ),
        (
            "pair_correlation",
            {"bets": [("SPX", 1)]},
            "PAIR_CORRELATION_TOO_HIGH would_be=1.0 max=0.7 pair=SPY/SPX measured=False",
        ),
        ("session_active", {"session_state": SessionState.PAUSED}, "SESSION_NOT_ACTIVE state=paused"),
        (
            "market_open",
            {"session": replace(SESSION, close_at=NOW), "contract": replace(CONTRACT, expiry=DAY + timedelta(days=1))},
            "MARKET_CLOSED now=10:00:00 open=09:30:00 close=10:00:00",
        ),
        (
            "connection",
            {"connection_allows_entry": False, "connection_state": "degraded_data"},
            "CONNECTION_FORBIDS_ENTRY state=degraded_data",
        ),
        (
            "daily_loss",
            {"day_pnl": Decimal(-6400), "equity": Decimal(100000)},
            "DAILY_LOSS_LIMIT loss=0.0602 max=0.06 day_pnl=-6400 first_equity=106400",
        ),
        (
            "weekly_loss",
            {"week_pnl": Decimal(-10000), "equity": Decimal(90000), "quantity": 5},
            "WEEKLY_LOSS_LIMIT loss=0.1000 max=0.10 week_pnl=-10000",
        ),
        ("event_blackout", {"blackout": "CPI at 13:30"}, "EVENT_BLACKOUT event=CPI at 13:30 apart_s=600"),
        ("positions_total", {"open_total": 5}, "TOO_MANY_POSITIONS would_be=6 max=5"),
        ("positions_direction", {"open_calls": 3}, "TOO_MANY_IN_DIRECTION would_be=4 max=3 direction=call"),
        ("positions_symbol", {"open_on_symbol": 2}, "TOO_MANY_ON_SYMBOL would_be=3 max=2 symbol=SPY"),
        ("premium_budget", {"quantity": 11}, "PREMIUM_TOO_LARGE would_be=2200.00 max=2000.00 quantity=11"),
        (
            "premium_budget",
            {"quantity": 0, "limit_price": Decimal("21.00")},
            "PREMIUM_BUDGET_TOO_SMALL one_contract=2100.00 max=2000.00 quantity=0",
        ),
        ("order_size", {"order_most": 0}, "DISPLAYED_SIZE displayed=100 multiple=2 max=0"),
        ("buying_power", {"what_if": None}, "WHAT_IF_MISSING"),
        (
            "buying_power",
            {"what_if": replace(ANSWER, error="no answer in 10 s")},
            "WHAT_IF_REFUSED error=no answer in 10 s",
        ),
        (
            "buying_power",
            {"what_if": replace(ANSWER, at=NOW - timedelta(seconds=61))},
            "WHAT_IF_STALE age_s=61.0 max_s=60",
        ),
        (
            "buying_power",
            {"what_if": replace(ANSWER, equity_with_loan_after=Decimal(1999))},
            "BUYING_POWER_TOO_SMALL funds_after=-1 min=0 margin_change=2000 age_s=0.0",
        ),
        (
            "spread",
            {"quote": replace(QUOTE, bid=Decimal("1.88"), ask=Decimal("2.12"))},
            "SPREAD_TOO_WIDE would_be=0.1200 max=0.10 bid=1.88 ask=2.12",
        ),
        (
            "quote_fresh",
            {"quote": replace(QUOTE, at=NOW - timedelta(seconds=16))},
            "QUOTE_NOT_FIT fault=stale age_s=16.0 max_s=15",
        ),
        (
            "inputs_fresh",
            {"input_faults": ("stale:gex_by_strike:SPY 194s>180s", "missing:book:SPY")},
            "INPUTS_NOT_FIT faults=stale:gex_by_strike:SPY 194s>180s, missing:book:SPY",
        ),
        ("pace", {"spacing_s": 300.0, "since_entry_s": 299.0}, "SLOWED since_s=299.0 spacing_s=300.0"),
        (
            "zero_dte_cut_off",
            {"session": replace(SESSION, close_at=NOW + timedelta(minutes=30))},
            "ZERO_DTE_TOO_LATE days_to_expiry=0 now=10:00:00 cut_off=10:00:00",
        ),
        (
            "zero_dte_cut_off",
            {"contract": replace(CONTRACT, expiry=DAY - timedelta(days=1))},
            "CONTRACT_EXPIRED days_to_expiry=-1",
        ),
    ],
)
def test_a_rule_refuses_alone_with_its_code_and_numbers(rule: str, changes: dict[str, Any], text: str) -> None:
    assert refusals(**changes) == {rule: text}


def test_every_rule_that_fails_is_named() -> None:
    bad = refusals(session_state=SessionState.HALTED, open_total=9, open_on_symbol=9, quantity=99, what_if=None)
    of_the_book = {"open_premium", "symbol_share"}
    alone = {"session_active", "positions_total", "positions_symbol", "premium_budget", "buying_power"}
    assert set(bad) == alone | of_the_book


def test_each_limit_allows_its_own_value() -> None:
    at_limit = {
        "open_total": 4, "open_calls": 2, "open_on_symbol": 1, "quantity": 10,
        "what_if": replace(ANSWER, equity_with_loan_after=Decimal(2000), at=NOW - timedelta(seconds=60)),
        "quote": replace(QUOTE, bid=Decimal("1.90"), ask=Decimal("2.10"), at=NOW - timedelta(seconds=15)),
    }  # fmt: skip
    assert refusals(**at_limit) == {}


def test_a_loss_at_the_limit_is_the_limit_hit() -> None:
    # 100000 at first, 6 % lost
    assert "daily_loss" in refusals(equity=Decimal(94000), day_pnl=Decimal(-6000))
    assert "daily_loss" not in refusals(equity=Decimal(94001), day_pnl=Decimal(-5999))
    assert "daily_loss" not in refusals(equity=Decimal(150000), day_pnl=Decimal(50000))


def test_directions_are_counted_apart() -> None:
    assert refusals(open_puts=3) == {}
    assert set(refusals(open_puts=3, contract=replace(CONTRACT, right=Right.PUT))) == {"positions_direction"}


def test_an_option_of_tomorrow_may_be_bought_after_the_cut_off_of_the_day() -> None:
    late = {"now": SESSION.close_at - timedelta(minutes=10)}
    fresh = {
        "quote": replace(QUOTE, at=late["now"]),
        "what_if": replace(ANSWER, at=late["now"]),
        "contract": replace(CONTRACT, expiry=DAY + timedelta(days=1)),
    }
    assert refusals(**late, **fresh) == {}


def test_the_cut_off_of_a_half_day_is_as_long_before_its_close() -> None:
    half_day = replace(SESSION, close_at=datetime(2026, 11, 20, 18, 0, tzinfo=UTC), is_half_day=True)

    def at(minute: int) -> dict[str, str]:
        now = datetime(2026, 11, 20, 17, minute, tzinfo=UTC)
        return refusals(session=half_day, now=now, quote=replace(QUOTE, at=now), what_if=replace(ANSWER, at=now))

    assert at(29) == {}
    assert set(at(30)) == {"zero_dte_cut_off"}


UNKNOWNS: dict[str, Any] = {
    "quote": None,
    "session": None,
    "equity": None,
    "day_pnl": None,
    "what_if": None,
}
PARTS_OF_THE_ANSWER = ("equity_with_loan_after", "init_margin_after")


@given(st.sets(st.sampled_from(sorted(UNKNOWNS)), min_size=1))
def test_what_is_unknown_is_refused(unknown: set[str]) -> None:
    assert refusals(**{name: UNKNOWNS[name] for name in unknown})


@pytest.mark.parametrize("part", PARTS_OF_THE_ANSWER)
def test_a_preview_without_its_numbers_is_refused(part: str) -> None:
    without: dict[str, Any] = {part: None}
    bad = refusals(what_if=replace(ANSWER, **without))
    assert set(bad) == {"buying_power"}
    assert bad["buying_power"].startswith("BUYING_POWER_UNKNOWN")


@pytest.mark.parametrize(
    "quote",
    [
        replace(QUOTE, bid=None),
        replace(QUOTE, ask=None),
        replace(QUOTE, bid=Decimal("2.10")),
        replace(QUOTE, halted=True),
        replace(QUOTE, delayed=True),
    ],
)
def test_an_unfit_quote_is_refused(quote: Quote) -> None:
    assert "quote_fresh" in refusals(quote=quote)


@given(
    quantity=st.integers(-5, 40),
    price=st.decimals("0", "30", places=2),
    total=st.integers(0, 8),
    calls=st.integers(0, 8),
    pnl=st.decimals("-20000", "20000", places=2),
)
def test_an_entry_that_passes_keeps_every_limit(
    quantity: int, price: Decimal, total: int, calls: int, pnl: Decimal
) -> None:
    if refusals(quantity=quantity, limit_price=price, open_total=total, open_calls=calls, day_pnl=pnl):
        return
    assert quantity >= 1
    assert quantity * price * 100 <= Decimal(2000)
    assert total + 1 <= 5
    assert calls + 1 <= 3
    assert -pnl < Decimal("0.06") * (Decimal(100000) - pnl)


@pytest.mark.parametrize("minute,refused", [(29, False), (49, False), (50, True)])
def test_an_entry_into_the_close_has_a_cut_off_of_its_own(minute: int, refused: bool) -> None:
    now = datetime(2026, 11, 20, 20, minute, tzinfo=UTC)
    quote, answer = replace(QUOTE, at=now), replace(ANSWER, at=now)
    found = refusals(now=now, quote=quote, what_if=answer, into_the_close=True)
    assert ("zero_dte_cut_off" in found) is refused
    if minute >= 30:
        assert "zero_dte_cut_off" in refusals(now=now, quote=quote, what_if=answer)
