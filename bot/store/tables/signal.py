"""One idea to buy one option contract. It names its approval, order and position without constraints, because those
point back at it and a row must be able to come first.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.calendar import new_york_day
from bot.domain.signal import Signal, SignalState
from bot.store.fields import (
    contract,
    day,
    facts,
    fraction,
    ident,
    key,
    label,
    money,
    names,
    number,
    shown,
    utc,
    whole,
    word,
    words,
)
from bot.store.stored import Stored

SIGNALS: Final = Stored(
    Signal,
    "signal",
    key(),
    label("strategy"),
    contract(
        {
            "symbol": "underlying ticker",
            "root": "option root (SPXW)",
            "right": "C or P",
            "contract_key": "21-character OSI symbol",
        }
    ),
    whole("quantity", "contracts proposed; 0: one was already too much"),
    money("limit_price"),
    money("notional", "full premium of the quantity"),
    fraction("risk_fraction", "decimal text: notional of equity"),
    word("state", SignalState),
    utc("created_at"),
    utc("expires_at"),
    utc("closed_at", maybe=True),
    shown(day("session_day", "New York day of created_at"), lambda signal: new_york_day(signal.created_at)),
    facts("rationale", "JSON: what the strategy saw"),
    ident("approval_id"),
    ident("entry_order_id"),
    ident("position_id"),
    facts("what_if", "JSON: the broker's margin preview", maybe=True),
    utc("what_if_asked_at", maybe=True),
    money("stop_price", "a share's first stop where a person chose one", maybe=True),
    whole("confidence", "0 to 100, as its strategy says", maybe=True),
    names("targets", "JSON: prices per share at which profit is taken"),
    number("risk_reward", "gain at the last target for each dollar that the stop would lose", maybe=True),
    money("max_risk", "what all of it may lose", maybe=True),
    words("complexity", "what makes it complex; empty: it is plain"),
    more=(
        Index(None, "state"),
        Index(None, "strategy", "symbol", "created_at"),
        Index(None, "session_day"),
        Index(None, "created_at"),
    ),
    comment="one idea to buy one option contract",
)
SIGNAL: Final = SIGNALS.table
