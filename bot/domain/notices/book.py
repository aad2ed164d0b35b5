"""Alerts about the broker's book held against ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, INFO, WARNING, Notice

BOOK: Final[Mapping[str, Notice]] = {
    "POSITION_ADOPTED": Notice(
        CRITICAL, EACH,
        "The broker holds contracts that the store does not know and that are ours, or that a person lets us take: "
        "they are protected and managed from now on.",
        "Check quantity and cost on the page; `close` it if it should not be held.",
    ),
    "ADOPT_ASKED": Notice(
        CRITICAL, "once, all that one look finds together; again only when there is more of it",
        "The broker holds contracts that nothing proves ours. They are left alone: not sold, not protected, not "
        "counted, and entries on their symbols wait for an answer.",
        "`adopt KEY` or `adopt all` if this bot is to protect and manage them. Else `decline` them, and manage them by "
        "hand.",
    ),
    "NOT_ADOPTED": Notice(
        WARNING, "once a contract; again only when there is more of it",
        "Contracts at the broker are not ours and are left alone; the text says why.",
        "Manage them by hand. The leg of a spread is taken over by `adopt KEY`; engine.adopt: all takes the rest.",
    ),
    "NOT_OURS_AT_BROKER": Notice(
        WARNING, "with each change of the holding; of what is no plain US option, once",
        "The account holds something that no trade of this bot explains: shown, left alone, counted nowhere.",
        "Nothing if somebody else trades in this account.",
        {INFO: "it is something that this bot never trades (a future, a spread, another currency)"},
    ),
    "SHORT_AT_BROKER": Notice(
        CRITICAL, "with each change of the holding",
        "The account is short an option, which this bot never is: left alone.",
        "If nobody else trades in this account, buy it back in TWS at once.",
    ),
    "POSITION_GONE": Notice(
        CRITICAL, EACH,
        "Contracts of ours are not at the broker any more: somebody else sold them. They count at what is known of "
        "the sale, else at the last bid.",
        "If no price was seen, tell it with `settle ID PRICE`.",
    ),
    "SOLD_ELSEWHERE_COUNTED": Notice(
        WARNING, EACH,
        "What somebody else's sale of our contracts brought is now known: realized P&L changed.",
        "Nothing; compare with the statement.",
    ),
    "FOREIGN_ORDER": Notice(
        WARNING, "once a day, order and status; of what is no plain US option, once",
        "Somebody else's order works in this account: left alone.",
        "Nothing if you know whose it is.",
        {INFO: "it is on something that this bot never trades"},
    ),
    "FOREIGN_EXECUTION": Notice(
        CRITICAL, "each execution; of what is no plain US option, once a security",
        "Somebody else traded in this account. On a symbol of ours, entries on it halt for the day.",
        "Find out who trades there; `resume SYMBOL` lets entries pass again.",
        {INFO: "it is in something that this bot never trades"},
    ),
    "FOREIGN_ORDER_ERROR": Notice(
        WARNING, EACH,
        "The broker sent an error for an order that is not ours.",
        "Nothing if somebody else trades in this account.",
    ),
    "SYMBOL_HALTED": Notice(
        CRITICAL, "once a day and symbol",
        "No more entries on a symbol today, because somebody else trades it in this account. Exits go on.",
        "`resume SYMBOL` when you know who it was.",
    ),
    "SNAPSHOT_INCOMPLETE": Notice(
        WARNING, "once for each set of missing parts",
        "The broker's book came without some of its parts: it proves nothing, it is asked again, and no entry leaves"
        " meanwhile.",
        "If it lasts for minutes, restart the gateway.",
    ),
}  # fmt: skip
