"""Every alert that the bot can raise, in one register: how grave it is, when it is told again, what to do about it.

An alert is raised by its code; its severity comes from here. A few have more than one: then the row says what makes the
difference. A code that no row knows is refused where it is raised (`UnknownNotice`), and a test walks the source, so
that none is raised without a row and no row is left over. `docs/alerts.md` is made from this table (`make docs`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain.errors import BotError
from bot.domain.notices.book import BOOK
from bot.domain.notices.broker import BROKER
from bot.domain.notices.clocks import CLOCKS
from bot.domain.notices.exits import EXITS
from bot.domain.notices.feeds import FEEDS
from bot.domain.notices.fills import FILLS
from bot.domain.notices.limits import LIMITS
from bot.domain.notices.orders import ORDERS
from bot.domain.notices.overseer import OVERSEER
from bot.domain.notices.program import PROGRAM
from bot.domain.notices.protection import PROTECTION
from bot.domain.notices.row import CRITICAL, INFO, SEVERITIES, WARNING, Notice
from bot.domain.notices.settlement import SETTLEMENT
from bot.domain.notices.telegram import TELEGRAM

__all__ = [
    "BROKER",
    "CRITICAL",
    "GROUPS",
    "INFO",
    "NUMBERED",
    "REGISTER",
    "SEVERITIES",
    "TWS_NUMBER",
    "WARNING",
    "Notice",
    "UnknownNotice",
    "notice_of",
    "severity_of",
]


class UnknownNotice(BotError, ValueError):
    """An alert whose code is in no row, or whose severity its row does not have."""


GROUPS: Final[Mapping[str, Mapping[str, Notice]]] = MappingProxyType(
    {
        "Protection": PROTECTION,
        "Exits": EXITS,
        "Orders": ORDERS,
        "Fills": FILLS,
        "The broker's book": BOOK,
        "Expiry and settlement": SETTLEMENT,
        "Limits and account": LIMITS,
        "Connection to the broker": BROKER,
        "Data vendor": FEEDS,
        "Clocks": CLOCKS,
        "Program and store": PROGRAM,
        "Overseer": OVERSEER,
        "Telegram": TELEGRAM,
    }
)
"""Heading -> its rows, gravest first as far as that can be said."""

REGISTER: Final[Mapping[str, Notice]] = MappingProxyType(
    {code: notice for group in GROUPS.values() for code, notice in group.items()}
)

TWS_NUMBER: Final = "TWS_"
"""An alert that hands on a number of TWS has the code TWS_ and the number."""
NUMBERED: Final = Notice(
    WARNING, "each time TWS says so",
    "TWS sent a notice or an error of this number that concerns no single order; the text is TWS's own.",
    "Look the number up in the API's list of message codes; nothing if no other alert follows.",
    {CRITICAL: "it is one of the numbers with which the gateway does not work for us at all"},
)  # fmt: skip
_NUMBERED: Final = re.compile(r"TWS_\d{1,9}")


def notice_of(code: str) -> Notice:
    """Return the row of a code; raises UnknownNotice."""
    found = NUMBERED if _NUMBERED.fullmatch(code) else REGISTER.get(code)
    if found is None:
        raise UnknownNotice(f"no alert has the code {code[:64]!r}: bot/domain/notices lists them")
    return found


def severity_of(code: str, said: str | None = None) -> str:
    """Return how grave an alert is: what its row says, or which of the row's severities the caller names."""
    notice = notice_of(code)
    if said is None:
        return notice.severity
    if said not in notice.severities:
        raise UnknownNotice(f"the alert {code} is {' or '.join(notice.severities)}, not {said[:64]!r}")
    return said
