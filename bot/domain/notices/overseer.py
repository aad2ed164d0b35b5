"""Alerts of the overseer: what its rules find, beside what the tick itself tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, END, INFO, NOTHING, ONCE, WARNING, Notice

_RAISED: Final[Mapping[str, str]] = {CRITICAL: "the model takes it for graver than the rule does"}
_AGAIN: Final = "once each time it begins, and again when the model takes it for graver"

OVERSEER: Final[Mapping[str, Notice]] = {
    "OVERSEER_UNPROTECTED": Notice(
        CRITICAL, ONCE,
        "The store shows contracts without a working stop for longer than overseer.watch.unprotected_s.",
        "See in TWS that a stop rests there; `close` the position if none comes.",
    ),
    "OVERSEER_BOOK_DIFFERS": Notice(
        CRITICAL, ONCE,
        "Our book and the broker's tell another quantity of a contract for longer than overseer.watch.differs_s.",
        "`reconcile`, and compare with TWS.",
    ),
    "OVERSEER_BROKER_SILENT": Notice(
        CRITICAL, ONCE,
        "The connection to the broker has not been usable for longer than overseer.watch.heartbeat_s.",
        "See that the gateway runs and is logged in; stops rest at the broker.",
    ),
    "OVERSEER_EQUITY_JUMP": Notice(
        CRITICAL, ONCE,
        "Equity moved by more than overseer.watch.equity_jump_fraction within overseer.watch.equity_jump_s.",
        "Look at what is held and at the account; `pause` if you cannot explain it.",
    ),
    "OVERSEER_BOOK_OLD": Notice(
        WARNING, _AGAIN,
        "Our book was last found equal to the broker's longer ago than engine.reconcile_seconds and "
        "overseer.watch.sync_s together.",
        "`reconcile`; see what the comparison waits for.", _RAISED,
    ),
    "OVERSEER_ORDER_IN_DOUBT": Notice(
        WARNING, _AGAIN,
        "Nobody knows the state of an order at the broker for longer than overseer.watch.doubt_s.",
        "Look for the order in TWS by its reference.", _RAISED,
    ),
    "OVERSEER_DATA_STALE": Notice(
        WARNING, _AGAIN,
        "A data set is older than overseer.watch.ages allows in the session; strategies that need it do not trade.",
        "See the feeds on the page; look at the vendor's status page if it lasts.", _RAISED,
    ),
    "OVERSEER_DIVERGENCE": Notice(
        WARNING, _AGAIN,
        "The day's change of the broker's equity and our own profit and loss are further apart than "
        "overseer.watch.divergence_fraction of equity.",
        "Look for trades or cash that are not the bot's; compare executions with the broker's statement.", _RAISED,
    ),
    "OVERSEER_SLIPPAGE": Notice(
        WARNING, _AGAIN,
        "Today's orders cost more than overseer.watch.slippage_factor times overseer.watch.slippage_model.",
        "Look at the spreads at which orders were filled; `pause` if it goes on.", _RAISED,
    ),
    "OVERSEER_SIGNAL_RATE": Notice(
        WARNING, _AGAIN,
        "Far more signals were proposed in the last hour than is usual: overseer.watch.signals_factor times the mean.",
        "Look at the signals and at the data that they rest on.", _RAISED,
    ),
    "OVERSEER_OVER": Notice(INFO, END, "What a rule of the overseer had found is over.", NOTHING),
    "OVERSEER_MODEL_SILENT": Notice(
        WARNING, ONCE,
        "The overseer's model does not answer as it should: no key, unknown, unreachable, late, refusing or "
        "malformed. The rules watch on, and their texts stand.",
        "Check ANTHROPIC_API_KEY, overseer.model and anthropic.base_url.",
    ),
    "OVERSEER_MODEL_BACK": Notice(INFO, END, "The overseer's model answers again.", NOTHING),
    "OVERSEER_BUDGET_SPENT": Notice(
        WARNING, "once a day",
        "The model's budget of the day, overseer.budget_usd, is spent: until tomorrow the rules' texts stand.",
        "Nothing; raise the budget if that is too little.",
    ),
    "OVERSEER_ADVICE": Notice(
        WARNING, EACH,
        "The model looked at what the rules found and advises something; the text says what, and what was done.",
        "Judge for yourself: its words are advice. `resume` lifts a pause and a slowdown.",
    ),
}  # fmt: skip
