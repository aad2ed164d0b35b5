"""Every word that TWS has, in ours. A word that is in no table raises `UnknownWord`; it is never guessed at.

Sources: the vendor's message-code list and order-status page; the behaviour of each code on a live order as public
issue reports and measurements describe it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from bot.domain.errors import UnknownWord
from bot.domain.events.orders import BrokerOrderStatus, ErrorMeaning
from bot.domain.money import neat
from bot.domain.order import OrderSide, RefusalKind

# ---- orders

ORDER_STATUS: Final[Mapping[str, BrokerOrderStatus]] = MappingProxyType(
    {
        "ApiPending": BrokerOrderStatus.PENDING,
        "PendingSubmit": BrokerOrderStatus.PENDING,
        "PreSubmitted": BrokerOrderStatus.PENDING,
        "ApiUpdate": BrokerOrderStatus.PENDING,  # the gateway took a change and has not passed it on
        "Submitted": BrokerOrderStatus.WORKING,
        "PendingCancel": BrokerOrderStatus.CANCELLING,
        "ApiCancelled": BrokerOrderStatus.CANCELLED,
        "Cancelled": BrokerOrderStatus.CANCELLED,
        "Filled": BrokerOrderStatus.FILLED,
        "Inactive": BrokerOrderStatus.INACTIVE,
    }
)

ORDER_SIDE: Final[Mapping[str, OrderSide]] = MappingProxyType(
    {
        "BUY": OrderSide.BUY,
        "SELL": OrderSide.SELL,
        "SSHORT": OrderSide.SELL,
        "SLONG": OrderSide.SELL,
        "BOT": OrderSide.BUY,
        "SLD": OrderSide.SELL,
    }
)

_E = ErrorMeaning

ORDER_ERRORS: Final[Mapping[int, ErrorMeaning]] = MappingProxyType(
    {
        100: _E.AMBIGUOUS,  # too many messages: this one may have been swallowed
        103: _E.NOT_PLACED,  # the id was used before
        104: _E.AMBIGUOUS,  # modification of what is filled by now: the executions say
        105: _E.NOT_PLACED,  # modification that does not match: the original lives
        106: _E.NOT_PLACED,
        107: _E.NOT_PLACED,
        109: _E.NOT_PLACED,
        110: _E.NOT_PLACED,  # off the price grid; the client library leaves such an order pending for ever
        111: _E.NOT_PLACED,
        135: _E.AMBIGUOUS,  # no such order, whatever was asked of it
        136: _E.CANCEL_REFUSED,
        161: _E.CANCEL_REFUSED,
        163: _E.NOT_PLACED,  # precaution: the price is too many percent away
        200: _E.REJECTED,
        201: _E.REJECTED,
        202: _E.CANCEL_REPORTED,
        203: _E.REJECTED,
        320: _E.AMBIGUOUS,  # the gateway stumbled over the request
        321: _E.NOT_PLACED,  # the request is not valid, or the API is read-only
        325: _E.NOT_PLACED,
        327: _E.AMBIGUOUS,  # by the vendor's list not about an order, nor are 330 and 331
        328: _E.NOT_PLACED,
        329: _E.NOT_PLACED,  # a change into another type: the original lives
        330: _E.AMBIGUOUS,
        331: _E.AMBIGUOUS,
        354: _E.NOT_PLACED,  # precaution: no market data for what is to be traded
        355: _E.NOT_PLACED,  # the size does not fit the market rule
        382: _E.NOT_PLACED,  # precaution: the price is too many ticks away
        383: _E.NOT_PLACED,  # precaution: the size limit
        387: _E.NOT_PLACED,
        388: _E.NOT_PLACED,
        391: _E.NOT_PLACED,  # a date and time in an order field that cannot be read
        399: _E.WARNING,  # held until the open, and the like: the order is live
        403: _E.NOT_PLACED,  # the stop price is not valid
        404: _E.WARNING,  # shares are being located
        412: _E.REJECTED,  # the contract is not available for trading
        434: _E.NOT_PLACED,
        435: _E.NOT_PLACED,  # no account is named
        460: _E.REJECTED,
        461: _E.AMBIGUOUS,  # in no list of the vendor's that we have, as 10289, 10327 and 10329
        481: _E.WARNING,  # the size was cut; the terms that are shown say to what
        492: _E.WARNING,
        505: _E.AMBIGUOUS,
        2102: _E.NOT_PLACED,  # a modification came too early after the last one
        2109: _E.WARNING,
        2137: _E.WARNING,
        2148: _E.WARNING,
        2161: _E.WARNING,
        2168: _E.WARNING,
        2169: _E.WARNING,
        2174: _E.WARNING,
        10006: _E.NOT_PLACED,  # the parent order is missing
        10147: _E.CANCEL_REFUSED,
        10148: _E.CANCEL_REFUSED,
        10268: _E.NOT_PLACED,
        10289: _E.AMBIGUOUS,
        10311: _E.WARNING,
        10314: _E.NOT_PLACED,
        10327: _E.AMBIGUOUS,
        10329: _E.AMBIGUOUS,
        10349: _E.WARNING,  # time in force taken from a preset: the order is live
    }
)

REFUSALS: Final[tuple[tuple[int | None, str, RefusalKind], ...]] = (
    (201, "both sides", RefusalKind.OTHER_SIDE),  # these words tell it from the other refusals of its code
    (None, "read-only", RefusalKind.READ_ONLY),
)
"""Code (None: any), what its text has in it in small letters, what that says."""


# ---- the system as a whole (id -1)


class SystemWord(StrEnum):
    """What a code that concerns no single request says."""

    ORDERS_LOST = "orders_lost"
    RESTORED_ANEW = "restored_anew"  # subscriptions are gone
    RESTORED_KEPT = "restored_kept"
    FARM_OK = "farm_ok"
    COMPETING = "competing"
    ID_TAKEN = "id_taken"
    ACCOUNT_STREAM_LOST = "account_stream_lost"
    NOTICE = "notice"
    WARNING = "warning"
    FAULT = "fault"


_S = SystemWord

SYSTEM_CODES: Final[Mapping[int, SystemWord]] = MappingProxyType(
    {
        100: _S.FAULT,  # message rate
        162: _S.NOTICE,
        165: _S.NOTICE,
        320: _S.FAULT,
        321: _S.FAULT,
        322: _S.FAULT,
        326: _S.ID_TAKEN,
        366: _S.NOTICE,
        502: _S.WARNING,
        504: _S.WARNING,
        505: _S.FAULT,
        1100: _S.ORDERS_LOST,
        1101: _S.RESTORED_ANEW,
        1102: _S.RESTORED_KEPT,
        1300: _S.WARNING,  # the socket port was changed; the connection drops next
        2100: _S.ACCOUNT_STREAM_LOST,
        2101: _S.FAULT,
        2103: _S.NOTICE,
        2104: _S.FARM_OK,
        2105: _S.NOTICE,
        2106: _S.FARM_OK,
        2107: _S.FARM_OK,  # idle, comes back on demand
        2108: _S.FARM_OK,
        2110: _S.ORDERS_LOST,
        2119: _S.NOTICE,
        2157: _S.NOTICE,  # security definitions: nothing that is already qualified needs them
        2158: _S.FARM_OK,
        2159: _S.NOTICE,
        2174: _S.NOTICE,
        10182: _S.NOTICE,
        10197: _S.COMPETING,
        10225: _S.NOTICE,
        10314: _S.FAULT,
    }
)


# ---- market data lines


class LineWord(StrEnum):
    """What a code says of one market data line."""

    UNKNOWN_CONTRACT = "unknown_contract"
    TOO_MANY = "too_many"
    NOT_SUBSCRIBED = "not_subscribed"  # of all of a line or of a part of it: what ticks, is
    HALTED = "halted"  # has to be asked for again
    RESET = "reset"  # what was said is void; all of it comes anew
    PACED = "paced"  # asked too often, or lost on the way: it may be asked for again after a while
    COMPETING = "competing"
    NOTICE = "notice"
    FAULT = "fault"


_L = LineWord

LINE_CODES: Final[Mapping[int, LineWord]] = MappingProxyType(
    {
        100: _L.FAULT,
        101: _L.TOO_MANY,
        102: _L.FAULT,
        162: _L.PACED,
        200: _L.UNKNOWN_CONTRACT,
        203: _L.NOT_SUBSCRIBED,
        300: _L.NOTICE,  # cancelled right after it was asked for
        309: _L.TOO_MANY,
        310: _L.NOTICE,
        316: _L.HALTED,
        317: _L.RESET,
        320: _L.FAULT,
        321: _L.FAULT,
        322: _L.FAULT,
        354: _L.NOT_SUBSCRIBED,
        366: _L.PACED,
        420: _L.PACED,
        460: _L.NOT_SUBSCRIBED,
        505: _L.FAULT,
        2152: _L.NOTICE,  # which exchanges a smart book is made of
        10089: _L.NOT_SUBSCRIBED,
        10090: _L.NOT_SUBSCRIBED,
        10092: _L.NOT_SUBSCRIBED,
        10167: _L.NOTICE,  # delayed data is shown; the ticks say so themselves
        10168: _L.NOT_SUBSCRIBED,
        10182: _L.PACED,
        10186: _L.NOT_SUBSCRIBED,
        10189: _L.TOO_MANY,
        10190: _L.TOO_MANY,
        10197: _L.COMPETING,
    }
)

OPTION_KINDS: Final = frozenset({"OPT", "FOP", "WAR", "IOPT"})
FARM_CODES: Final = frozenset({2103, 2104, 2105, 2106, 2107, 2108, 2110, 2119, 2157, 2158})
"""Notices of data farms. They say when to look at the lines, in any words and of any farm; they decide nothing."""
DOLLARS: Final = "USD"
NOTICE_RANGE: Final = range(2100, 2200)
"""Codes that inform or warn by the vendor's own numbering: an unknown one is told, and stops nothing."""

# ---- ticks

BID, ASK, LAST, BID_SIZE, ASK_SIZE, LAST_SIZE = "bid", "ask", "last", "bid_size", "ask_size", "last_size"

PRICE_TICKS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        1: (BID, BID_SIZE), 2: (ASK, ASK_SIZE), 4: (LAST, LAST_SIZE),
        66: (BID, BID_SIZE), 67: (ASK, ASK_SIZE), 68: (LAST, LAST_SIZE),
    }
)  # fmt: skip
SIZE_TICKS: Final[Mapping[int, str]] = MappingProxyType(
    {0: BID_SIZE, 3: ASK_SIZE, 5: LAST_SIZE, 69: BID_SIZE, 70: ASK_SIZE, 71: LAST_SIZE}
)
DELAYED_TICKS: Final = frozenset({66, 67, 68, 69, 70, 71})
CLOSE_TICKS: Final = frozenset({9, 75})  # the session's before; 75 is delayed
MODEL_GREEKS: Final = frozenset({13, 83})
HALTED_TICK: Final = 49
DELAYED_DATA: Final = frozenset({3, 4})  # marketDataType: delayed, delayed and frozen

# ---- the account

ACCOUNT_TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NetLiquidation": "net_liquidation",
        "AvailableFunds": "available_funds",
        "BuyingPower": "buying_power",
        "TotalCashValue": "cash",
        "RealizedPnL": "realized_pnl",
        "UnrealizedPnL": "unrealized_pnl",
    }
)
PAPER_PREFIXES: Final = ("D",)  # DU, DF, DI: a live account starts with U, F or I

# ---- numbers

_UNSET: Final = 1e300
MOST_MONEY: Final = Decimal(10) ** 13
_MOST: Final = float(MOST_MONEY)
"""No account and no price is as large: a larger number is a broken one."""
MOST_PRICE: Final = 1e7
NO_PRICE: Final = -1.0
SIGNED_KINDS: Final = frozenset({"IND", "FUT"})
"""Kinds of instruments whose values may be negative."""
MOST_CONTRACTS: Final = 1_000_000


def order_status(word: str) -> BrokerOrderStatus:
    """Return our word for an order status; raises UnknownWord."""
    try:
        return ORDER_STATUS[word]
    except KeyError:
        raise UnknownWord(f"order status {word!r}") from None


def order_side(word: str) -> OrderSide:
    """Return the side of an order or an execution; raises UnknownWord."""
    try:
        return ORDER_SIDE[word]
    except KeyError:
        raise UnknownWord(f"side {word!r}") from None


def order_error(code: int) -> ErrorMeaning:
    """Return what an error code says of the order that it came for; raises UnknownWord."""
    try:
        return ORDER_ERRORS[code]
    except KeyError:
        raise UnknownWord(f"order error {code}") from None


def refusal(code: int, text: str) -> RefusalKind | None:
    """Return what the text of an order's error says beyond its code; None: nothing that decides."""
    said = text.lower()
    return next((says for of, words, says in REFUSALS if of in {None, code} and words in said), None)


def system_word(code: int) -> SystemWord:
    """Return what a system code says; raises UnknownWord."""
    try:
        return SYSTEM_CODES[code]
    except KeyError:
        raise UnknownWord(f"system code {code}") from None


def line_word(code: int) -> LineWord:
    """Return what a code says of the market data line that it came for; raises UnknownWord."""
    try:
        return LINE_CODES[code]
    except KeyError:
        raise UnknownWord(f"market data code {code}") from None


def is_set(value: float) -> bool:
    """Say whether a number is one: neither NaN nor infinite nor one of the spellings of unset."""
    return math.isfinite(value) and abs(value) < _UNSET


@lru_cache(maxsize=16_384)
def number(value: float) -> Decimal | None:
    """Return an exact number, None where the broker gives none. Binary dust beyond eight decimals goes."""
    if not is_set(value):
        return None
    return neat(Decimal(str(round(value, 8))))


def price(value: float) -> Decimal | None:
    """Return the price of a quote; -1, anything else below zero, and what is beyond all prices is none."""
    return number(value) if 0 <= value < MOST_PRICE else None


def signed_price(value: float) -> Decimal | None:
    """Return the price of what may stand below zero (breadth is a difference, a future has traded there); -1 is the
    word for none all the same."""
    return number(value) if abs(value) < MOST_PRICE and value != NO_PRICE else None


def refuse_nonsense(value: float, what: str) -> None:
    """Raise UnknownWord for a number of a tick that is none or beyond all measure; unset and -1 are words for none."""
    if -_MOST < value < _MOST:
        return
    if math.isnan(value) or math.isinf(value) or _MOST <= abs(value) < _UNSET:
        raise UnknownWord(f"{what}: {value}")


def ask_price(value: float) -> Decimal | None:
    """Return an ask; nobody sells for nothing, so zero is no offer."""
    return price(value) if value > 0 else None


def size(value: float) -> int:
    """Return a size in whole contracts or shares, zero where the broker gives none that can be."""
    return int(value) if is_set(value) and 0 < value < MOST_MONEY else 0


def greek(value: float, not_computed: float) -> float | None:
    """Return a model value; the broker spells "not computed" as -1 or -2, or leaves it unset."""
    return value if is_set(value) and value != not_computed else None


def money(text: str) -> Decimal | None:
    """Return a sum of money that came as text, None for an unset one; raises UnknownWord on what is no number."""
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise UnknownWord(f"amount {text!r}") from None
    if amount.is_finite() and abs(amount) >= Decimal(_UNSET):
        return None
    if not amount.is_finite() or abs(amount) >= MOST_MONEY:
        raise UnknownWord(f"amount {text!r}")
    return amount


def is_paper(account: str) -> bool:
    """Say whether an account name is one of a paper login."""
    return account.upper().startswith(PAPER_PREFIXES)


# ---- which program listens

_TWS, _GATEWAY = "TWS", "IB Gateway"
USUAL_PORTS: Final[Mapping[int, tuple[str, bool]]] = MappingProxyType(
    {7497: (_TWS, True), 7496: (_TWS, False), 4002: (_GATEWAY, True), 4001: (_GATEWAY, False)}
)
"""Port -> (program, whether its logins are paper ones), as installed: a person may have set another one. The protocol
itself does not say which of the two programs answers, so the port is all there is to go by; the account decides."""


def port_words(port: int) -> str:
    """Return what usually listens on a port."""
    if port not in USUAL_PORTS:
        return "no usual port of TWS or IB Gateway"
    program, paper = USUAL_PORTS[port]
    return f"the usual port of {program} for {'paper' if paper else 'live'}"


def ports_words(*, paper: bool) -> str:
    """Return the usual ports of one kind of login."""
    return " or ".join(f"{port} ({program})" for port, (program, kind) in USUAL_PORTS.items() if kind is paper)
