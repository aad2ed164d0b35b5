"""Every alert that the bot can raise, in one register: how grave it is, when it is told again, what to do about it.

An alert is raised by its code; its severity comes from here. A few have more than one: then the row says what makes the
difference. A code that no row knows is refused where it is raised (`UnknownNotice`), and a test walks the source, so
that none is raised without a row and no row is left over. `docs/alerts.md` is made from this table (`make docs`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bot.domain.errors import BotError

INFO: Final = "info"
WARNING: Final = "warning"
CRITICAL: Final = "critical"
SEVERITIES: Final = (INFO, WARNING, CRITICAL)

_ONCE: Final = "once each time it begins"
_END: Final = "once, when it is over"
_EACH: Final = "each time"
_ORDER_ONCE: Final = "once a day and order"
_IN_5_MIN: Final = "when it begins, then every 5 minutes while it lasts"
_MUTED: Final = "the same words at most once a minute, all of the line's together at most 100 a minute"
_NOTHING: Final = "Nothing."


class UnknownNotice(BotError, ValueError):
    """An alert whose code is in no row, or whose severity its row does not have."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One row. `severity` is what it is unless the caller says one of `or_else`, severity -> when it is that one."""

    severity: str
    again: str
    meaning: str
    deed: str
    or_else: Mapping[str, str] = field(default_factory=dict)

    @property
    def severities(self) -> tuple[str, ...]:
        return (self.severity, *self.or_else)


PROTECTION: Final[Mapping[str, Notice]] = {
    "UNPROTECTED": Notice(
        CRITICAL, _IN_5_MIN,
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
        CRITICAL, _IN_5_MIN,
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

EXITS: Final[Mapping[str, Notice]] = {
    "EXIT_SLOW": Notice(
        CRITICAL, _IN_5_MIN,
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
        INFO, _END,
        "A position that had to be sold can be sold again: the halt is over, or somebody bids.",
        _NOTHING,
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
        INFO, _END,
        "A held position is quoted again after a halt or a time without bids.",
        _NOTHING,
    ),
    "LEFT_AT_CLOSE": Notice(
        CRITICAL, "once a day and position",
        "A position that should have been sold is still held after the close.",
        "If it expires today, see HELD_THROUGH_EXPIRY: ask the broker about exercise. If later, it is sold at the "
        "next open.",
    ),
    "EMERGENCY_STOP": Notice(
        CRITICAL, _EACH,
        "Somebody asked for the emergency stop: the session halts, entries are called off, everything is sold.",
        "Watch `status` until nothing is held. Entries stay off until `resume`.",
    ),
}  # fmt: skip

ORDERS: Final[Mapping[str, Notice]] = {
    "ORDER_REJECTED": Notice(
        CRITICAL, "each time for an entry; for stops and sales with the first refusal in a row",
        "The broker refused an order, or it never left. A stop or a sale is tried again by the policy for its "
        "reason; an entry is given up.",
        "Read the reason. For permissions, precautions or margin: mend it in the account or in TWS's presets.",
        {WARNING: "it was an entry: nothing is held because of it"},
    ),
    "ORDER_IN_DOUBT": Notice(
        CRITICAL, _IN_5_MIN,
        "It has not been known for engine.doubt_alert_s what became of an order: the broker's answer is missing or "
        "contradicts itself. It is never sent a second time.",
        "Look for it in TWS by its reference. The bot goes on asking.",
    ),
    "ORDER_AMBIGUOUS": Notice(
        WARNING, _ORDER_ONCE,
        "The broker's error leaves open whether the order lives. Open orders, completed orders and executions are "
        "asked.",
        "Nothing, unless ORDER_IN_DOUBT follows.",
    ),
    "CANCEL_MISSED": Notice(
        CRITICAL, "once an order, at the third miss",
        "An order could not be cancelled three times in a row. It counts as live, is changed instead where that helps "
        "(an entry to one tick, a sale of what is to be sold to the bid or ask), and the cancel is tried ever more "
        "rarely.",
        "Cancel it in TWS.",
    ),
    "ORDER_STILL_LIVE": Notice(
        CRITICAL, _ORDER_ONCE,
        "An order that was over for us is live at the broker: it is cancelled.",
        "See in TWS that it goes.",
    ),
    "ORDER_DOUBLED": Notice(
        CRITICAL, _ORDER_ONCE,
        "One reference is live twice at the broker: both are cancelled, and what fills is counted by its execution.",
        "See in TWS that both are gone; compare holdings with `reconcile`.",
    ),
    "ORDER_OVERFILLED": Notice(
        CRITICAL, _EACH,
        "More contracts were filled than the order asked for. All of them are counted and protected.",
        "Compare with TWS and ask the broker: a correction may follow.",
    ),
    "ORDER_TAKEN_BACK": Notice(
        WARNING, _EACH,
        "After a restored backup, an order was found at the broker that a newer store had placed: it is the "
        "position's again.",
        "Check with `reconcile` that nothing else differs.",
    ),
    "LOST_ORDER": Notice(
        WARNING, "once a day, order and status",
        "The broker has an order with our reference that the store does not know.",
        "Was the store lost or restored? See that LOST_ORDER_CANCELLED or POSITION_ADOPTED follows, else cancel it "
        "in TWS.",
    ),
    "LOST_ORDER_CANCELLED": Notice(
        CRITICAL, _EACH,
        "An order of a lost store protects nothing: it is cancelled.",
        "See in TWS that it is gone.",
    ),
    "REFUSED_TRIGGER": Notice(
        WARNING, _EACH,
        "A step that the table of a lifecycle does not allow was asked for: it changed nothing and is on record.",
        "Nothing for the moment; report it with `audit run refused_triggers`, it is a fault of the program.",
    ),
    "QUESTION_FAILED": Notice(
        CRITICAL, _EACH,
        "A question to the broker (the book, a trial order) failed inside the program; it is asked again.",
        "If it repeats, restart the bot and report the text.",
    ),
}  # fmt: skip

FILLS: Final[Mapping[str, Notice]] = {
    "OVERSOLD": Notice(
        CRITICAL, _EACH,
        "More contracts were sold than were held: the account may be short.",
        "Look in TWS at once; buy back what is short.",
    ),
    "EXECUTION_CORRECTED": Notice(
        WARNING, _EACH,
        "The broker corrected an execution: quantity, price and P&L follow.",
        "Nothing; compare with the broker's statement in the evening.",
    ),
    "EXECUTION_CONTRADICTS": Notice(
        CRITICAL, "once a day and execution",
        "A correction names another side or contract than the execution that it corrects. Nothing is made of it.",
        "Look at the execution in TWS; ask the broker.",
    ),
    "SALE_TAKEN_BACK": Notice(
        CRITICAL, _EACH,
        "A correction took a sale back: contracts of a closed position are held again.",
        "See that they are adopted and get a stop (POSITION_ADOPTED), else sell them in TWS.",
    ),
    "EXPIRY_BOOKED": Notice(INFO, _EACH, "The broker booked off an expired contract.", _NOTHING),
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
    "FACT_APPLIED": Notice(INFO, _END, "A fact that could not be applied is applied now.", _NOTHING),
    "FACT_GONE": Notice(
        INFO, _END,
        "A fact that could not be applied is in no whole book any more: nothing waits for it.",
        _NOTHING,
    ),
}  # fmt: skip

BOOK: Final[Mapping[str, Notice]] = {
    "POSITION_ADOPTED": Notice(
        CRITICAL, _EACH,
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
        CRITICAL, _EACH,
        "Contracts of ours are not at the broker any more: somebody else sold them. They count at what is known of "
        "the sale, else at the last bid.",
        "If no price was seen, tell it with `settle ID PRICE`.",
    ),
    "SOLD_ELSEWHERE_COUNTED": Notice(
        WARNING, _EACH,
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
        WARNING, _EACH,
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
        WARNING, _EACH,
        "A settled position got another price or reason: its realized P&L changed.",
        "Nothing; compare with the statement.",
    ),
    "SHARES_DELIVERED": Notice(
        CRITICAL, _EACH,
        "An option was exercised: shares came into the account, or are short. Entries on the symbol wait until they "
        "are gone.",
        "Sell or buy them back by hand in TWS: this bot trades no shares.",
    ),
    "SHARES_GONE": Notice(
        INFO, _END,
        "Delivered shares have left the account: entries on their symbol pass again.",
        _NOTHING,
    ),
    "GHOST_AT_BROKER": Notice(
        CRITICAL, "with the last settlement run of the contract",
        "An expired contract is still in the broker's book when every settlement run is over.",
        "Ask the broker.",
    ),
}  # fmt: skip

LIMITS: Final[Mapping[str, Notice]] = {
    "BREAKER_TRIPPED": Notice(
        CRITICAL, _ONCE,
        "A limit of `risk` is hit: entries under way are taken back; the session halts, or entries stay off while it"
        " lasts. Exits go on.",
        "See `status` for the breaker. A halt ends with `resume` after you have understood why.",
        {WARNING: "the breaker only keeps entries off while it lasts"},
    ),
    "BREAKER_WARNING": Notice(
        WARNING, _ONCE,
        "The loss of the day or the fall from the highest equity is close to its limit; the text has both numbers.",
        "Look at what is held; `pause` if more risk is not wanted.",
    ),
    "GAP_OUTSIDE_SESSION": Notice(
        WARNING, "once a day and symbol",
        "An underlying jumped by more than risk.max_gap_fraction outside the session's own minutes: nothing is "
        "closed for it.",
        "Look at the news before the open.",
    ),
    "EQUITY_STALE": Notice(
        WARNING, _ONCE,
        "The broker has not told the account's value for longer than risk.equity_max_age_s: no entries until it does.",
        "Check the connection; restart the gateway if it stays so.",
    ),
    "CASH_FLOW": Notice(
        INFO, _EACH,
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
        CRITICAL, _EACH,
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
        WARNING, _ONCE,
        "More market data lines are wanted than the account has: the least important are left out (the facts list "
        "them).",
        "Trade fewer symbols, or raise the budget if the account has more lines.",
    ),
    "LINE_REFUSED": Notice(
        WARNING, "once a connection, contract, kind and code",
        "The broker gives no data of a kind for a contract.",
        "Check the account's market data subscriptions.",
    ),
    "CONTRACT_UNKNOWN": Notice(
        WARNING, _EACH,
        "The broker does not know a contract: it is not traded.",
        "Nothing; check the symbol if it is one of the settings.",
    ),
    "CONTRACT_UNANSWERED": Notice(
        WARNING, _EACH,
        "The broker did not answer for a contract in time; it is asked again.",
        "If all contracts go unanswered, restart the gateway.",
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
        WARNING, _EACH,
        "A status came for an order that nobody knows, not even the broker's book.",
        "Nothing, unless it repeats; then compare with TWS.",
    ),
}  # fmt: skip

FEEDS: Final[Mapping[str, Notice]] = {
    "FEED_BREAKER_OPEN": Notice(
        WARNING, _ONCE,
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
    "FEED_UNKNOWN_SYMBOL": Notice(
        WARNING, "once until it is given",
        "The vendor does not know a symbol for a data set; it is tried again every half hour.",
        "Check the symbol in the settings.",
    ),
    "FEED_BACK": Notice(INFO, _END, "What the vendor had refused is given again.", _NOTHING),
}  # fmt: skip

CLOCKS: Final[Mapping[str, Notice]] = {
    "CLOCK_PARTED": Notice(
        CRITICAL, _ONCE,
        "The machine's clock was set, or the machine slept: it differs from the time that the bot keeps. No entries "
        "until they agree.",
        "See that NTP runs (`timedatectl`).",
    ),
    "CLOCK_AGREES": Notice(INFO, _END, "The machine's clock and the bot's time agree again.", _NOTHING),
    "CLOCK_WRONG": Notice(
        CRITICAL, _ONCE,
        "Our clock is further from the broker's than engine.broker_clock_limit_s: no entries, and nothing is done by"
        " the time of day.",
        "Set the machine's clock (NTP).",
    ),
    "CLOCK_RIGHT": Notice(INFO, _END, "Our clock and the broker's agree again.", _NOTHING),
    "CLOCK_SKEW": Notice(
        WARNING, _ONCE,
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
    "HOURS_AGREE": Notice(INFO, _END, "The broker's trading hours of a day are the calendar's again.", _NOTHING),
}  # fmt: skip

PROGRAM: Final[Mapping[str, Notice]] = {
    "TICK_FAILED": Notice(
        CRITICAL, _EACH,
        "A tick failed: nothing of it was written or sent, memory was read anew, the session halts. After three in a"
        " row the run ends.",
        "Report the traceback; `resume` when what is held is protected.",
    ),
    "MACHINE_PARKED": Notice(
        CRITICAL, "once until it works again",
        "The decision of one position, strategy or job failed: it is left alone and tried again with growing pauses."
        " Its orders stay, all else goes on.",
        "See that the position's stop rests at the broker; report the traceback.",
    ),
    "MACHINE_RESUMED": Notice(INFO, _END, "What was parked works again.", _NOTHING),
    "BESIDE_FAILED": Notice(
        CRITICAL, _EACH,
        "Something that runs beside the tick (the page, backups, feeds) failed; it begins again after a pause.",
        "Report the text if it repeats.",
    ),
    "BACKUP_FAILED": Notice(
        CRITICAL, _EACH,
        "The backup was not made; the text says why.",
        "Make room on the disk, then `python run.py db backup`.",
    ),
    "DISK_LOW": Notice(
        CRITICAL, _ONCE,
        "The store's disk has less room than database.free_mb_least: no entries; exits go on.",
        "Remove old backups and logs.",
    ),
    "DISK_ROOM": Notice(INFO, _END, "The store's disk has room again.", _NOTHING),
    "HEAD_NOT_NOTED": Notice(
        WARNING, "once an hour",
        "The hash of the history's newest row could not be written to the file beside the store.",
        "Check the disk and the file's rights.",
    ),
    "HISTORY_UNGUARDED": Notice(
        CRITICAL, "at a start",
        "The guards that keep the history from being changed were gone from the store; they are put back.",
        "`python run.py audit verify`; find out who opened the store.",
    ),
    "HISTORY_REWRITTEN": Notice(
        CRITICAL, "at a start and with each backup",
        "A hash that was noted earlier is no longer in the history: rows were changed or removed, or an old store "
        "was put back.",
        "`python run.py audit verify`, and compare with a backup.",
    ),
    "STORE_FULL": Notice(
        CRITICAL, "when the store is back",
        "The store's disk was full: nothing was written or sent for the time that the text names; the session is "
        "halted.",
        "Free space, see that all is protected, `resume`.",
    ),
    "STORE_READ_ONLY": Notice(
        CRITICAL, "when the store is back",
        "The store's disk or file was read-only for a time; the session is halted.",
        "Check the disk (fsck) and the file's rights, then `resume`.",
    ),
    "STORE_LOCKED": Notice(
        CRITICAL, "when the store is back",
        "Another program held the store's lock for a time; the session is halted.",
        "Find that program (`fuser -v FILE`), then `resume`.",
    ),
    "STORE_IO_ERROR": Notice(
        CRITICAL, "when the store is back",
        "The store's disk did not read or write for a time; the session is halted.",
        "Read the system's log for disk errors; move the store to a sound disk.",
    ),
    "STORE_UNREACHABLE": Notice(
        CRITICAL, "when the store is back",
        "The database server did not answer for a time; the session is halted.",
        "See that it runs and has room, then `resume`.",
    ),
}  # fmt: skip

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
        raise UnknownNotice(f"no alert has the code {code[:64]!r}: bot/domain/notices.py lists them")
    return found


def severity_of(code: str, said: str | None = None) -> str:
    """Return how grave an alert is: what its row says, or which of the row's severities the caller names."""
    notice = notice_of(code)
    if said is None:
        return notice.severity
    if said not in notice.severities:
        raise UnknownNotice(f"the alert {code} is {' or '.join(notice.severities)}, not {said[:64]!r}")
    return said
