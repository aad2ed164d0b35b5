"""Strategies that a person switched."""

from __future__ import annotations

from typing import Final

from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.store.fields import key, label, utc, word
from bot.store.stored import Stored

STRATEGY_SWITCHES: Final = Stored(
    StrategySwitch,
    "strategy_switch",
    key("the strategy's name"),
    word("state", SwitchState),
    label("switched_by", "the person", maybe=True),
    utc("switched_at", maybe=True),
    comment="strategies that a person switched; one that is not here is on",
)
STRATEGY_SWITCH: Final = STRATEGY_SWITCHES.table
