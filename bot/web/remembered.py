"""Answers that are made once as long as what they are made of stands."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")

KEPT: Final = 24
"""Answers that are kept; of more, the oldest goes."""


class Remembered:
    """Keeps each answer by its question until its stamp is another; safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Hashable, tuple[Hashable, Any]] = {}

    def once(self, question: Hashable, stamp: Hashable, make: Callable[[], Answer]) -> Answer:
        """Return the answer to a question as it was made of what `stamp` stands for, else make it."""
        with self._lock:
            known = self._kept.get(question)
            if known is not None and known[0] == stamp:
                kept: Answer = known[1]
                return kept
        made = make()
        with self._lock:
            self._kept.pop(question, None)
            self._kept[question] = (stamp, made)
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return made
