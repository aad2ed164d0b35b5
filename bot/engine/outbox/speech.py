"""Which transitions speak, to whom, in what words: a table. What is newly said is a row here and a text.

A row is asked of each transition of its machine that a tick is about to write, refused ones left out, and answers with
drafts (`bot.engine.outbox.draft`); what they say is in the transaction of the transition. `trigger` empty: any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.engine.outbox import approvals, holds, report_words, trades
from bot.engine.outbox.draft import Draft
from bot.engine.state.context import Context
from bot.engine.state.records import NewTransition


@dataclass(frozen=True, slots=True)
class Said:
    """What a row's text is made of: the transition, the thing it happened to (None where the ledger does not hold it),
    and the tick's world."""

    ctx: Context
    row: NewTransition
    entity: Any


Words = Callable[[Said], Iterable[Draft]]


@dataclass(frozen=True, slots=True)
class Speech:
    """One row: when `machine` goes through `trigger` (empty: any) into `to_state` (empty: any), `words` says it."""

    machine: str
    words: Words
    trigger: str = ""
    to_state: str = ""

    def is_about(self, row: NewTransition) -> bool:
        return self.trigger in {"", row.trigger} and self.to_state in {"", row.to_state}


SPEECHES: Final[tuple[Speech, ...]] = (
    Speech("approval", approvals.asked, trigger="created"),
    Speech("approval", approvals.edited, trigger="edit"),
    Speech("approval", approvals.decided, trigger="approve"),
    Speech("approval", approvals.decided, trigger="reject"),
    Speech("approval", approvals.decided, trigger="expire"),
    Speech("report", report_words.asked, trigger="ask"),
    Speech("report", report_words.decided, trigger="approve"),
    Speech("report", report_words.decided, trigger="reject"),
    Speech("position", trades.bought, trigger="created"),
    Speech("position", trades.sold, trigger="scale_out"),
    Speech("position", trades.closed, trigger="close"),
    *(Speech("session", holds.held, trigger=trigger) for trigger in ("pause", "halt", "resume")),
)


def by_machine(speeches: Iterable[Speech]) -> Mapping[str, tuple[Speech, ...]]:
    """Return the rows by the machine whose transitions they are asked of."""
    found: dict[str, tuple[Speech, ...]] = {}
    for each in speeches:
        found[each.machine] = (*found.get(each.machine, ()), each)
    return found
