"""The rules: what each looks at, from where on it has a finding, how grave that is. A new one is a function and a line.

Pure functions of facts and settings. The severity of a finding is the rule's: a model may raise it, never lower it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bot.config.overseer import WatchSettings
from bot.domain.connection import CONNECTION_WORDS, ConnectionState
from bot.domain.notices import CRITICAL, WARNING
from bot.domain.overseer import OverseerFinding
from bot.domain.wording import compared, dollars, key_words
from bot.overseer.facts import Facts

_UNUSABLE: Final = frozenset(
    {state.value for state in ConnectionState} - {ConnectionState.SYNCED.value, ConnectionState.RESTART_WINDOW.value}
)
_OF_ONE_TIME_S: Final = 30.0
Found = Iterator[tuple[str, str, dict[str, Any]]]
"""What it is about, in words, its numbers."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. `reads` names what it goes by, for people; `code` is the alert that tells of it."""

    name: str
    code: str
    severity: str
    reads: str
    look: Callable[[Facts, WatchSettings], Found]


def _stale_data(facts: Facts, watch: WatchSettings) -> Found:
    if facts.session_s is None:
        return
    waited = min(facts.session_s, facts.session_s if facts.run_s is None else facts.run_s)
    for feed in facts.feeds:
        most = watch.ages.get(feed.dataset)
        if most is None or waited <= most:
            continue  # at the open, and as the bot begins, the first answers are on their way
        age, of_rows = waited if feed.age_s is None else feed.age_s, max(most, feed.max_age_s)
        if age > most:
            shown, limit = compared(age, most, digits=0)
            words = f"{feed.dataset} of {feed.key} is {shown} s old, at most {limit} s ({feed.state})"
            yield f"{feed.dataset}:{feed.key}", words, {"age_s": round(age), "most_s": most, "state": feed.state}
        elif feed.row_age_s is not None and min(feed.row_age_s, waited) > of_rows:
            shown, limit = compared(feed.row_age_s, of_rows, digits=0)
            words = f"{feed.dataset} of {feed.key} is answered, and its newest row is {shown} s old, at most {limit} s"
            facts_told = {"row_age_s": round(feed.row_age_s), "most_s": of_rows, "state": feed.state}
            yield f"{feed.dataset}:{feed.key}", words, facts_told


def _heartbeat(facts: Facts, watch: WatchSettings) -> Found:
    matters = facts.session_s is not None or facts.holds
    if not matters or facts.link_state not in _UNUSABLE or facts.link_since is None:
        return
    age = facts.age_s(facts.link_since)
    if age > watch.heartbeat_s:
        said = CONNECTION_WORDS[ConnectionState(facts.link_state)]
        words = f"the broker's connection is {said} for {age:.0f} s, at most {watch.heartbeat_s:g} s"
        yield "broker", words, {"state": facts.link_state, "age_s": round(age), "most_s": watch.heartbeat_s}


def _position_sync(facts: Facts, watch: WatchSettings) -> Found:
    for each in facts.differences:
        age = facts.age_s(each.since)
        if age > watch.differs_s:
            words = f"{key_words(each.key)}: our book has {each.store}, the broker's {each.broker}, for {age:.0f} s"
            yield each.key, words, {"store": each.store, "broker": each.broker, "age_s": round(age)}


def _late_comparison(facts: Facts, watch: WatchSettings) -> Found:
    if facts.session_s is None or facts.synced_at is None:
        return
    age, most = facts.age_s(facts.synced_at), facts.reconcile_s + watch.sync_s
    if age > most:
        words = f"our book last agreed with the broker's {age:.0f} s ago, at most {most:g} s"
        yield "book", words, {"age_s": round(age), "most_s": most}


def _divergence(facts: Facts, watch: WatchSettings) -> Found:
    """Compare what is of one time: our marks are of seconds ago, an older word of the broker's waits for its next."""
    if facts.equity is None or facts.apart is None or facts.equity <= 0:
        return
    if facts.equity_at is None or facts.age_s(facts.equity_at) > _OF_ONE_TIME_S:
        return
    apart = abs(facts.apart) / facts.equity
    if apart > watch.divergence_fraction:
        words = f"the day's change of equity and our own P&L are {dollars(facts.apart)} apart"
        words += f", {_percent(apart)} of equity"
        yield "account", words, {"apart_usd": str(facts.apart), "equity_usd": str(facts.equity)}


def _slippage(facts: Facts, watch: WatchSettings) -> Found:
    told = facts.slippage
    if told is None or told.percent is None or told.orders < watch.slippage_orders:
        return
    model = watch.slippage_model * 100
    most = model * Decimal(str(watch.slippage_factor))
    if told.percent > most:
        words = f"execution cost {told.percent:.1f} % over {told.orders} orders today, the model expects {model:.1f} %"
        yield "day", words, {"percent": f"{told.percent:.1f}", "model_percent": f"{model:.1f}", "orders": told.orders}


def _in_doubt(facts: Facts, watch: WatchSettings) -> Found:
    for order in facts.doubtful:
        age = facts.age_s(order.state_since)
        if age > watch.doubt_s:
            words = f"{order.purpose} order {order.order_ref} on {key_words(order.contract_key)} is in doubt"
            words += f" for {age:.0f} s"
            yield order.order_ref, words, {"age_s": round(age), "purpose": order.purpose}


def _unprotected(facts: Facts, watch: WatchSettings) -> Found:
    for held in facts.bare:
        age = facts.age_s(held.unprotected_since) if held.unprotected_since is not None else 0.0
        if age > watch.unprotected_s:
            words = f"{held.unprotected_quantity} of {held.quantity} {key_words(held.contract_key)} are without a stop"
            words += f" for {age:.0f} s"
            yield held.id, words, {"age_s": round(age), "contracts": held.unprotected_quantity, "held": held.quantity}


def _signal_rate(facts: Facts, watch: WatchSettings) -> Found:
    rate = facts.signals
    if rate.mean is None or rate.last_hour < watch.signals_least:
        return
    most = rate.mean * watch.signals_factor
    if rate.last_hour > most:
        words = f"{rate.last_hour} signals in the last hour; the mean of {rate.days} days is {rate.mean:.1f} an hour"
        yield "signals", words, {"last_hour": rate.last_hour, "mean": round(rate.mean, 1), "days": rate.days}


def _equity_jump(facts: Facts, watch: WatchSettings) -> Found:
    told = [point.net_liquidation for point in facts.equity_path if point.net_liquidation is not None]
    if not told or told[0] <= 0:
        return
    change = (told[-1] - told[0]) / told[0]
    if abs(change) > watch.equity_jump_fraction:
        span = watch.equity_jump_s
        words = f"equity went from {dollars(told[0])} to {dollars(told[-1])} within {span:g} s, {_percent(change)}"
        yield "account", words, {"from_usd": str(told[0]), "to_usd": str(told[-1])}


def _percent(share: Decimal) -> str:
    return f"{share * 100:.1f} %"


RULES: Final[tuple[Rule, ...]] = (
    Rule("unprotected", "OVERSEER_UNPROTECTED", CRITICAL, "position.unprotected_since", _unprotected),
    Rule("position_sync", "OVERSEER_BOOK_DIFFERS", CRITICAL, "reconciliation_line", _position_sync),
    Rule("heartbeat", "OVERSEER_BROKER_SILENT", CRITICAL, "connection_state", _heartbeat),
    Rule("equity_jump", "OVERSEER_EQUITY_JUMP", CRITICAL, "account_snapshot", _equity_jump),
    Rule("late_comparison", "OVERSEER_BOOK_OLD", WARNING, "engine_status.broker_synced_at", _late_comparison),
    Rule("in_doubt", "OVERSEER_ORDER_IN_DOUBT", WARNING, "broker_order", _in_doubt),
    Rule("stale_data", "OVERSEER_DATA_STALE", WARNING, "feed_status", _stale_data),
    Rule("divergence", "OVERSEER_DIVERGENCE", WARNING, "account_snapshot, position", _divergence),
    Rule("slippage", "OVERSEER_SLIPPAGE", WARNING, "execution, broker_order", _slippage),
    Rule("signal_rate", "OVERSEER_SIGNAL_RATE", WARNING, "signal", _signal_rate),
)
"""Every rule, gravest first."""


def findings(facts: Facts, watch: WatchSettings, rules: Iterable[Rule] = RULES) -> list[OverseerFinding]:
    """Return what every rule finds, gravest first."""
    return [
        OverseerFinding(rule.code, entity, rule.severity, words, numbers)
        for rule in rules
        for entity, words, numbers in rule.look(facts, watch)
    ]
