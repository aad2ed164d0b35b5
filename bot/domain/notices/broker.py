"""Alerts about the connection to the broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, ONCE, WARNING, Notice

_MUTED: Final = "the same words at most once a minute, all of the line's together at most 100 a minute"

BROKER: Final[Mapping[str, Notice]] = {
    "BROKER_UNREACHABLE": Notice(
        CRITICAL, "once for each reason",
        "No connection to TWS or IB Gateway; it is tried again with growing pauses. Stops rest at the broker.",
        "Start the gateway, log in, check ibkr.host and ibkr.port.",
    ),
    "ACCOUNT_REFUSED": Notice(
        CRITICAL, "once for each reason",
        "The gateway is logged in to another account, or to another kind of account, than the settings say: nothing "
        "is traded with it.",
        "Log in to the right account, or mend ibkr.account and mode.",
    ),
    "CLIENT_ID_IN_USE": Notice(
        CRITICAL, "once until we are let in",
        "Another program is connected with our client id. Orders belong to it, so no other id is taken.",
        "End the other program, or a second bot.",
    ),
    "CONNECTION_FAULT": Notice(
        CRITICAL, EACH,
        "The connection failed in a way that nobody foresaw; it is tried again.",
        "Report the text if it repeats.",
    ),
    "LINK_DEGRADED": Notice(
        CRITICAL,
        "at most every 5 minutes for each kind of trouble, in the session; another login with our data at any hour",
        "TWS has lost the broker, or another login takes our market data; the text says what may still be done.",
        "Wait for the broker; end the other login.",
        {WARNING: "only market data is missing: exits go on"},
    ),
    "LOGIN_DUE": Notice(
        WARNING, "when the window begins, then every 6 hours",
        "The gateway's weekly restart needs a login by a person.",
        "Log in after the time that the text names.",
    ),
    "LOGIN_MISSED": Notice(
        CRITICAL, "ibkr.login_grace_s after the window, then every 6 hours",
        "There has been no synced connection since a restart window that needs a login.",
        "Log in to the gateway.",
    ),
    "LINE_BUDGET": Notice(
        WARNING, ONCE,
        "More market data lines are wanted than the account has: the least important are left out (the facts list "
        "them).",
        "Trade fewer symbols, or raise the budget if the account has more lines.",
    ),
    "LINE_REFUSED": Notice(
        WARNING, "once a connection, contract, kind and code",
        "The broker gives no data of a kind for a contract.",
        "Check the account's market data subscriptions.",
    ),
    "DATA_GROUP_REFUSED": Notice(
        WARNING, "once a connection and group",
        "The login has no market data subscription for a group of the universe: it is left out, the rest goes on.",
        "Subscribe to it, or switch the group off in universe.yaml.",
    ),
    "CONTRACT_UNKNOWN": Notice(
        WARNING, EACH,
        "The broker does not know a contract: it is not traded.",
        "Nothing; check the symbol if it is one of the settings.",
    ),
    "CONTRACT_UNANSWERED": Notice(
        WARNING, EACH,
        "The broker did not answer for a contract in time; it is asked again.",
        "If all contracts go unanswered, restart the gateway.",
    ),
    "CHAIN_UNKNOWN": Notice(
        WARNING, EACH,
        "The broker did not say which options it lists on an underlying; it is asked again within minutes. Until then "
        "strikes are those that the data vendor lists.",
        "If it goes on, check the symbol and the account's permissions for options.",
    ),
    "CONTRACT_CHANGED": Notice(
        CRITICAL, "once a change",
        "The broker names another contract under the same conId (a split, a merger): its quotes are not used any "
        "more; what is held is sold by conId only.",
        "Look at the position in TWS; `close ID` sells it.",
    ),
    "TWS_UNREADABLE": Notice(
        WARNING, _MUTED,
        "A message of TWS could not be read; it is delivered to nobody, its raw fields are kept.",
        "Report the fields if it repeats.",
    ),
    "TWS_ZONE_UNKNOWN": Notice(
        WARNING, _MUTED,
        "TWS tells times in a zone that nobody knows: ibkr.tws_zone is taken.",
        "Set ibkr.tws_zone to the zone of the gateway's login.",
    ),
    "UNKNOWN_WORD": Notice(
        WARNING, _MUTED,
        "The broker used a status, a tag or an error code that no table of ours has. An order that it is about "
        "counts as in doubt.",
        "Report the text.",
    ),
    "STRAY_ERROR": Notice(
        WARNING, _MUTED,
        "An error came for a request that nobody made.",
        "Nothing, unless it repeats.",
    ),
    "STRAY_STATUS": Notice(
        WARNING, EACH,
        "A status came for an order that nobody knows, not even the broker's book.",
        "Nothing, unless it repeats; then compare with TWS.",
    ),
}  # fmt: skip
