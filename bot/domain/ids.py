"""Identifiers: ULIDs for everything that is ours, order references for what the broker must hand back to us.

A ULID (github.com/ulid/spec) is 48 bits of milliseconds and 80 bits of entropy in Crockford's base 32, so ids sort by
time and never collide across restarts. Time and entropy are given, so a replay with the same seed makes the same ids.
"""

from __future__ import annotations

import random
from datetime import datetime
from hashlib import sha256

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26


def ulid(at: datetime, entropy: int) -> str:
    """Return the ULID of an aware time and of the low 80 bits of `entropy`."""
    value = (int(at.timestamp() * 1000) << 80) | (entropy & ((1 << 80) - 1))
    digits = []
    for _ in range(_LENGTH):
        value, low = divmod(value, 32)
        digits.append(_CROCKFORD[low])
    return "".join(reversed(digits))


def derived_id(at: datetime, *parts: object) -> str:
    """Return a ULID made of a time and of what the thing says, so that a replay makes the same ids."""
    digest = sha256("\n".join(map(str, parts)).encode()).digest()
    return ulid(at, int.from_bytes(digest[:10], "big"))


class IdSource:
    """Makes ids from a stream of entropy: `secrets`-seeded when trading, a fixed seed in replay."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def new(self, at: datetime) -> str:
        """Return a fresh ULID for `at`."""
        return ulid(at, self._rng.getrandbits(80))


def order_ref(bot_id: str, order_id: str) -> str:
    """Return the reference that travels with an order (`<bot id>-<ulid>`): the key that finds it again anywhere."""
    return f"{bot_id}-{order_id}"


def is_ours(bot_id: str, reference: str) -> bool:
    """Say whether an order reference that the broker reports was made by this bot."""
    return reference.startswith(f"{bot_id}-")
