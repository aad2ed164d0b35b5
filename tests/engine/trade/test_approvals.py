"""Who says yes: the rules, a person, or nobody in time; and what a refusal carries."""

from decimal import Decimal
from typing import Any

import pytest

from bot.domain.approval import Approval
from bot.domain.events.people import RequestKind
from bot.domain.signal import SignalState
from tests.engine.desk import SPY_580P, Desk

MANUAL: dict[str, Any] = {"approval": {"mode": "manual"}}


def question(desk: Desk) -> Any:
    return list(desk.store.entities.of(Approval).values())[-1]


async def test_in_manual_mode_a_signal_waits_for_a_person() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    assert desk.signal.state is SignalState.PENDING
    assert question(desk).state == "requested"
    assert desk.broker.submitted == []


async def test_a_persons_approval_asks_the_broker_again_and_then_sends() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    await desk.command(RequestKind.APPROVE, actor="admin:web:ann", signal_id=desk.signal.id)
    await desk.settle()
    assert len(desk.broker.what_ifs) == 2
    assert desk.broker.entry.terms.quantity == 4
    assert question(desk).decided_by == "admin:web:ann"
    approved = [r.actor for r in desk.store.transitions if r.trigger == "approve"]
    assert approved == ["admin:web:ann"] * 2


async def test_an_approval_after_the_spread_widened_is_refused_with_the_numbers() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    desk.quote("1.50", "2.50")
    await desk.command(RequestKind.APPROVE, signal_id=desk.signal.id)
    await desk.settle()
    assert desk.signal.state is SignalState.REJECTED
    assert question(desk).state == "rejected"
    assert "SPREAD_TOO_WIDE would_be=0.5000 max=0.10 bid=1.50 ask=2.50" in question(desk).reason
    assert desk.broker.submitted == []


@pytest.mark.parametrize("bid, ask, limit", [("1.80", "1.82", "1.81"), ("2.40", "2.42", "2.00")])
async def test_an_order_that_a_person_approved_is_priced_at_the_mid_of_now_but_never_above_what_was_approved(
    bid: str, ask: str, limit: str
) -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    assert desk.signal.limit_price == Decimal("2.00")
    desk.quote(bid, ask)
    await desk.command(RequestKind.APPROVE, signal_id=desk.signal.id)
    await desk.settle()
    assert desk.broker.entry.terms.limit_price == Decimal(limit)


async def test_a_person_may_reject() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    state, _ = await desk.command(RequestKind.REJECT, actor="cli", signal_id=desk.signal.id, reason="not today")
    assert (state, desk.signal.state, question(desk).state) == ("done", "rejected", "rejected")
    assert question(desk).reason == "not today"


async def test_a_question_that_nobody_answers_expires_with_its_signal() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.wait(182)
    assert (desk.signal.state, question(desk).state) == ("expired", "expired")
    state, answer = await desk.command(RequestKind.APPROVE, signal_id=desk.signal.id)
    assert (state, "is expired since" in answer) == ("refused", True)


@pytest.mark.parametrize("kind", [RequestKind.PAUSE, RequestKind.HALT, RequestKind.FLATTEN])
async def test_holding_back_calls_off_the_signal_and_its_question(kind: RequestKind) -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    await desk.command(kind, actor="admin:web:ann")
    assert (desk.signal.state, question(desk).state) == ("cancelled", "rejected")
    assert desk.store.refused == []


@pytest.mark.parametrize("limit, waits", [("0.015", True), ("0.02", False)])
async def test_above_a_share_of_the_equity_a_person_is_asked(limit: str, waits: bool) -> None:
    desk = await Desk({"approval": {"mode": "above_risk_pct", "above_risk_fraction": limit}}).start()
    await desk.propose(4)
    await desk.settle()
    assert Decimal("0.015") < desk.signal.risk_fraction <= Decimal("0.02")
    assert (desk.signal.state is SignalState.PENDING) is waits


async def test_a_question_survives_a_restart_and_can_be_answered() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    again = await Desk(MANUAL, store=desk.store, broker=desk.broker, clock=desk.clock, seed=2).start()
    again.quote("1.98", "2.02")
    again.equity(41_000)
    await again.settle()
    await again.command(RequestKind.APPROVE, signal_id=again.signal.id)
    await again.settle()
    assert again.broker.entry.terms.quantity == 4


async def test_a_refused_signal_names_every_failed_rule(desk: Desk) -> None:
    desk.broker.what_if_error = "no margin"
    desk.strategy.faults = ("stale:spot_gex:SPY 94s>90s",)
    await desk.propose(4, "1.70", "2.30")
    await desk.settle()
    reason = desk.store.transitions[-1].reason
    assert desk.signal.state is SignalState.REJECTED
    for code in ("WHAT_IF_REFUSED", "SPREAD_TOO_WIDE", "INPUTS_NOT_FIT"):
        assert code in reason
    assert desk.broker.submitted == []


async def test_a_contract_that_is_too_dear_is_a_rejected_signal_that_says_so(desk: Desk) -> None:
    desk.quote("1.98", "2.02")
    desk.equity(5_000)
    await desk.tick()
    desk.strategy.contract = desk.contract
    await desk.settle()
    assert desk.signal.state is SignalState.REJECTED
    assert desk.signal.quantity == 0
    assert "PREMIUM_BUDGET" in desk.store.transitions[-1].reason
    assert desk.broker.what_ifs == []


async def test_after_the_daily_loss_there_is_no_entry(desk: Desk) -> None:
    desk.equity(100_000)
    await desk.tick()
    await desk.propose(4)  # the account is now far below its first value of the day
    await desk.settle()
    assert desk.store.signals == [], "the limit halted the session before anything was proposed"
    assert desk.store.session.state == "halted"
    assert desk.store.session.hold_reason.startswith("circuit breaker: daily_loss")


async def test_the_third_trade_on_a_symbol_is_refused(desk: Desk) -> None:
    await desk.hold(2)
    desk.contract = SPY_580P
    await desk.hold(2)
    await desk.propose(2)
    await desk.settle()
    assert desk.signal.state is SignalState.REJECTED
    assert "TOO_MANY_ON_SYMBOL would_be=3 max=2" in desk.store.transitions[-1].reason


async def test_a_signal_of_a_strategy_that_is_no_longer_configured_is_refused() -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    again = Desk(MANUAL, store=desk.store, broker=desk.broker, clock=desk.clock, seed=2)
    again.engine._strategies = {}
    await again.start()
    again.quote("1.98", "2.02")
    again.equity(41_000)
    await again.settle()
    await again.command(RequestKind.APPROVE, signal_id=again.signal.id)
    await again.settle()
    assert again.signal.state is SignalState.REJECTED
    assert "not configured" in question(again).reason
