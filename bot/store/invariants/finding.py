"""What a check says, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from bot.store.chain import BEGINNING, Head

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: whether it holds, in words, and the rows that break it."""

    invariant: str
    ok: bool
    detail: str
    rows: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a check may know: a connection that cannot write, the limits, and the secrets that must be nowhere.

    Seconds are of the bot's clock. A sped-up clock makes wall-clock latencies long: `wall_grace_s` wall seconds are
    allowed for at the speed that the engine ran at.
    """

    connection: Connection
    protection_limit_s: float
    wall_grace_s: float
    secrets: Sequence[str]
    now: datetime | None  # None: the latest time that the store knows
    quote_max_age_s: float = 15.0  # of the quote by which the tick watches a stop that the broker does not take
    since: Head = BEGINNING  # up to here the chain was verified before

    def rows(self, sql: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """Return the rows of a SELECT."""
        found = self.connection.execute(text(sql), parameters)
        return [dict(row._mapping) for row in found]


class Faults:
    """Collects what breaks an invariant while a check walks."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, words: str, **facts: Any) -> None:
        self.rows.append({"problem": words, **facts})

    def finding(self, invariant: str, fine: str) -> Finding:
        """Return the finding: `fine` says what was checked when nothing is wrong."""
        if not self.rows:
            return Finding(invariant, True, fine)
        shown = "; ".join(row["problem"] for row in self.rows[:_SHOWN])
        more = f" (and {len(self.rows) - _SHOWN} more)" if len(self.rows) > _SHOWN else ""
        return Finding(invariant, False, f"{shown}{more}", tuple(self.rows))
