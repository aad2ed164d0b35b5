"""What an order carries beside its terms: the algorithm of the broker, and the moment from which it is good; the venue
that is simulated takes what the client writes, and refuses what the broker would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bot.broker.orders import build_order
from bot.config.schema import Settings
from bot.domain.order import AdaptivePriority, OrderSide, OrderTicket, OrderType, Terms
from bot.engine.trade.entry_style import adaptive_of
from bot.sim.tws.requests import PlaceOrder
from bot.sim.tws.tickets import _unsupported

TICKET = OrderTicket("1", "qty-1", "SPY   261120C00590000", OrderSide.BUY, OrderType.LIMIT, Terms(2, Decimal("1.25")))


def test_a_plain_order_has_neither() -> None:
    order = build_order(TICKET, "DU1")
    assert (order.algoStrategy, order.algoParams, order.goodAfterTime) == ("", [], "")


@pytest.mark.parametrize("priority", AdaptivePriority)
def test_the_adaptive_algorithm_and_its_priority_are_on_the_wire(priority: AdaptivePriority) -> None:
    order = build_order(replace(TICKET, adaptive=priority), "DU1")
    assert order.algoStrategy == "Adaptive"
    assert [(each.tag, each.value) for each in order.algoParams] == [("adaptivePriority", priority.value)]


def test_the_moment_is_utc_on_the_wire() -> None:
    order = build_order(replace(TICKET, good_after=datetime(2026, 11, 23, 14, 30, 30, tzinfo=UTC)), "DU1")
    assert order.goodAfterTime == "20261123-14:30:30"


def an_order(**changes: Any) -> PlaceOrder:
    fields: dict[str, Any] = {
        "order_id": 1, "contract": SimpleNamespace(sec_type="OPT"), "action": "BUY", "quantity": Decimal(2),
        "order_type": "LMT", "limit_price": Decimal("1.25"), "aux_price": None, "tif": "DAY", "oca_group": "",
        "account": "", "order_ref": "", "transmit": True, "parent_id": 0, "outside_rth": False, "good_till": "",
        "oca_type": 0, "trail_stop_price": None, "trailing_percent": None, "what_if": False, "algo": "",
        "algo_params": {}, "conditions": 0,
    }  # fmt: skip
    return PlaceOrder(**{**fields, **changes})


@pytest.mark.parametrize(
    "changes,code",
    [
        ({}, None),
        ({"algo": "Adaptive", "algo_params": {"adaptivePriority": "Urgent"}}, None),
        ({"algo": "Adaptive", "algo_params": {"adaptivePriority": "Frantic"}}, 443),
        ({"algo": "Twap"}, 442),
        ({"algo": "Adaptive", "order_type": "STP", "aux_price": Decimal(1), "limit_price": None}, 442),
    ],
)
def test_the_venue_takes_the_adaptive_algorithm_on_a_limit_order_alone(
    changes: dict[str, Any], code: int | None
) -> None:
    denial = _unsupported(an_order(**changes), "DU1")
    assert (denial.code if denial is not None else None) == code


@pytest.mark.parametrize(
    "settings,confidence,priority",
    [
        ({}, 99, None),
        ({"algo": "adaptive"}, 70, AdaptivePriority.NORMAL),
        ({"algo": "adaptive", "adaptive_priority": "patient"}, 70, AdaptivePriority.PATIENT),
        ({"algo": "adaptive"}, 90, AdaptivePriority.URGENT),
    ],
)
def test_how_urgently_follows_from_settings_and_confidence(
    settings: dict[str, Any], confidence: float, priority: AdaptivePriority | None
) -> None:
    ctx: Any = SimpleNamespace(settings=Settings.model_validate({"execution": settings}))
    assert adaptive_of(ctx, {"confidence": confidence}) is priority
