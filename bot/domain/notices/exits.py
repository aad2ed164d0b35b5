"""Alerts about positions that are being sold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, END, IN_5_MIN, INFO, NOTHING, WARNING, Notice

EXITS: Final[Mapping[str, Notice]] = {
    "EXIT_SLOW": Notice(
        CRITICAL, IN_5_MIN,
        "A position is on its way out for longer than execution.exit_alert_s; the text says what it waits for.",
        "Look at the market of the contract. Sell by hand in TWS only after cancelling the bot's order there.",
    ),
    "SALE_NOT_TAKEN": Notice(
        CRITICAL, "once, until a sale is taken again",
        "The broker refused the sale of a position three times in a row. It is tried ever more rarely, the stop is "
        "put back meanwhile.",
        "Read the broker's reason in the text; sell in TWS if it cannot be mended.",
    ),
    "EXIT_IN_HALT": Notice(
        CRITICAL, "when it begins, at most every 5 minutes",
        "A position has to be sold and trading in it, or in its underlying, is halted.",
        "Wait for the end of the halt; the sale goes on by itself.",
    ),
    "EXIT_WITHOUT_BID": Notice(
        CRITICAL, "when it begins, at most every 5 minutes",
        "A position has to be sold and nobody bids. It is offered at one tick and may expire worthless.",
        "Nothing can be done but to know it: count the premium as lost.",
    ),
    "EXIT_GOES_ON": Notice(
        INFO, END,
        "A position that had to be sold can be sold again: the halt is over, or somebody bids.",
        NOTHING,
    ),
    "HELD_IN_HALT": Notice(
        WARNING, "when it begins, at most every 5 minutes",
        "A position is held while trading in it or its underlying is halted: its stop rests at the broker; profit "
        "rungs and trail wait for a quote.",
        "Expect a gap when trading resumes: a stop then sells at the market, possibly far below its price.",
    ),
    "HELD_WITHOUT_BID": Notice(
        WARNING, "when it begins, at most every 5 minutes",
        "A position is held and nobody bids for it: its stop rests at the broker, rungs and trail wait.",
        "Look whether the contract is nearly worthless or the feed is at fault.",
    ),
    "QUOTED_AGAIN": Notice(
        INFO, END,
        "A held position is quoted again after a halt or a time without bids.",
        NOTHING,
    ),
    "LEFT_AT_CLOSE": Notice(
        CRITICAL, "once a day and position",
        "A position that should have been sold is still held after the close.",
        "If it expires today, see HELD_THROUGH_EXPIRY: ask the broker about exercise. If later, it is sold at the "
        "next open.",
    ),
    "EMERGENCY_STOP": Notice(
        CRITICAL, EACH,
        "Somebody asked for the emergency stop: the session halts, entries are called off, everything is sold.",
        "Watch `status` until nothing is held. Entries stay off until `resume`.",
    ),
}  # fmt: skip
