"""What is proved about the broker's book, and what is in doubt: this room alone says what may be concluded from it.

Three witnesses: the comparison (a whole book, or its open orders and executions), the broker's own word on one contract
(`told`), and the facts that could not be applied (`disputed`). A start knows nothing of any of them. `held` is always
how many contracts our own executions leave us with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import datetime

from bot.engine.state.fact_name import FactName


class Proof:
    """Owned by the tick. `told`: contract -> how many the broker said last, of its own accord on this link. `capped`:
    contract -> how many may be on sale, while the broker tells of fewer. `disputed`: contract -> the fact about it that
    cannot be applied; `fact_faults`: how many facts cannot, of whatever kind."""

    def __init__(self) -> None:
        self.linked_since: datetime | None = None  # since when TWS has the broker's word; None: it has not
        self.proved_since: datetime | None = None  # since when open orders and executions are known on this connection
        self.told: dict[str, int] = {}
        self.capped: dict[str, int] = {}
        self.disputed: dict[str, FactName] = {}
        self.fact_faults = 0
        self.unequal: set[str] = set()  # contracts of which the broker's last whole book shows another quantity
        self.doubted: set[str] = set()  # contracts of which the broker's last whole book shows fewer than we count
        self.old_echoes: set[tuple[str, str]] = set()  # (reference, terms of before) that the book was asked for
        self.ghosts: set[str] = set()  # references of orders that are over here and live at the broker

    def carry_on(self, before: Proof) -> None:
        """Take over what a failed tick does not make untrue: the link, its word and what is in doubt. That the book was
        read is proved anew."""
        self.linked_since, self.told, self.capped = before.linked_since, before.told, before.capped
        self.doubted, self.unequal = before.doubted, before.unequal
        self.disputed, self.fact_faults = before.disputed, before.fact_faults
        self.old_echoes = before.old_echoes

    def begin_day(self) -> None:
        """Orders of the day before are over: what was asked about them may be asked anew."""
        self.old_echoes.clear()

    # ---- the link

    def link(self, now: datetime) -> None:
        """TWS has the broker's word from now on: what is proved, is proved anew."""
        self.proved_since, self.linked_since = None, now

    def unlink(self) -> None:
        """TWS has no word of the broker's: what it answers is from memory."""
        self.linked_since = None

    def begin_link(self) -> None:
        """The state of the link changed: nothing is proved on it, and nothing was said."""
        self.proved_since = self.linked_since = None
        self.told.clear()

    def is_of_this_link(self, asked_at: datetime) -> bool:
        """TWS answers from memory while it has no broker: a book from then is whole, and may be old."""
        return self.linked_since is not None and asked_at >= self.linked_since

    # ---- the comparison

    def prove(self, now: datetime) -> None:
        """Open orders and executions were read on this connection."""
        self.proved_since = self.proved_since or now

    def begin_comparison(self) -> None:
        """A whole book is gone through: what it shows replaces what an earlier one showed."""
        self.doubted.clear()
        self.unequal.clear()

    def refute(self, there: Mapping[str, int], held: Mapping[str, int]) -> None:
        """A part of a book shows fewer of these than we count: it may refute us, never prove us right."""
        self.doubted = {key for key, count in held.items() if there.get(key, 0) < count}

    def doubt(self, keys: Iterable[str]) -> None:
        """Nothing more is sold of these until a whole book tells."""
        self.doubted.update(keys)

    def differ(self, key: str, difference: int) -> None:
        """A first look shows another quantity than ours; where it is fewer, the contract is in doubt."""
        self.unequal.add(key)
        if difference < 0:
            self.doubted.add(key)

    # ---- the broker's own word

    def cap(self, key: str, most: int) -> None:
        self.capped[key] = most

    def lift_cap(self, key: str) -> bool:
        """Let all of it be sold again; says whether it was capped."""
        return self.capped.pop(key, None) is not None

    # ---- facts

    def dispute(self, disputed: Mapping[str, FactName], faults: int) -> None:
        """Say which contracts wait for a fact that cannot be applied, and how many facts cannot."""
        self.disputed, self.fact_faults = dict(disputed), faults

    # ---- what may be concluded

    @property
    def tells_of(self) -> Set[str]:
        """The contracts that the broker's own word is or was about."""
        return self.told.keys() | self.capped.keys()

    def bears_out(self, key: str, held: int) -> bool:
        """Say whether the broker's own word is that no fewer than we count are there."""
        return self.told.get(key, -1) >= held

    def is_in_doubt(self, key: str) -> bool:
        """Say whether anything at all speaks against what we count of a contract."""
        return key in self.doubted or key in self.capped or key in self.disputed

    def may_sell_more(self, key: str, held: int) -> bool:
        """Say whether a further sale can be of what is there: no look, no word and no fact speaks against it; of a
        contract in dispute only where the broker's own word bears our count out."""
        if key in self.doubted or key in self.capped:
            return False
        return key not in self.disputed or self.bears_out(key, held)

    def may_leave_since(self, key: str, held: int) -> datetime | None:
        """Return since when a position may be left though the comparison does not end; None: it may not. Our own
        executions prove its quantity, or the broker's word on it does, whatever else is not answered."""
        if key in self.doubted:
            return None
        if self.proved_since is None and self.bears_out(key, held):
            return self.linked_since
        return self.proved_since
