"""Facts of a quiet session, to be made worse one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.overseer.facts import Facts, FeedAge
from bot.store.read.overseer import EquityPoint, SignalRate

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def quiet(**worse: Any) -> Facts:
    facts = Facts(
        now=NOW, session_state="active", session_s=5400, began_at=ago(5400), run_s=5400, is_over=False, holds=True,
        feeds=(FeedAge("spot_gex", "SPY", "ok", 40), FeedAge("flow_alerts", "market", "ok", 10)),
        link_state="synced", link_since=ago(5000), synced_at=ago(200), reconcile_s=300, differences=(),
        equity=Decimal(100_000), equity_at=ago(10), apart=Decimal(50), slippage=None, doubtful=(), bare=(),
        signals=SignalRate(1, 2.0, 5),
        equity_path=(EquityPoint(ago(290), Decimal(100_000)), EquityPoint(ago(10), Decimal(99_500))),
    )  # fmt: skip
    return replace(facts, **worse)
