"""`reconcile`, and what `status` shows of what is not ours."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.ids import ulid
from bot.domain.kinds import Entities
from bot.domain.order import Execution, Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.engine.state.records import NewExecution, TickBatch
from tests.cli.small_store import (
    CONTRACT,
    NOW,
    POSITION,
    Call,
    Comparing,
    commands,
    write,
)
from tests.patience import PATIENCE_S


@pytest.mark.usefixtures("alive")
def test_reconcile_shows_what_the_broker_has_what_the_store_has_and_what_was_done(call: Call, running: Path) -> None:
    bot = Comparing(
        running, [("position", CONTRACT.key, "4", "4", "same"), ("order", "qty-1", "missing", "working", "x")]
    )
    bot.start()
    result = call("reconcile", "--json")
    bot.join(timeout=PATIENCE_S)
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["differences"] == 1
    assert shown["lines"][1] == {
        "subject": "position", "key": CONTRACT.key.strip(), "broker": "4", "store": "4", "action": "same",
    }  # fmt: skip


@pytest.mark.usefixtures("alive")
def test_our_orders_that_agree_stand_in_the_table_too(call: Call, running: Path) -> None:
    """The store keeps a line of each that differs; the others are as the broker has them."""
    stop = Order(
        id=ulid(NOW, 0xDDDDD), order_ref="qty-stop", contract_key=CONTRACT.key, purpose=Purpose.PROTECT,
        side=OrderSide.SELL, order_type=OrderType.STOP, terms=Terms(4, stop_price=Decimal("0.62")), created_at=NOW,
        state_since=NOW, state=OrderState.WORKING, position_id=POSITION, submitted_at=NOW,
    )  # fmt: skip
    doubted = replace(stop, id=ulid(NOW, 0xEEEEE), order_ref="qty-1")
    later = replace(stop, id=ulid(NOW, 0xFFFFF), order_ref="qty-2", submitted_at=NOW + timedelta(seconds=9))
    batch = TickBatch(tick=8, recorded_at=NOW, changed=Entities([stop, doubted, later]))
    asyncio.run(write(f"sqlite+aiosqlite:///{running}", batch))
    bot = Comparing(running, [("order", "qty-1", "working", "absent", "asked again")])
    bot.start()
    result = call("reconcile", "--json")
    bot.join(timeout=PATIENCE_S)
    words = "working: SELL 4 SPY 590C 20 Nov 2026 stop 0.62"
    told = {"subject": "order", "key": "qty-1", "broker": "absent", "store": "working", "action": "asked again"}
    agrees = {"subject": "order", "key": "qty-stop", "broker": words, "store": words, "action": "same"}
    assert json.loads(result.stdout)["lines"] == [told, agrees]


BY_HAND = ("order", "901 by hand", "not ours", "SELL 1 SPY   261120C00590000 limit 9, working, 0 filled", "left alone")


@pytest.mark.usefixtures("alive")
def test_what_is_not_ours_is_shown_and_is_no_difference(call: Call, running: Path) -> None:
    bot = Comparing(running, [("position", CONTRACT.key, "4", "4", "same"), BY_HAND])
    bot.start()
    shown = call("reconcile", "--json")
    bot.join(timeout=PATIENCE_S)
    assert json.loads(shown.stdout)["differences"] == 0
    fill = Execution("0001.01", "theirs", 902, 5, CONTRACT.key, OrderSide.BUY, 3, Decimal("1.20"), NOW, 78)
    late = replace(fill, exec_id="0002.01", executed_at=NOW - timedelta(days=1))
    batch = TickBatch(
        tick=8, recorded_at=NOW, executions=[NewExecution(each, None, None, None) for each in (fill, late)]
    )
    asyncio.run(write(f"sqlite+aiosqlite:///{running}", batch))
    others = json.loads(call("status", "--json").stdout)["not_ours"]
    assert [(row["what"], row["key"], row["words"]) for row in others] == [
        ("order", "901 by hand", BY_HAND[3]),
        ("execution", "0001.01", "BUY 3 SPY 590C 20 Nov at 1.20, client 78, reference theirs"),
    ]


def test_reconcile_without_a_bot_says_so(call: Call, running: Path) -> None:
    result = call("reconcile", "--wait", "0")
    assert result.exit_code == 1
    assert "no bot runs on the store" in result.stderr
    assert commands(running) == []
