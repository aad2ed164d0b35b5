"""The log for a trader: a line an event with its contract, trail steps folded, the day's P&L of the line's instant."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.app.trader_log import Known, TraderLog
from bot.domain.instruments import parse_osi
from bot.domain.kinds import Entities
from bot.domain.position import CloseReason, ExitPlan, Position, PositionState
from bot.engine.state.records import EngineStatus, NewMark, NewTransition, TickBatch

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
D = Decimal
PLAN = ExitPlan((), D("0.5"), D("0.25"), D("0.5"), None)


def a_position(**sets: object) -> Position:
    held = Position("POS1", parse_osi("SPY   261120C00590000"), "s", PLAN, NOW, entry_quantity=4, entry_value=D("4.20"))
    return replace(held, **sets)  # type: ignore[arg-type]


def row(machine: str, trigger: str, reason: str, *, at: datetime = NOW, **evidence: object) -> NewTransition:
    return NewTransition(machine, "POS1", "trailing", "trailing", trigger, "tick", reason, evidence, at)


def status(at: datetime) -> EngineStatus:
    opens, closes = NOW - timedelta(minutes=30), NOW + timedelta(hours=6)
    return EngineStatus(1, at, 1.0, "sim", 1.0, "", 0, 0.0, date(2026, 11, 20), opens, closes, None, ())


def batch(*rows: NewTransition, at: datetime = NOW, **more: Any) -> TickBatch:
    return TickBatch(1, at, transitions=list(rows), **more)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "quanticity")
    return caplog


def a_log() -> TraderLog:
    return TraderLog(900, (), date(2026, 11, 20))


def test_a_fill_is_one_line_with_contract_and_the_days_pnl(told: pytest.LogCaptureFixture) -> None:
    log = a_log()
    log(
        batch(
            row("position", "entry_fill", "bought 4 at 1.05, holding 4"),
            changed=Entities((a_position(commissions=D(3)),)),
        )
    )
    assert told.messages == ["SPY 590C 20 Nov      bought 4 at 1.05, holding 4 · day −$3.00"]


def test_open_counts_at_the_bid_of_the_latest_mark(told: pytest.LogCaptureFixture) -> None:
    log = a_log()
    mark = NewMark("POS1", NOW, D("1.25"), D("1.30"), None, D("80"), False)
    log(batch(changed=Entities((a_position(),)), marks=[mark]))
    log(batch(row("position", "scale_out", "sold 1 at 1.25, 3 left"), changed=Entities((a_position(),))))
    assert told.messages[-1].endswith("· day +$80.00")


def test_what_was_sold_is_not_open_any_more_in_the_line_of_its_sale(told: pytest.LogCaptureFixture) -> None:
    log = a_log()
    log(batch(changed=Entities((a_position(),)), marks=[NewMark("POS1", NOW, D("2.05"), None, None, D("400"), False)]))
    sold = a_position(exit_quantity=3, exit_value=D("6.15"))
    log(batch(row("position", "scale_out", "sold 3 at 2.05, 1 left"), changed=Entities((sold,))))
    assert told.messages[-1].endswith("· day +$400.00")


def test_a_position_that_the_store_knew_at_the_start_goes_on_with_its_marks(told: pytest.LogCaptureFixture) -> None:
    known = Known("POS1", "SPY   261120C00590000", D(0), D("80"), D(0), over=False, bid=D("1.25"))
    log = TraderLog(900, (known,), date(2026, 11, 20))
    log(batch(marks=[NewMark("POS1", NOW, D("1.45"), None, None, D("160"), False)]))
    assert log.day_pnl == D("160")


def test_a_close_whose_last_commission_is_in_the_same_tick_is_one_line(told: pytest.LogCaptureFixture) -> None:
    close = row("position", "close", "flat: trail, realized +$80.03", realized_pnl=D("80.03"))
    charge = row("position", "charge", "commission $1.03 came after the end", realized_pnl=D("79.00"))
    log = a_log()
    over = a_position(state=PositionState.CLOSED, close_reason=CloseReason.TRAIL)
    log(batch(close, charge, changed=Entities((over,))))
    assert [line.split(" · ")[0] for line in told.messages] == ["SPY 590C 20 Nov      closed, trail, realized +$79.00"]
    log(batch(charge))
    assert "commission $1.03" in told.messages[-1], "one that comes later has its line"


def test_a_line_bears_the_time_of_its_step(told: pytest.LogCaptureFixture) -> None:
    a_log()(batch(row("session", "pause", "a person pauses")))
    assert [record.at for record in told.records] == [NOW]  # type: ignore[attr-defined]


def test_trail_steps_are_folded_and_told_before_the_next_event(told: pytest.LogCaptureFixture) -> None:
    log = a_log()
    log(batch(changed=Entities((a_position(),))))
    for step in range(5):
        stop = D("1.00") + D(step) / 100
        evidence = {"from": stop, "to": stop + D("0.01"), "high": D("1.50")}
        log(batch(replace(row("position", "ratchet", "high"), evidence=evidence)))
    assert told.messages == []
    log(batch(row("position", "stopped", "the stop at 1.05 was hit")))
    assert told.messages[0] == "SPY 590C 20 Nov      stop 1.00 to 1.05, in 5 steps, high 1.50 · day $0.00"
    assert told.messages[1] == "SPY 590C 20 Nov      the stop at 1.05 was hit"


def test_what_goes_between_us_and_the_broker_is_for_the_record_only(told: pytest.LogCaptureFixture) -> None:
    a_log()(batch(row("order", "acknowledge", "x"), row("approval", "approve", "x"), row("signal", "measure", "x")))
    assert told.messages == []
    a_log()(batch(row("order", "reject", "no permission")))
    assert told.messages == ["order POS1           order trailing: no permission"]


def test_a_refusal_names_the_rule_and_its_limit_in_words(told: pytest.LogCaptureFixture) -> None:
    pair = {"passed": False, "would_be": 1.0, "max": 0.7, "pair": "SPY/SPX", "measured": False, "text": "PAIR"}
    fine = {"passed": True, "state": "synced", "text": "ok state=synced"}
    a_log()(batch(row("signal", "reject", "PAIR would_be=1.0", pair_correlation=pair, connection=fine)))
    a_log()(batch(row("signal", "reject", "too much for today")))
    by_rule, by_person = told.messages
    assert "rejected: correlation of a pair: +1.00 with SPY/SPX (not measured yet), at most +0.70" in by_rule
    assert by_person.endswith("rejected: too much for today")


def test_the_day_is_told_at_each_heartbeat_and_goes_on_from_the_store(told: pytest.LogCaptureFixture) -> None:
    known = Known("OLD", "QQQ   261120P00510000", D("120"), D(0), D("20"), over=True)
    log = TraderLog(900, (known,), date(2026, 11, 20))
    for minute in range(0, 31, 5):
        log(batch(at=NOW, status=status(NOW + timedelta(minutes=minute))))
    assert (
        told.messages == ["day                  +$100.00 = realized +$100.00, open $0.00; 1 closed, held: nothing"] * 2
    )
