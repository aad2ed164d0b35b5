"""Confluence: who agrees on one symbol and one direction, and who is against it.

A voice is a strategy's idea or a measure's lean on a symbol, up or down, with the moment that it was of. Of one source
the latest counts; a voice that is older than allowed is silent. Agreement is the part of the weight that is on the
stronger side; confluence needs at least two voices there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FEWEST_VOICES: Final = 2


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one source says of a symbol: `direction` 1 up, -1 down, 0 neither; `weight` above 0."""

    source: str
    symbol: str
    direction: int
    at: datetime
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Confluence:
    """Of one symbol: the stronger direction, who is for it and who against it, by name, and the part of the weight that
    is for it, above 0.5 to 1."""

    symbol: str
    direction: int
    agree: tuple[str, ...]
    against: tuple[str, ...]
    agreement: float


def confluence(voices: Iterable[Opinion], now: datetime, oldest: timedelta) -> list[Confluence]:
    """Return where at least two voices agree and outweigh those against them, the most agreement first."""
    latest: dict[tuple[str, str], Opinion] = {}
    for voice in sorted(voices, key=lambda each: each.at):
        if timedelta(0) <= now - voice.at <= oldest and voice.weight > 0 and math.isfinite(voice.weight):
            latest[voice.symbol, voice.source] = voice
    by_symbol: dict[str, list[Opinion]] = {}
    for voice in latest.values():
        if voice.direction:
            by_symbol.setdefault(voice.symbol, []).append(voice)
    found = [each for symbol, own in by_symbol.items() if (each := _of(symbol, own)) is not None]
    return sorted(found, key=lambda each: (-len(each.agree), -each.agreement, each.symbol))


def _of(symbol: str, voices: list[Opinion]) -> Confluence | None:
    up = [voice for voice in voices if voice.direction > 0]
    down = [voice for voice in voices if voice.direction < 0]
    heavy = math.fsum(each.weight for each in up), math.fsum(each.weight for each in down)
    direction, agree, against = (1, up, down) if heavy[0] > heavy[1] else (-1, down, up)
    if len(agree) < FEWEST_VOICES or heavy[0] == heavy[1]:
        return None
    names = tuple(sorted(each.source for each in agree)), tuple(sorted(each.source for each in against))
    return Confluence(symbol, direction, *names, max(heavy) / math.fsum(heavy))
