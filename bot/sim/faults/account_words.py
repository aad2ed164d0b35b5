"""What an account says of itself on the wire when it says more, less or something else than it is worth."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bot.sim.tws.wire import WireMessage

VALUE, PNL = 6, 94
_UNSET: Final = "1.7976931348623157E308"
_GARBLED: Final = ("n/a", "1,234.56", "", "NaN", "-", "1e400", "--5", "\u0661\u0662")
_MONEY: Final = frozenset({"NetLiquidation", "TotalCashValue", "AvailableFunds", "BuyingPower"})
Bend = Callable[[WireMessage, random.Random], list[WireMessage]]


def bent(says: str, message: WireMessage, chance: random.Random) -> list[WireMessage]:
    """Return what is said instead of a message about the account."""
    return _BENDS[says](message, chance)


def _row(message: WireMessage, *, text: str | int | None = None, currency: str = "", account: str = "") -> WireMessage:
    version, tag, value, unit, whose = message.fields
    return WireMessage(VALUE, (version, tag, value if text is None else text, currency or unit, account or whose))


def _is_money(message: WireMessage) -> bool:
    return message.id == VALUE and message.fields[1] in _MONEY


def _zeros(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    """The account is being reset: it is not ready, and all that it has is nothing."""
    if not _is_money(message):
        is_word = message.id == VALUE and message.fields[1] == "AccountReady"
        return [_row(message, text="false")] if is_word else [message]
    version, _, _, _, account = message.fields
    ready = WireMessage(VALUE, (version, "AccountReady", "false", "", account))
    return [ready, _row(message, text="0.00")]


def _currencies(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    """Parts of the account in other money, and its whole in its base, stand among the dollars."""
    if not _is_money(message):
        return [message]
    others = [_row(message, text=chance.randint(1, 9_000_000), currency=unit) for unit in ("BASE", "HKD", "GBP")]
    if message.fields[1] == "NetLiquidation":
        others = others[:1]  # the whole is told in the account's own money alone
    return chance.sample([message, *others], len(others) + 1)


def _base(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    return [_row(message, currency="EUR")] if _is_money(message) else [message]


def _missing(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    return [] if _is_money(message) and chance.random() < 0.5 else [message]


def _unset(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    return [_row(message, text=_UNSET)] if _is_money(message) and chance.random() < 0.5 else [message]


def _garbled(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    return [_row(message, text=chance.choice(_GARBLED))] if _is_money(message) and chance.random() < 0.5 else [message]


def _others(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    if not _is_money(message):
        return [message]
    return [_row(message, text=chance.randint(0, 10**7), account="DU7654321"), message]


def _no_pnl(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    return [] if message.id == PNL else [message]


def _unset_pnl(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    return [WireMessage(PNL, (message.fields[0], _UNSET, _UNSET, _UNSET))] if message.id == PNL else [message]


def _slow(message: WireMessage, chance: random.Random) -> list[WireMessage]:
    """Nothing is told between the three-minute words."""
    return [] if message.id == VALUE else [message]


_BENDS: Final[Mapping[str, Bend]] = MappingProxyType(
    {
        "zeros": _zeros,
        "currencies": _currencies,
        "base": _base,
        "missing": _missing,
        "unset": _unset,
        "garbled": _garbled,
        "others": _others,
        "pnl_silent": _no_pnl,
        "pnl_unset": _unset_pnl,
        "slow": _slow,
    }
)
