"""Symbols that other people's trades halted."""

from __future__ import annotations

from typing import Final

from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.store.fields import key, label, names, utc, word, words
from bot.store.stored import Stored

SYMBOL_HALTS: Final = Stored(
    SymbolHalt,
    "symbol_halt",
    key("the symbol"),
    word("state", SymbolState),
    words("reason", "its first cause"),
    names("causes", "JSON list: each halts once"),
    label("halted_by", maybe=True),
    utc("halted_at", maybe=True),
    label("lifted_by", "the person; empty when the day ended it", maybe=True),
    utc("lifted_at", maybe=True),
    comment="symbols that other people's trades halted",
)
SYMBOL_HALT: Final = SYMBOL_HALTS.table
