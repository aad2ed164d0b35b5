"""Strategies that a person switched, or that their closed trades speak against."""

from __future__ import annotations

from typing import Final

from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.store.fields import key, label, names, utc, word
from bot.store.stored import Stored

STRATEGY_SWITCHES: Final = Stored(
    StrategySwitch,
    "strategy_switch",
    key("the strategy's name"),
    word("state", SwitchState),
    label("switched_by", "the person", maybe=True),
    utc("switched_at", maybe=True),
    names("findings", "JSON: what its closed trades say against it now"),
    utc("degraded_at", "since when they keep it off, until an owner switches it on", maybe=True),
    utc("counted_from", "only trades that closed later are judged", maybe=True),
    comment="strategies that a person switched; one that is not here is on",
)
STRATEGY_SWITCH: Final = STRATEGY_SWITCHES.table
