"""Alerts about the data vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, END, INFO, NOTHING, ONCE, WARNING, Notice

FEEDS: Final[Mapping[str, Notice]] = {
    "FEED_BREAKER_OPEN": Notice(
        WARNING, ONCE,
        "A data set of the vendor keeps failing: it is asked more rarely. Strategies that need it do not trade.",
        "Look at the vendor's status page if it lasts.",
    ),
    "FEED_QUOTA_SPENT": Notice(
        CRITICAL, "once a day",
        "The vendor's daily quota is spent: no more analytics until it is renewed, so no new signals.",
        "Ask less often (data_sources.yaml), or take a larger plan.",
    ),
    "FEED_REFUSED": Notice(
        CRITICAL, "once until the vendor answers again",
        "The vendor refuses our token: nothing is asked but one request every half hour.",
        "Check the token and the subscription.",
    ),
    "FEED_DISABLED": Notice(
        WARNING, "once until it is given",
        "A data set is not part of the subscription, or its request is not valid; it is tried again every half hour.",
        "Take it out of data_sources.yaml, or take the plan that has it.",
    ),
    "FEED_NO_KEY": Notice(
        INFO, ONCE,
        "A data source is off, for the key that it needs is not set. Nothing that trades needs it.",
        "Set the variable in the environment or in .env, or take the source out of the settings (enabled: false).",
    ),
    "FEED_NO_STREAM": Notice(
        INFO, ONCE,
        "The vendor gives no stream: the plan has none, or the token is not for it. Everything is asked by REST.",
        "Take the plan that has it, or turn it off (`stream: {enabled: false}` of the source).",
    ),
    "FEED_UNKNOWN_SYMBOL": Notice(
        WARNING, "once until it is given",
        "The vendor does not know a symbol for a data set; it is tried again every half hour.",
        "Check the symbol in the settings.",
    ),
    "DISCOVERY_FAILED": Notice(
        WARNING, "each time, at most every ten minutes",
        "The numbers that measures go by could not be looked for before the open; those of before are used until they"
        " are too old, then the defaults.",
        "Run `python run.py discover` and look at what it says.",
    ),
    "DISCOVERY_REFUSED": Notice(
        WARNING, EACH,
        "A number that was found in recorded days is outside its bounds (section discovery): it is not used, the"
        " default is; the text has both, the facts the evidence.",
        "Look at the evidence; widen the bounds only where the market really is so.",
    ),
    "SETTINGS_REFUSED": Notice(
        WARNING, "once an edit",
        "An edit of the settings is refused, with file, line, key and reason. The bot runs on with the old ones.",
        "Correct the line; the file is read again as soon as it is saved.",
    ),
    "SETTINGS_TAKEN": Notice(
        INFO, END, "Edited settings are in force: data sources, and what the tick reads anew, while the bot runs.",
        NOTHING,
    ),
    "SETTINGS_WAIT": Notice(
        INFO, "once an edit", "Settings were edited that a running engine does not take over by itself.",
        "`python run.py reload_config` takes them over; what needs a start of the program is refused there.",
    ),
    "DATA_DIVERGE": Notice(
        WARNING, "once each time it begins, by data set and key",
        "The vendor's data and the broker's stand apart (price, quote, greeks): strategies that need them do not look.",
        "Compare with a third source; if the vendor is right, look at the broker's market data lines.",
    ),
    "DATA_AGREE": Notice(INFO, END, "The vendor's data and the broker's agree again.", NOTHING),
    "FEED_BACK": Notice(INFO, END, "What the vendor had refused is given again.", NOTHING),
}  # fmt: skip
