"""Random numbers without state: streams keyed by words, and a hash that gives any second its own draw.

Python's `hash()` changes between processes, so words are folded with CRC-32.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MASK: Final = (1 << 64) - 1


def generator(seed: int, *words: str) -> np.random.Generator:
    """Return the generator of one purpose: the same seed and words give the same stream in every process."""
    keys = [zlib.crc32(word.encode()) for word in words]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed & _MASK, *keys])))


def mix(*parts: int) -> int:
    """Return 64 well-mixed bits of the given integers (the splitmix64 finaliser, Steele et al. 2014)."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & _MASK)) + 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def uniform(*parts: int) -> float:
    """Return a number in [0, 1) that depends on the given integers alone."""
    return (mix(*parts) >> 11) * 2.0**-53


def uniform_array(first: int, middle: NDArray[np.int64], last: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return `uniform(first, m, l)` for every m (and its l)."""
    state = np.full(len(middle), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for part in (np.int64(first), middle, np.asarray(last, dtype=np.int64)):
        state = (state ^ part.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(11)) * 2.0**-53, dtype=np.float64)
