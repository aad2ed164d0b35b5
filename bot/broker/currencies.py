"""What the account holds in each currency: rows of the account values that are told beside those in dollars.

Shown alone. What is traded and what counts is in dollars (`account`); rows in BASE repeat the account's own currency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.broker import words
from bot.domain.events.account import CurrencyTold
from bot.engine.state.ports import Clock, Sink

TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {"CashBalance": "cash", "NetLiquidationByCurrency": "net_liquidation", "ExchangeRate": "exchange_rate"}
)
BASE: Final = "BASE"
MOST: Final = 40
EVERY_S: Final = 10.0


@dataclass(slots=True)
class _Held:
    values: dict[str, Decimal]
    told_at: float = float("-inf")
    is_news: bool = True


class Currencies:
    """Gathers the rows of each currency and tells them now and then when they changed."""

    def __init__(self, clock: Clock, sink: Sink) -> None:
        self._clock = clock
        self._sink = sink
        self._held: dict[tuple[str, str], _Held] = {}

    def value(self, tag: str, text: str, currency: str, account: str) -> None:
        """Take one row; raises UnknownWord where a sum of money is none."""
        name = TAGS.get(tag)
        if name is None or currency in {"", BASE} or len(currency) > 8:
            return
        amount = words.money(text)
        if amount is None or ((account, currency) not in self._held and len(self._held) >= MOST):
            return
        held = self._held.setdefault((account, currency), _Held({}))
        held.is_news = held.is_news or held.values.get(name) != amount
        held.values[name] = amount

    def flush(self) -> None:
        """After a packet: tell what changed and was not told of late."""
        if not any(each.is_news for each in self._held.values()):
            return
        now = asyncio.get_running_loop().time()
        for (account, currency), held in self._held.items():
            if not held.is_news or now - held.told_at < EVERY_S:
                continue
            held.is_news, held.told_at = False, now
            rate = held.values.get("exchange_rate")
            self._sink(
                CurrencyTold(
                    account, currency, held.values.get("cash"), held.values.get("net_liquidation"),
                    None if rate is None else float(rate), self._clock.now(),
                )
            )  # fmt: skip
