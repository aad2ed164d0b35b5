"""Alerts about orders and entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, IN_5_MIN, WARNING, Notice

_ORDER_ONCE: Final = "once a day and order"

ORDERS: Final[Mapping[str, Notice]] = {
    "ORDER_REJECTED": Notice(
        CRITICAL, "each time for an entry; for stops and sales with the first refusal in a row",
        "The broker refused an order, or it never left. A stop or a sale is tried again by the policy for its "
        "reason; an entry is given up.",
        "Read the reason. For permissions, precautions or margin: mend it in the account or in TWS's presets.",
        {WARNING: "it was an entry: nothing is held because of it"},
    ),
    "ORDER_IN_DOUBT": Notice(
        CRITICAL, IN_5_MIN,
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
        CRITICAL, EACH,
        "More contracts were filled than the order asked for. All of them are counted and protected.",
        "Compare with TWS and ask the broker: a correction may follow.",
    ),
    "ORDER_TAKEN_BACK": Notice(
        WARNING, EACH,
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
        CRITICAL, EACH,
        "An order of a lost store protects nothing: it is cancelled.",
        "See in TWS that it is gone.",
    ),
    "REFUSED_TRIGGER": Notice(
        WARNING, EACH,
        "A step that the table of a lifecycle does not allow was asked for: it changed nothing and is on record.",
        "Nothing for the moment; report it with `audit run refused_triggers`, it is a fault of the program.",
    ),
    "QUESTION_FAILED": Notice(
        CRITICAL, EACH,
        "A question to the broker (the book, a trial order) failed inside the program; it is asked again.",
        "If it repeats, restart the bot and report the text.",
    ),
}  # fmt: skip
