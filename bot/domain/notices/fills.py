"""Alerts about executions and commissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, END, INFO, NOTHING, WARNING, Notice

FILLS: Final[Mapping[str, Notice]] = {
    "OVERSOLD": Notice(
        CRITICAL, EACH,
        "More contracts were sold than were held: the account may be short.",
        "Look in TWS at once; buy back what is short.",
    ),
    "EXECUTION_CORRECTED": Notice(
        WARNING, EACH,
        "The broker corrected an execution: quantity, price and P&L follow.",
        "Nothing; compare with the broker's statement in the evening.",
    ),
    "EXECUTION_CONTRADICTS": Notice(
        CRITICAL, "once a day and execution",
        "A correction names another side or contract than the execution that it corrects. Nothing is made of it.",
        "Look at the execution in TWS; ask the broker.",
    ),
    "SALE_TAKEN_BACK": Notice(
        CRITICAL, EACH,
        "A correction took a sale back: contracts of a closed position are held again.",
        "See that they are adopted and get a stop (POSITION_ADOPTED), else sell them in TWS.",
    ),
    "EXPIRY_BOOKED": Notice(INFO, EACH, "The broker booked off an expired contract.", NOTHING),
    "STRAY_COMMISSION": Notice(
        WARNING, "once an execution",
        "A commission came for an execution that the broker does not list in two whole books: it is counted nowhere.",
        "Compare with the statement in the evening.",
    ),
    "COMMISSION_CURRENCY": Notice(
        WARNING, "once a day, execution and currency",
        "A commission in another currency than dollars came: it is not counted.",
        "Nothing if somebody else trades in this account; else ask the broker.",
    ),
    "DAY_TOTALS_DIFFER": Notice(
        CRITICAL, "once a day, after the close",
        "Bought or sold quantities of the day are not the same here and at the broker; the text lists them.",
        "Compare with TWS's trade log before the next open.",
    ),
    "FACT_FAULT": Notice(
        CRITICAL, "once a fact, until it is over",
        "Something that the broker told could not be applied. No more of its contract is sold than the broker holds;"
        " all else goes on and it is tried again.",
        "Compare the contract with TWS; report the text.",
    ),
    "FACT_APPLIED": Notice(INFO, END, "A fact that could not be applied is applied now.", NOTHING),
    "FACT_GONE": Notice(
        INFO, END,
        "A fact that could not be applied is in no whole book any more: nothing waits for it.",
        NOTHING,
    ),
}  # fmt: skip
