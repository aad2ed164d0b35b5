"""What else an account may hold: random holdings, orders and executions of other people and programs, in the broker's
own words.

The words are text, as on the wire: kinds of security, states, sides, types and numbers that this bot has no table for
are what they are for. Nothing here bears this bot's client id, its references or a contract that it trades.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

FIRST_CON_ID: Final = 900_000_001
FIRST_PERM_ID: Final = 1_900_000_001
OTHER_CLIENTS: Final = (0, 3, 99, -1)


@dataclass(frozen=True, slots=True)
class StrangeContract:
    """A contract in the order of the wire, conId first."""

    con_id: int
    symbol: str
    sec_type: str
    last_day: str = ""
    strike: str = "0"
    right: str = ""
    multiplier: str = ""
    exchange: str = "SMART"
    currency: str = "USD"
    local_symbol: str = ""
    trading_class: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        return (
            str(self.con_id), self.symbol, self.sec_type, self.last_day, self.strike, self.right, self.multiplier,
            self.exchange, self.currency, self.local_symbol or self.symbol, self.trading_class,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StrangeHolding:
    contract: StrangeContract
    quantity: str
    average_cost: str


@dataclass(frozen=True, slots=True)
class StrangeOrder:
    contract: StrangeContract
    action: str
    quantity: str
    order_type: str
    status: str
    limit: str
    client_id: int
    order_id: int
    perm_id: int
    reference: str


@dataclass(frozen=True, slots=True)
class StrangeFill:
    contract: StrangeContract
    side: str
    shares: str
    price: str
    client_id: int
    perm_id: int
    exec_id: str
    reference: str


@dataclass(frozen=True, slots=True)
class Strangers:
    """Everything of other people in one account."""

    holdings: Sequence[StrangeHolding] = ()
    open_orders: Sequence[StrangeOrder] = ()
    completed_orders: Sequence[StrangeOrder] = ()
    fills: Sequence[StrangeFill] = ()


_C = StrangeContract
CONTRACTS: Final[Mapping[str, StrangeContract]] = MappingProxyType(
    {
        "currency": _C(0, "EUR", "CASH", exchange="IDEALPRO", local_symbol="EUR.USD", trading_class="EUR.USD"),
        "coins": _C(0, "BTC", "CRYPTO", exchange="PAXOS", local_symbol="BTC.USD", trading_class="BTC"),
        "difference": _C(0, "IBUS500", "CFD", local_symbol="IBUS500", trading_class="IBUS500"),
        "bond": _C(0, "US-T", "BOND", "20560515", local_symbol="912810SX7"),
        "fund": _C(0, "VFIAX", "FUND", exchange="FUNDSERV"),
        "future": _C(0, "ES", "FUT", "20261218", multiplier="50", exchange="CME", local_symbol="ESZ6"),
        "future option": _C(0, "ES", "FOP", "20261218", "6000", "C", "50", "CME", "USD", "ESZ6 C6000", "ES"),
        "metal": _C(0, "XAUUSD", "CMDTY"),
        "warrant": _C(0, "DB", "WAR", "20270618", "17", "C", "0.1", "FWB", "EUR", "DB7XYZ"),
        "structured": _C(0, "ESTX50", "IOPT", "20270618", "4000", "P", "0.01", "SBF", "EUR"),
        "spread": _C(28_812_380, "SPY", "BAG", local_symbol="28812380"),
        "unheard of": _C(0, "THING", "XYZZY", multiplier="None", currency=""),
        "no kind": _C(0, "", "", currency="", exchange=""),
        "share in euros": _C(0, "SAP", "STK", exchange="IBIS", currency="EUR"),
        "same ticker elsewhere": _C(0, "SPY", "STK", exchange="ASX", currency="AUD"),
        "same ticker in dollars": _C(0, "SPX", "STK", exchange="LSE"),
        "share": _C(0, "GME", "STK", exchange="NYSE"),
        "adjusted": _C(0, "AAPL", "OPT", "20261120", "150", "C", "150", "", "USD", "AAPL1 261120C00150000", "AAPL1"),
        "mini": _C(0, "AAPL", "OPT", "20261120", "150", "C", "10", "", "USD", "AAPL7 261120C00150000", "AAPL7"),
        "flexible": _C(0, "SPY", "OPT", "20261123", "600.5", "P", "100", "", "USD", "2SPY  261123P00600500", "2SPY"),
        "option in euros": _C(0, "ALV", "OPT", "20261218", "300", "C", "100", "EUREX", "EUR", "C ALV DEC 26", "ALV"),
        "tiny strike": _C(0, "PNY", "OPT", "20261120", "0.0005", "C", "100", "", "USD", "PNY 0.0005 C", "PNY"),
        "large strike": _C(0, "BRK A", "OPT", "20261120", "750000", "C", "100", "", "USD", "BRK A 750000 C", "BRKA"),
        "long class": _C(0, "LONG", "OPT", "20261120", "5", "C", "100", "", "USD", "LONGCLASS C5", "LONGCLASS"),
        "no multiplier": _C(0, "NOM", "OPT", "20261120", "5", "C", "0", "", "USD", "NOM   261120C00005000", "NOM"),
        "unset multiplier": _C(0, "NON", "OPT", "20261120", "5", "C", "", "", "USD", "NON   261120C00005000", "NON"),
        "no strike": _C(0, "NUL", "OPT", "20261120", "NaN", "X", "100", "", "USD", "NUL", "NUL"),
    }
)
"""By what is odd about it; the conId is given out, but for the spread's, which all spreads share."""

QUANTITIES: Final = ("0.25", "0.00012", "-1000000", "1", "-3", "7", "1E-8", "100.4217", "250000.37")
ACTIONS: Final = ("BUY", "SELL", "SSHORT", "SLONG", "EXERCISE", "LEND", "")
TYPES: Final = ("LMT", "MKT", "STP", "TRAIL LIMIT", "PEG BEST", "VWAP", "REL", "IBALGO?", "")
STATES: Final = ("Submitted", "PreSubmitted", "Inactive", "Frozen", "PendingReview", "ValidateOnly", "")
ENDS: Final = ("Filled", "Cancelled", "Expired", "Busted", "")
SIDES: Final = ("BOT", "SLD", "ASSIGNED", "XFER", "")
PRICES: Final = ("1.0931", "-37.63", "0.00001", "98000.5", "750000", "0")


def twins_of(local_symbol: str, symbol: str, strike: str, right: str, last_day: str) -> Sequence[StrangeContract]:
    """Return contracts under the OSI symbol of a given one that are others: another currency's, another multiplier's,
    and one that differs in nothing but its conId."""
    same = _C(
        0, symbol, "OPT", last_day, strike, right, "100", "", "USD", local_symbol, local_symbol[:6].strip()
    )  # fmt: skip
    return (replace(same, currency="CAD"), replace(same, multiplier="150"), same)


def some_strangers(chance: random.Random, most: int = 6, twins: Sequence[StrangeContract] = ()) -> Strangers:
    """Return up to `most` things of each kind."""
    return _Maker(chance, (*CONTRACTS.values(), *twins)).make(most)


class _Maker:
    def __init__(self, chance: random.Random, contracts: Sequence[StrangeContract]) -> None:
        self._chance = chance
        self._contracts = [
            each if each.con_id else replace(each, con_id=FIRST_CON_ID + i) for i, each in enumerate(contracts)
        ]
        self._numbers = iter(range(1, 1_000_000))

    def make(self, most: int) -> Strangers:
        count, pick = self._chance.randint, self._chance.sample
        held = pick(self._contracts, k=min(count(0, most), len(self._contracts)))
        return Strangers(
            [StrangeHolding(each, self._one(QUANTITIES), self._one(PRICES)) for each in held if each.sec_type != "BAG"],
            [self._order(STATES) for _ in range(count(0, most))],
            [self._order(ENDS) for _ in range(count(0, most))],
            [self._fill() for _ in range(count(0, most))],
        )

    def _one(self, words: Sequence[str]) -> str:
        return self._chance.choice(words)

    def _order(self, states: Sequence[str]) -> StrangeOrder:
        number = next(self._numbers)
        client_id = self._chance.choice(OTHER_CLIENTS)
        return StrangeOrder(
            self._chance.choice(self._contracts), self._one(ACTIONS), self._one(QUANTITIES).lstrip("-"),
            self._one(TYPES), self._one(states), self._one(PRICES), client_id,
            -number if client_id <= 0 else number, FIRST_PERM_ID + number, self._one(("", "mine", "bot2-1")),
        )  # fmt: skip

    def _fill(self) -> StrangeFill:
        number = next(self._numbers)
        return StrangeFill(
            self._chance.choice(self._contracts), self._one(SIDES), self._one(QUANTITIES).lstrip("-"),
            self._one(PRICES), self._chance.choice(OTHER_CLIENTS), FIRST_PERM_ID + number,
            f"0000ff{number:04x}.01.01", self._one(("", "mine")),
        )  # fmt: skip
