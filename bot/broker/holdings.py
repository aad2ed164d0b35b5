"""What the account holds, as TWS tells it of its own accord: once for each position, and again whenever one changes.

TWS tells a client of its own executions; what somebody else traded shows here alone, within the second.
"""

from __future__ import annotations

from bot.broker import words
from bot.broker.contracts import ContractBook
from bot.broker.ib import Contract
from bot.domain.events.account import PositionTold
from bot.engine.state.ports import Clock, Sink


class Holdings:
    """Hands on each change; a row that is no number of contracts is the comparison's to judge."""

    def __init__(self, book: ContractBook, clock: Clock, sink: Sink) -> None:
        self._book, self._clock, self._sink = book, clock, sink

    def told(self, contract: Contract, quantity: float) -> str | None:
        """Take one row, asked for or not; return the key of the option that it is of, None where it is none of ours."""
        held = words.number(quantity)
        if held is None or held != int(held) or contract.secType not in _OPTIONS:
            return None
        try:
            key = self._book.key(contract)
        except (ValueError, ArithmeticError):
            return None  # what has no key is none of ours
        self._sink(PositionTold(key, int(held), self._clock.now()))
        return key


_OPTIONS = frozenset({"OPT"})
