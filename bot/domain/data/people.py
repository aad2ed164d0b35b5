"""People who may know more: members of Congress and insiders. A trade counts from the day it was filed, not before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Dealing(StrEnum):
    """What a person did."""

    BUY = "buy"
    SELL = "sell"
    EXCHANGE = "exchange"
    RECEIVE = "receive"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CongressTrade:
    """A filed trade of a member. Only a range of dollars is known, `most` None where it is open; `owner` is self,
    spouse, joint, child or undisclosed. `traded_on` may be wrong as filed; nobody could know before `filed_on`."""

    name: str
    chamber: str
    ticker: str
    dealing: Dealing
    least: Decimal | None
    most: Decimal | None
    traded_on: date | None
    filed_on: date | None
    owner: str
    notes: str


@dataclass(frozen=True, slots=True)
class InsiderTrade:
    """A transaction of an insider. `shares` is signed, negative for a sale; `code` is the SEC's (P an open-market
    purchase, S a sale); `planned` says that a 10b5-1 plan had fixed it in advance; `filings` how many were merged."""

    id: str
    owner: str
    title: str
    ticker: str
    code: str
    shares: int
    price: Decimal | None
    traded_on: date | None
    filed_on: date | None
    planned: bool
    is_director: bool
    is_officer: bool
    is_ten_percent_owner: bool
    shares_after: int | None
    filings: int

    @property
    def value(self) -> Decimal | None:
        """Return signed dollars, None where there is no price."""
        return None if self.price is None else self.price * self.shares

    @property
    def is_discretionary_purchase(self) -> bool:
        return self.code == "P" and not self.planned
