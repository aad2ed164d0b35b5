"""Alerts about expiry, exercise and settlement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, END, INFO, NOTHING, WARNING, Notice

SETTLEMENT: Final[Mapping[str, Notice]] = {
    "HELD_THROUGH_EXPIRY": Notice(
        CRITICAL, "once a position",
        "A position was held through its expiry; the text says where the underlying stood. It waits for the broker's"
        " settlement.",
        "In the money: expect an exercise (shares, or cash for an index). See SHARES_DELIVERED.",
    ),
    "EXPIRED_TOO_EARLY": Notice(
        CRITICAL, "once a position",
        "A clock that was ahead let a position expire too early: it trades still and is sold now.",
        "Set the machine's clock (NTP).",
    ),
    "SETTLEMENT_PENDING": Notice(
        CRITICAL, "at the expiry and with each settlement run while no price is known",
        "What an expired position settled at was seen in no quote: it counts as nothing until told.",
        "`settle ID PRICE` with the official settlement price of the underlying.",
    ),
    "POSITION_SETTLED": Notice(
        WARNING, "once a position",
        "An expired position was settled: worthless, or in cash; the text has its P&L.",
        "Compare with the statement.",
    ),
    "SETTLEMENT_CORRECTED": Notice(
        WARNING, EACH,
        "A settled position got another price or reason: its realized P&L changed.",
        "Nothing; compare with the statement.",
    ),
    "SHARES_DELIVERED": Notice(
        CRITICAL, EACH,
        "An option was exercised: shares came into the account, or are short. Entries on the symbol wait until they "
        "are gone.",
        "Sell or buy them back by hand in TWS: this bot trades no shares.",
    ),
    "SHARES_GONE": Notice(
        INFO, END,
        "Delivered shares have left the account: entries on their symbol pass again.",
        NOTHING,
    ),
    "GHOST_AT_BROKER": Notice(
        CRITICAL, "with the last settlement run of the contract",
        "An expired contract is still in the broker's book when every settlement run is over.",
        "Ask the broker.",
    ),
}  # fmt: skip
