"""What the broker says that the account is worth, and what the day and the drawdown are measured from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from bot.domain.quotes import Quote
from bot.engine.state.equity import Equity, ValueFault
from bot.engine.state.records import LoadedState


class Worked(NamedTuple):
    """What a position had brought by a quote, in dollars, and the version of the ledger by which that was worked out;
    `value` is None without a quote that has a middle."""

    version: int
    quote: Quote | None
    realized: Decimal
    value: Decimal | None


class BrokerAccount:
    """Owned by `bot.engine.day.account`. Money in dollars; `equity` is what the account is worth at this moment, None:
    see `equity_fault`. `opening_equity`: New York day -> its first equity. `high_water`: the highest that the broker
    said since the drawdown was last acknowledged."""

    def __init__(self, loaded: LoadedState) -> None:
        self.heard = Equity(kept=loaded.last_account)  # what came or went while nobody looked shows beside it
        self._on_disk = Equity()  # as it was at the last commit
        self.equity: Decimal | None = None
        self.equity_fault: ValueFault | None = None
        self.opening_equity: dict[date, Decimal] = dict(loaded.opening_equity)
        self.opening_guessed_on: date | None = None  # the day whose first equity may still be mended
        self.last_close = loaded.last_close
        self.high_water = loaded.high_water
        self.buying_power: Decimal | None = None  # as told last, in this run
        self._seen_until = loaded.account_seen_at
        self.values: dict[str, Worked] = {}

    def carry_on(self, before: BrokerAccount) -> None:
        """Take over the broker's words up to the last commit: those of a failed tick come again."""
        self.heard, self._on_disk = replace(before._on_disk), replace(before._on_disk)
        self.buying_power = before.buying_power

    def committed(self) -> None:
        """What was heard is on disk."""
        self._on_disk = replace(self.heard)

    def day_pnl(self, day: date) -> Decimal | None:
        """Return equity now less the day's first equity; None until the broker has said both."""
        opening = self.opening_equity.get(day)
        return None if self.equity is None or opening is None else self.equity - opening

    def move_along(self, amount: Decimal, day: date) -> None:
        """Money that came or went is neither won nor lost: what equity is compared with moves by the same sum."""
        if day in self.opening_equity:
            self.opening_equity[day] += amount
        if self.high_water is not None:
            self.high_water += amount

    def raise_high_water(self, value: Decimal) -> None:
        self.high_water = max(self.high_water or value, value)

    def see_until(self, now: datetime) -> datetime:
        """Return up to when what the account said is reckoned in the high water: never earlier than it was, for what a
        clock that was set back since dates later has been reckoned in all the same, cash that came or went too."""
        self._seen_until = max(self._seen_until or now, now)
        return self._seen_until

    def begin_high_water_anew(self) -> None:
        """A person acknowledged the drawdown: it is measured from the broker's present word."""
        self.high_water = self.heard.told

    def forget_before(self, day: date) -> None:
        self.opening_equity = {each: equity for each, equity in self.opening_equity.items() if each >= day}
        self.values.clear()
