"""What a fact changed in the ledger, in the order in which it can be taken back.

Context: each fact is applied on its own and is taken back whole when it raises. To copy the ledger before each of them
costs what a day has brought so far; nearly all of that stays as it is. Decision: while a savepoint is open, whoever
changes something notes how it was; rolling back goes through the notes, newest first. Consequence: a fact costs what it
changes. Tables that grow with the day's trades are `NotedDict`s, so that nobody who writes in one can forget it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Undo:
    """The notes since the outermost open savepoint. Savepoints may stand inside each other."""

    open: int = 0
    _back: list[tuple[Callable[..., object], tuple[Any, ...]]] = field(default_factory=list)

    def begin(self) -> int:
        """Open a savepoint; returns the mark to roll back to."""
        self.open += 1
        return len(self._back)

    def note(self, back: Callable[..., object], *given: Any) -> None:
        """Note how to take back what is about to be changed; nothing is noted while no savepoint is open."""
        if self.open:
            self._back.append((back, given))

    def roll_back(self, mark: int) -> None:
        """Take back what was changed since a savepoint. It stays open."""
        notes, self._back[mark:] = self._back[mark:], []
        was_open, self.open = self.open, 0  # what is put back is no news
        for back, given in reversed(notes):
            back(*given)
        self.open = was_open

    def end(self) -> None:
        """Close a savepoint; what was changed belongs to the one around it."""
        self.open -= 1
        if not self.open:
            self._back.clear()


class NotedDict(dict[K, V]):
    """A dict whose changes are noted. A key that goes has the whole table noted, for its place is part of it."""

    def __init__(self, undo: Undo, content: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> None:
        super().__init__(content)
        self._undo = undo

    def __setitem__(self, key: K, value: V) -> None:
        if self._undo.open:
            if key in self:
                self._undo.note(super().__setitem__, key, self[key])
            else:
                self._undo.note(super().__delitem__, key)
        super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        self._note_all()
        super().__delitem__(key)

    def pop(self, key: K, *default: Any) -> Any:
        if key in self:
            self._note_all()
        return super().pop(key, *default)

    def popitem(self) -> tuple[K, V]:
        self._note_all()
        return super().popitem()

    def setdefault(self, key: K, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *given: Any, **named: Any) -> None:
        for key, value in dict(*given, **named).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self

    def clear(self) -> None:
        self._note_all()
        super().clear()

    def _note_all(self) -> None:
        if self._undo.open:
            self._undo.note(self._be, dict(self))

    def _be(self, content: Mapping[K, V]) -> None:
        super().clear()
        super().update(content)
