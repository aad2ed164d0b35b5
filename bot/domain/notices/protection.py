"""Alerts about stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, IN_5_MIN, WARNING, Notice

PROTECTION: Final[Mapping[str, Notice]] = {
    "UNPROTECTED": Notice(
        CRITICAL, IN_5_MIN,
        "An open position has had no stop at the broker for all its contracts longer than "
        "execution.protection_limit_s; the text says why.",
        "See in TWS that a stop rests there. If none comes, place one by hand or `close` the position.",
    ),
    "PROTECTION_LOST": Notice(
        CRITICAL, "each time a stop ends unasked; of refusals in a row, with the first",
        "The protective stop is gone from the broker: refused, cancelled there, or expired. Another is placed by the"
        " policy for its reason.",
        "Nothing if the stop comes back within seconds (the log says so). Else look in TWS and `close` the position.",
    ),
    "STOP_NOT_TAKEN": Notice(
        CRITICAL, "once, until a stop is taken again",
        "The broker has not taken the stop three times in a row. The bot watches the bid instead and sells at the "
        "stop's price.",
        "Know that nothing rests at the broker: keep the bot connected, or `close` the position. Mend what the "
        "refusal names.",
    ),
    "STOP_LOWERED": Notice(
        WARNING, "each time",
        "A stop was placed lower than its own price, at which it would have sold at once: that is at the bid or above.",
        "Nothing if the position may be held at this loss. Else `close` it.",
    ),
    "STOP_TOO_LARGE": Notice(
        CRITICAL, IN_5_MIN,
        "The working stop would sell more contracts than are held, and could not be made smaller in time: were it "
        "filled, the account would be short.",
        "Reduce or cancel that stop in TWS if the bot does not within seconds.",
    ),
    "STOP_CHANGE_REFUSED": Notice(
        CRITICAL, "once a day, stop and reason",
        "The broker refused to move or resize a stop: it goes on working at its old price or size.",
        "Nothing at once: the old stop protects. After several refusals look at the order in TWS.",
    ),
    "FEWER_AT_BROKER": Notice(
        CRITICAL, "once for each number that the broker tells",
        "The broker says that it holds fewer contracts than we count. No more than it has stays on sale; the whole "
        "book is asked for.",
        "Did somebody sell by hand? If so, nothing. If not, compare with `reconcile`.",
    ),
    "READ_ONLY_API": Notice(
        CRITICAL, "once a day",
        "The gateway takes no orders: its API is set to read-only. What is held gets no stop.",
        "Untick API > Settings > Read-Only API in TWS or IB Gateway.",
    ),
}  # fmt: skip
