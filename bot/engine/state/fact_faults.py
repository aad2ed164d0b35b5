"""Facts that cannot be applied: each costs itself and nothing else.

Context: an applier that raises is a fault of ours, of the broker's words, or of what no type holds; whichever, the next
comparison meets the same fact again. Decision: each fact is applied on its own, between a savepoint and the next fact;
what raises is taken back whole and becomes a named fault of its key, told once. Consequence: the contract that the
fact is about is disputed until the fact applies or a whole book no longer has it: no more of it is sold than the broker
says is there. All else goes on.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Final

from bot.domain.events.people import AlertRaised
from bot.engine.state.fact_name import FactName
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import TickBatch


@dataclass(slots=True)
class FactFault:
    """One fact that could not be applied: what it is called, the contract that it is about (empty: none), the error in
    words, how often it was tried in vain and in which comparison last."""

    name: FactName
    key: str
    error: str
    since: datetime
    repeats: int = 1
    comparison: int = 0


@dataclass(slots=True)
class FactFaults:
    """Memory between ticks; the keys in dispute are the ledger's (`disputed`)."""

    faults: dict[FactName, FactFault] = field(default_factory=dict)
    comparison: int = 0

    def apply(self, journal: Journal, name: FactName, key: str, fact: Callable[[], object]) -> bool:
        """Apply one fact, or take back what it did and remember why; says whether it was applied."""
        save = Savepoint(journal.ledger, journal)
        try:
            fact()
        except Exception as error:  # one fact's fault must not stop the others
            save.restore()
            self._note(journal, name, key, error)
            return False
        finally:
            save.close()
        self.forget(journal, name)
        return True

    def forget(self, journal: Journal, name: FactName) -> None:
        """The fact applies: its fault is over."""
        fault = self.faults.pop(name, None)
        if fault is None:
            return
        facts = {"subject": str(name), "key": fault.key, "repeats": fault.repeats, "error": fault.error}
        words = f"{name} is applied after {fault.repeats} attempts in vain"
        journal.alert("FACT_APPLIED", words, facts)
        self._show(journal.ledger)

    def compared(self, journal: Journal) -> None:
        """A whole book was gone through: what it no longer has is refuted, not disputed."""
        for name, fault in list(self.faults.items()):
            if fault.comparison < self.comparison:
                del self.faults[name]
                words = f"{name} is in no whole book any more: nothing waits for it"
                journal.alert("FACT_GONE", words, {"subject": str(name), "key": fault.key, "repeats": fault.repeats})
        self._show(journal.ledger)

    def _note(self, journal: Journal, name: FactName, key: str, error: Exception) -> None:
        known = self.faults.get(name)
        if known is not None:
            known.repeats += 1
            known.comparison, known.error = self.comparison, repr(error)
            return
        self.faults[name] = FactFault(name, key, repr(error), journal.now, comparison=self.comparison)
        self._show(journal.ledger)
        trace = "".join(traceback.format_exception(error))
        facts = {"subject": str(name), "key": key, "repeats": 1, "error": repr(error), "traceback": trace}
        what = f"{name} of {key.strip()}" if key else str(name)
        effect = "no more of it is sold than the broker says is there; " if key else ""
        words = f"{what} cannot be applied ({error!r}): {effect}all else goes on, and it is tried again"
        journal.batch.alerts.append(AlertRaised("FACT_FAULT", words, facts, journal.now))

    def _show(self, ledger: Ledger) -> None:
        disputed = {fault.key: fault.name for fault in self.faults.values() if fault.key}
        ledger.proof.dispute(disputed, len(self.faults))


_SMALL: Final[Mapping[str, Sequence[str]]] = {
    "foreign": ("executions", "buys", "opaque"),
    "told_once": ("told",),
    "proof": ("told", "capped", "unequal", "doubted", "ghosts", "old_echoes"),
}
"""What an applier may change beside the ledger's tables, by the room that owns it: no trade of ours makes these
grow."""
_NOTHING: Final = ()
_small_of: Final = attrgetter(*(f"{room}.{name}" for room, names in _SMALL.items() for name in names))
_lists_of: Final = attrgetter(*(each.name for each in fields(TickBatch) if each.default_factory is list))
_dicts_of: Final = attrgetter(*(each.name for each in fields(TickBatch) if each.default_factory is dict))


class Savepoint:
    """The ledger and the journal before one fact, to be put back whole. It has to be closed."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self._ledger, self._journal = ledger, journal
        self._mark = ledger.undo.begin()
        self._small = [there.copy() if there else _NOTHING for there in _small_of(ledger)]
        self._lists = list(map(len, _lists_of(journal.batch)))
        self._dicts = [there.copy() if there else _NOTHING for there in _dicts_of(journal.batch)]
        self._commands, self._touched = len(journal.instructions), set(journal.touched)
        self._highest = ledger.highest_order_id

    def close(self) -> None:
        self._ledger.undo.end()

    def restore(self) -> None:
        """Put everything back as it was; containers stay the same objects, for others hold them."""
        self._ledger.undo.roll_back(self._mark)
        journal = self._journal
        containers = (*_small_of(self._ledger), *_dicts_of(journal.batch))
        for there, content in zip(containers, (*self._small, *self._dicts), strict=True):
            there.clear()
            there.update(content)
        for there, length in zip(_lists_of(journal.batch), self._lists, strict=True):
            del there[length:]
        del journal.instructions[self._commands :]
        journal.touched.clear()
        journal.touched.update(self._touched)
        self._ledger.highest_order_id = self._highest
        self._ledger.index()
