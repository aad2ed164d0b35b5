"""Alerts about limits and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, INFO, ONCE, WARNING, Notice

LIMITS: Final[Mapping[str, Notice]] = {
    "BREAKER_TRIPPED": Notice(
        CRITICAL, ONCE,
        "A limit of `risk` is hit: entries under way are taken back; the session halts, or entries stay off while it"
        " lasts. Exits go on.",
        "See `status` for the breaker. A halt ends with `resume` after you have understood why.",
        {WARNING: "the breaker only keeps entries off while it lasts"},
    ),
    "BREAKER_WARNING": Notice(
        WARNING, ONCE,
        "The loss of the day or the fall from the highest equity is close to its limit; the text has both numbers.",
        "Look at what is held; `pause` if more risk is not wanted.",
    ),
    "CONCENTRATED": Notice(
        WARNING, "each time",
        "An entry makes one symbol (from `risk.symbol_share_told`) or one sector (from `risk.sector_share_told`) much "
        "of the premium that may be at risk in all.",
        "Know that the next entry there may be refused; `close` what is too much of one thing.",
    ),
    "GAP_OUTSIDE_SESSION": Notice(
        WARNING, "once a day and symbol",
        "An underlying jumped by more than risk.max_gap_fraction outside the session's own minutes: nothing is "
        "closed for it.",
        "Look at the news before the open.",
    ),
    "STRATEGY_DISABLED": Notice(
        WARNING, ONCE,
        "A strategy's closed trades are worse than it was taken on for in several ways at once"
        " (the limits under degradation): it is off, and what it proposed is called off."
        " Its open positions are managed to their end.",
        "Look at its trades. Only an owner switches it on again (`strategy NAME on`); from there it is judged anew.",
    ),
    "STRATEGY_DEGRADED": Notice(
        WARNING, ONCE,
        "A strategy's closed trades are worse than it was taken on for in one way: win rate, mean loss against mean"
        " win, or losses in a row; the text has both numbers.",
        "Look at its trades; `strategy NAME shadow` has it look without buying. With a second finding it goes off.",
    ),
    "EQUITY_STALE": Notice(
        WARNING, ONCE,
        "The broker has not told the account's value for longer than risk.equity_max_age_s: no entries until it does.",
        "Check the connection; restart the gateway if it stays so.",
    ),
    "CASH_FLOW": Notice(
        INFO, EACH,
        "Money came in or left without a trade: neither won nor lost. The day's first equity and the high water move"
        " along.",
        "Check that you know of the deposit or withdrawal.",
    ),
    "ACCOUNT_CURRENCY": Notice(
        CRITICAL, "once a connection",
        "The account is kept in another currency, or its value was told in one as well. Only dollars are used; "
        "without dollars there are no entries.",
        "Trade an account in dollars, or set its base currency.",
    ),
    "KILL_SWITCH": Notice(
        CRITICAL, "when the file appears and when it is gone",
        "The kill switch is there: no entry leaves, those that work are taken back. Exits go on.",
        "Remove the file when entries may pass again.",
        {INFO: "the file is gone"},
    ),
    "NOT_TRADABLE": Notice(
        CRITICAL, "after engine.not_tradable_alert_s, then every half hour of the session",
        "No entry has been allowed for a while during the session; the text says why.",
        "Mend what it names, or `resume`.",
        {WARNING: "the session is paused, so somebody wants it so"},
    ),
}  # fmt: skip
