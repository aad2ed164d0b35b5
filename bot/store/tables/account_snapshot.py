"""The account over time."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.events.account import AccountReported
from bot.store.fields import day, given, key, label, money, utc, whole
from bot.store.stored import Stored

ACCOUNTS: Final = Stored(
    AccountReported,
    "account_snapshot",
    given(key()),
    label("account"),
    given(day("day")),
    utc("at"),
    money("net_liquidation", maybe=True),
    money("available_funds", maybe=True),
    money("buying_power", maybe=True),
    money("cash", maybe=True),
    money("realized_pnl", "as the broker counts it", maybe=True),
    money("unrealized_pnl", "as the broker counts it", maybe=True),
    given(money("day_pnl", "equity less the day's first")),
    given(whole("open_positions")),
    given(whole("tick", "orders the rows as they were written, whatever the clock said", default="0")),
    more=(Index(None, "day", "at"),),
    in_memory=("daily_pnl", "pnl_at", "currency"),
    comment="the account over time",
)
ACCOUNT_SNAPSHOT: Final = ACCOUNTS.table
