"""Bars by instrument and length, each once, the newest so many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bot.domain.bars import PriceBar, gathered

KEPT: Final[Mapping[int, int]] = MappingProxyType({5: 100, 60: 1000})
"""By length in seconds: how many are kept of an instrument."""
_MINUTE: Final = 60
_PARTS: Final = _MINUTE // min(KEPT)


class BarBook:
    """What the broker said of the past and says of the present, made one. A minute is gathered from its five seconds
    until the broker's own word on it comes."""

    def __init__(self) -> None:
        self._bars: dict[tuple[str, int], list[PriceBar]] = {}

    def put(self, key: str, bars: Sequence[PriceBar]) -> None:
        """Take bars in any order; one that is there already is replaced."""
        for seconds in {each.seconds for each in bars}:
            self._merge(key, seconds, [each for each in bars if each.seconds == seconds])
        if fresh := [each for each in bars if each.seconds == min(KEPT)]:
            since = min(each.at for each in fresh)
            begun = since.timestamp() - since.timestamp() % _MINUTE
            lately = self.of(key, min(KEPT))[-_PARTS - len(fresh) :]
            parts = [each for each in lately if each.at.timestamp() >= begun]
            self._merge(key, _MINUTE, gathered(parts, _MINUTE))

    def _merge(self, key: str, seconds: int, bars: Sequence[PriceBar]) -> None:
        known = self._bars.get((key, seconds), [])
        if known and len(bars) == 1 and bars[0].at >= known[-1].at:  # what comes as it happens
            if bars[0].at == known[-1].at:
                known.pop()
            known.append(bars[0])
            merged = known
        else:
            by_time = {each.at: each for each in (*known, *bars)}
            merged = [by_time[at] for at in sorted(by_time)]
        self._bars[key, seconds] = merged[-KEPT.get(seconds, _MINUTE) :]

    def of(self, key: str, seconds: int) -> Sequence[PriceBar]:
        """Return an instrument's bars of a length, oldest first; the last one may not have ended."""
        return self._bars.get((key, seconds), ())
