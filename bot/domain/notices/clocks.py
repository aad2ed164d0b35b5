"""Alerts about clocks and trading hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, END, INFO, NOTHING, ONCE, WARNING, Notice

CLOCKS: Final[Mapping[str, Notice]] = {
    "CLOCK_PARTED": Notice(
        CRITICAL, ONCE,
        "The machine's clock was set, or the machine slept: it differs from the time that the bot keeps. No entries "
        "until they agree.",
        "See that NTP runs (`timedatectl`).",
    ),
    "CLOCK_AGREES": Notice(INFO, END, "The machine's clock and the bot's time agree again.", NOTHING),
    "CLOCK_WRONG": Notice(
        CRITICAL, ONCE,
        "Our clock is further from the broker's than engine.broker_clock_limit_s: no entries, and nothing is done by"
        " the time of day.",
        "Set the machine's clock (NTP).",
    ),
    "CLOCK_RIGHT": Notice(INFO, END, "Our clock and the broker's agree again.", NOTHING),
    "CLOCK_SKEW": Notice(
        WARNING, ONCE,
        "Our clock differs from the broker's, not yet by so much that entries stop.",
        "See that NTP runs (`timedatectl`).",
    ),
    "CLOCK_BEHIND_STORE": Notice(
        CRITICAL, "at a start",
        "The store speaks of a later time than the clock shows: entries under way are called off.",
        "Set the machine's clock before the next start.",
    ),
    "HOURS_DIFFER": Notice(
        CRITICAL, "once for each set of hours that differ",
        "The broker tells other trading hours for a day than our calendar: entries keep to the more cautious.",
        "Find out which is right (an early close, a day of mourning); the text says how to set it.",
        {WARNING: "it is of a day to come"},
    ),
    "HOURS_AGREE": Notice(INFO, END, "The broker's trading hours of a day are the calendar's again.", NOTHING),
}  # fmt: skip
