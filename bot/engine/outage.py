"""A store that cannot be used: since when, why, and when it is asked again.

While it lasts no tick runs, so nothing is decided and nothing is sent; facts wait in the inbox and protective stops
rest at the broker. It ends with the session halted, for a person should look before entries go on.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.errors import StoreUnusable

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


@dataclass
class Outage:
    """One outage; times are wall seconds of the clock's `monotonic`."""

    error: StoreUnusable
    since: float
    attempts: int = 0

    def __post_init__(self) -> None:
        self.next_at = self.since + FIRST_WAIT_S

    def again(self, error: StoreUnusable, now: float) -> None:
        """Another attempt failed: wait twice as long as before, up to the longest wait."""
        self.error = error
        self.attempts += 1
        self.next_at = now + min(FIRST_WAIT_S * 2**self.attempts, LONGEST_WAIT_S)

    def lasted_s(self, now: float) -> float:
        return now - self.since
