"""What is said again and again is told once, and then with its count."""

from __future__ import annotations

from collections import Counter
from typing import Final

_MOST_WORDS: Final = 1000


class Repeats:
    """Counts words. Told are the first, the tenth, the hundredth time of each; of more than a thousand different
    words the later ones count as one."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    def count(self, word: str) -> int:
        """Count a word and return how often it came by now where that is to be told, else zero."""
        known = word if word in self._times or len(self._times) < _MOST_WORDS else ""
        self._times[known] += 1
        times = self._times[known]
        return times if str(times).rstrip("0") == "1" else 0


def so_often(times: int) -> str:
    """Return the count in words, empty for the first time."""
    return f" ({times} times by now)" if times > 1 else ""
