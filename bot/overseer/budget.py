"""What calls cost, and whether the day still has room for one: counted before it is made, by the most it can cost."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Final

from bot.config.overseer import ModelSettings

MICROS: Final = 1_000_000
_LETTERS_A_TOKEN: Final = 2
"""Fewer than any prompt of ours has: the reserve is never too small."""


def cost_micros(model: ModelSettings, tokens_in: int, tokens_out: int, cached_in: int = 0) -> int:
    """Return millionths of a dollar, rounded up. Thinking is inside `tokens_out`; prices are of a million tokens, so a
    token costs as many millionths as the price has dollars. `cached_in`: of the prompt, read from the cache."""
    is_long = bool(model.above_prompt) and tokens_in + cached_in > model.above_prompt
    price_in, price_out = (
        (model.input_above_usd, model.output_above_usd) if is_long else (model.input_usd, model.output_usd)
    )
    cached = cached_in * (price_in if model.cache_read_usd is None else model.cache_read_usd)
    return int((tokens_in * price_in + tokens_out * price_out + cached).to_integral_value(ROUND_CEILING))


def most_micros(model: ModelSettings, letters: int, max_tokens: int) -> int:
    """Return the most that a call can cost."""
    return cost_micros(model, letters // _LETTERS_A_TOKEN + 1, max_tokens)


class Budget:
    """One day's spending. What the store knows lags by the rows that no tick has read yet, so the larger counts."""

    def __init__(self, most_usd: Decimal) -> None:
        self._most = int(most_usd * MICROS)
        self._day: date | None = None
        self._spent = 0

    def begin(self, day: date, stored_usd: Decimal) -> None:
        """Take note of the day and of what the store knows of it."""
        stored = int(stored_usd * MICROS)
        self._spent = max(stored, self._spent) if day == self._day else stored
        self._day = day

    def reserve(self, micros: int) -> bool:
        """Set aside what a call may cost at most; False: the day has no room for it."""
        if self._spent + micros > self._most:
            return False
        self._spent += micros
        return True

    def settle(self, reserved: int, cost: int) -> None:
        """Replace what was set aside by what it cost."""
        self._spent += cost - reserved
