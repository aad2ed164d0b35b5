"""Contracts held, from the first entry fill until none is left. Prices are per share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Index

from bot.domain.calendar import new_york_day
from bot.domain.money import from_units, to_units
from bot.domain.position import (
    AtrRule,
    CloseReason,
    DaysRule,
    ExitPlan,
    Origin,
    Position,
    PositionState,
    Protection,
    Rung,
    Settlement,
    Valuation,
)
from bot.store.fields import apart, contract, day, json, key, label, large, money, ref, shown, utc, whole, word
from bot.store.stored import Stored
from bot.store.values import json_text, maybe_parse_time, parse_json


@lru_cache(maxsize=4096)
def plan_text(plan: ExitPlan) -> str:
    """Return a plan as JSON; it is frozen with its position, and written with every change of it."""
    flat_by = None if plan.flat_by is None else plan.flat_by.isoformat()
    return json_text(asdict(plan) | {"flat_by": flat_by})


def plan_of(text: str) -> ExitPlan:
    """Return a plan as it was frozen; one of before a rule was known has not this rule."""
    data = parse_json(text)
    return ExitPlan(
        rungs=tuple(
            Rung(Decimal(r["gain"]), Decimal(r["cumulative_fraction"]), _maybe(r.get("atr"))) for r in data["rungs"]
        ),
        stop_loss=Decimal(data["stop_loss"]),
        trail=Decimal(data["trail"]),
        single_trail_from=Decimal(data["single_trail_from"]),
        flat_at=maybe_parse_time(data["flat_at"]),
        flat_by=time.fromisoformat(data["flat_by"]) if data.get("flat_by") else None,
        name=data.get("name", ""),
        trail_from=_maybe(data.get("trail_from")),
        target=_maybe(data.get("target")),
        days=_days_of(data.get("days")),
        before_earnings=bool(data.get("before_earnings")),
        next_open_at=maybe_parse_time(data.get("next_open_at")),
        thesis=bool(data.get("thesis")),
        atr=_atr_of(data.get("atr")),
    )


def _maybe(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _days_of(data: Mapping[str, Any] | None) -> DaysRule | None:
    return None if data is None else DaysRule(**{**data, "down": _maybe(data["down"])})


def _atr_of(data: Mapping[str, Any] | None) -> AtrRule | None:
    if data is None:
        return None
    known = {name: Decimal(data[name]) for name in ("stop", "target", "trail_from", "keep")}
    return AtrRule(**known, entry=_maybe(data["entry"]), atr=_maybe(data["atr"]))


def _as_kept(position: Position) -> Position:
    """Return a position whose sums are as fine as the store keeps them, so that its P&L is theirs.

    A broker's average cost, which an adopted position is entered at, has more places than a price.
    """
    entry, leaving = from_units(to_units(position.entry_value)), from_units(to_units(position.exit_value))
    if entry == position.entry_value and leaving == position.exit_value:
        return position
    return replace(position, entry_value=entry, exit_value=leaving)


POSITIONS: Final = Stored(
    Position,
    "position",
    key(),
    ref("signal_id", "signal.id", maybe=True),
    label("strategy"),
    contract({}),
    json("plan", plan_text, plan_of, "JSON: exit plan frozen at the entry"),
    word("state", PositionState),
    word("origin", Origin, "broker: found there and adopted"),
    whole("entry_quantity"),
    whole("exit_quantity"),
    whole("settled_quantity", "left by expiry or elsewhere, not by our orders"),
    whole("left_early", "of the settled contracts, before the expiry", default="0"),
    money("settled_value", "sum of value per share x contracts settled", default="0"),
    whole("elsewhere_quantity", "of those that left early, sold by somebody else", default="0"),
    money("elsewhere_value", "of the settled value, what these brought", default="0"),
    money("elsewhere_commission", "of the commissions, those of these sales", default="0"),
    money("elsewhere_estimate", "what a share is counted at where no execution tells; null: at nothing", maybe=True),
    utc("elsewhere_at", "when the broker's book last showed that some were gone", maybe=True),
    word("valuation", Valuation, "what elsewhere_value rests on; unknown: counted as nothing", maybe=True),
    word("settlement", Settlement, "what the settled value rests on; pending: counted as nothing", maybe=True),
    money("settlement_price", "of the underlying, that the settlement counts with", maybe=True),
    whole("shares_before", "of the underlying at the broker before an exercise; null: none of it is left", maybe=True),
    shown(whole("quantity", "contracts left")),
    shown(money("entry_price", "average")),
    money("entry_value", "sum of price x contracts"),
    money("exit_value", "sum of price x contracts"),
    money("commissions"),
    money("high", "highest bid since the entry"),
    money("underlying_best", "dollars that the underlying has gone our way since the entry, at best", default="0"),
    money("stop_price", maybe=True),
    whole("rungs_done"),
    whole("room_for", "contracts that the stop was shrunk for"),
    whole("exit_attempts"),
    shown(money("realized_pnl", "to the cent, commissions included")),
    utc("opened_at"),
    utc("closed_at", maybe=True),
    word("close_reason", CloseReason, maybe=True),
    shown(day("opened_day", "New York day of opened_at"), lambda position: new_york_day(position.opened_at)),
    shown(
        day("session_day", "New York day of closed_at", maybe=True),
        lambda position: new_york_day(position.closed_at) if position.closed_at else None,
    ),
    utc("protected_at", maybe=True),
    word("protection", Protection, "of what is left", default=Protection.WANTED),
    utc("unprotected_since", "since when a contract lacks a working sale at the broker", maybe=True),
    whole("unprotected_quantity", "contracts that lack one now", default="0"),
    large("unprotected_ms", "how long any contract lacked one, until cover_at", default="0"),
    large("unprotected_contract_ms", "the same times the contracts", default="0"),
    utc("cover_at", "when the cover last changed", maybe=True),
    utc("ratcheted_at", maybe=True),
    apart(money("bid", "latest mark", maybe=True)),
    apart(money("ask", "latest mark", maybe=True)),
    apart(money("underlying", "latest mark", maybe=True)),
    apart(money("unrealized_pnl", "latest mark", maybe=True)),
    apart(money("low", "lowest bid of its marks", maybe=True)),
    apart(utc("marked_at", "latest mark", maybe=True)),
    apart(utc("quoted_at", "latest mark: when the contract's line last said anything", maybe=True)),
    more=(
        Index(None, "state"),
        Index(None, "signal_id"),
        Index(None, "closed_at", "id"),
        Index(None, "elsewhere_at"),
        Index(None, "settlement"),
        Index(None, "valuation"),
        # what the days' sums are read from, without a row being touched
        Index("ix_position_closed_days", "session_day", "closed_at", "realized_pnl", "commissions"),
    ),
    as_kept=_as_kept,
    comment="contracts held, from the first entry fill until none is left",
)
POSITION: Final = POSITIONS.table
