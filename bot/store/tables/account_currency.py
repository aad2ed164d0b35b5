"""What the account holds in each currency."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String

from bot.domain.events.account import CurrencyTold
from bot.store.fields import money, number, of_column, utc
from bot.store.stored import Stored

ACCOUNT_CURRENCIES: Final = Stored(
    CurrencyTold,
    "account_currency",
    of_column(Column("account", String(64), primary_key=True)),
    of_column(Column("currency", String(64), primary_key=True)),
    money("cash", "in this currency", maybe=True),
    money("net_liquidation", "in this currency", maybe=True),
    number("exchange_rate", "to the account's own currency", maybe=True),
    utc("at"),
    comment="what the account holds in each currency, as the broker tells it",
)
ACCOUNT_CURRENCY: Final = ACCOUNT_CURRENCIES.table
