"""What somebody else does: other orders and executions are shown and never managed; where they touch a contract of
ours, entries on its symbol stop for the day, or until a person lifts it.

Context: the same foreign order is seen at every comparison of the books and after every restart. Decision: each cause
has a key (its execId, its permId, the position that went) and halts once. Consequence: what a person lifted stays
lifted, and something new halts again.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.domain.calendar import new_york_day
from bot.domain.events.account import ForeignSeen
from bot.domain.events.orders import AT_BROKER, MAY_FILL, BrokerOrderView
from bot.domain.instruments import option_of_key, symbol_of_key
from bot.domain.money import ZERO
from bot.domain.notices import INFO
from bot.domain.order import Execution, OrderSide
from bot.domain.position import Position
from bot.domain.symbol_halt import SymbolHalt, SymbolHaltChange, SymbolState, SymbolTrigger
from bot.domain.wording import key_words
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.steps import Step

_CODE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"position": "NOT_OURS_AT_BROKER", "order": "FOREIGN_ORDER", "execution": "FOREIGN_EXECUTION"}
)


def halt_symbol(journal: Journal, symbol: str, cause: str, reason: str) -> None:
    """Stop entries on a symbol for the rest of the day and say so, once; another cause is one more row."""
    halt = journal.ledger.symbol_halts.setdefault(symbol, SymbolHalt(symbol))
    if cause in halt.causes:
        return
    begins = halt.state is not SymbolState.HALTED
    sets = SymbolHaltChange(causes=(*halt.causes, cause))
    if begins:
        sets |= {"reason": reason, "halted_by": "broker", "halted_at": journal.now}
        sets |= {"lifted_by": None, "lifted_at": None}
    taken = journal.take(Step(halt, SymbolTrigger.HALT, reason, {"cause": cause}, sets, actor="broker"))
    if taken and begins:
        words = f"entries on {symbol} are halted for the day: {reason}"
        journal.alert("SYMBOL_HALTED", words, {"symbol": symbol, "reason": reason})


def lift(journal: Journal, halt: SymbolHalt, actor: str) -> None:
    """A person looked: entries on the symbol are allowed again; what was seen so far does not halt it anew."""
    sets = SymbolHaltChange(lifted_by=actor, lifted_at=journal.now)
    words = f"lifted by {actor}: {halt.reason}"
    journal.take(Step(halt, SymbolTrigger.LIFT, words, {"causes": list(halt.causes)}, sets, actor=actor))


def end_with_the_day(journal: Journal) -> None:
    """End the halts of an earlier day; what still lives is a cause again."""
    today = new_york_day(journal.now)
    for halt in journal.ledger.symbol_halts.values():
        if halt.state is SymbolState.HALTED and halt.halted_at is not None and new_york_day(halt.halted_at) != today:
            sets = SymbolHaltChange(lifted_by=None, lifted_at=journal.now, causes=())
            journal.take(Step(halt, SymbolTrigger.DAY_OVER, "the day is over", {}, sets))


def executed(journal: Journal, execution: Execution) -> None:
    """Somebody else's execution: where the contract is one of ours, its symbol is halted."""
    symbol = _symbol_of_ours(journal.ledger, execution.contract_key)
    if symbol is not None:
        halt_symbol(journal, symbol, f"execution {execution.base_id}", _words(execution))


def order_seen(journal: Journal, view: BrokerOrderView) -> None:
    """Somebody else's order: a live one on a contract of ours halts its symbol, a buy is in the way of our sales."""
    if view.side is OrderSide.BUY and view.status in MAY_FILL and view.perm_id:
        journal.ledger.foreign.buys[view.perm_id] = view
    else:
        journal.ledger.foreign.buys.pop(view.perm_id, None)
    symbol = _symbol_of_ours(journal.ledger, view.contract_key) if view.status in AT_BROKER else None
    if symbol is not None:
        words = f"order {view.perm_id} of somebody else ({view.side} {view.quantity}) is live on a contract of ours"
        halt_symbol(journal, symbol, f"order {view.perm_id}", words)


def name_of(view: BrokerOrderView) -> str:
    """Return how somebody else's order is called: permId, and the reference where it has one."""
    return f"{view.perm_id} {view.order_ref}".strip()


def in_words(view: BrokerOrderView) -> str:
    """Return what somebody else's order asks for, how it stands and whose client placed it."""
    limit = f" limit {view.limit_price}" if view.limit_price else ""
    stop = f" stop {view.stop_price}" if view.stop_price else ""
    what = f"{view.side} {view.quantity} {key_words(view.contract_key)}{limit}{stop}"
    return f"{what}, {view.status}, {view.filled_quantity or 0} filled, client {view.client_id}"


def in_the_way(ledger: Ledger, key: str) -> str:
    """Return in words what keeps the broker from taking any sale of a contract; empty: nothing that we know of."""
    buys = [f"{name_of(view)} ({in_words(view)})" for view in ledger.foreign.buys_on(key)]
    if not buys:
        return ""
    return f"the broker takes no sale beside somebody else's buy, order {' and '.join(buys)}: take it back in TWS"


def position_gone(journal: Journal, position: Position) -> None:
    """Contracts of ours that somebody else sold."""
    words = f"{position.contract} was changed by somebody else"
    halt_symbol(journal, position.contract.symbol, f"position {position.id} left {position.quantity}", words)


def holdings(
    journal: Journal, there: Mapping[str, Decimal], delivered: Mapping[str, int], open_questions: Set[str]
) -> None:
    """Shares and short options in the account: told when they change and no exercise of ours explains it, then known.

    A symbol with an open question keeps what was known: its contracts may be on their way out, and shares their place.
    """
    known = journal.ledger.foreign.holdings
    for key in sorted(known.keys() | there.keys()):
        if symbol_of_key(key) in open_questions:
            continue
        before, now = known.get(key, ZERO), there.get(key, ZERO)
        if now - before != delivered.get(key, 0):
            _tell_of_holding(journal, key, before, now)
        if now:
            known[key] = now
        else:
            known.pop(key, None)


def opaque(journal: Journal, seen: ForeignSeen) -> None:
    """Tell once of a holding, an order or an execution of somebody else that no type of ours holds. Executions are told
    by their security: who trades it all day is no news with each fill."""
    if not journal.ledger.foreign.is_news(seen.subject, name_of_opaque(seen)):
        return
    text = f"{seen.subject} of somebody else: {seen.words} of {seen.key}, left alone and not counted"
    facts = {"key": seen.key, "id": seen.identity, **seen.facts}
    journal.alert(_CODE_OF[seen.subject], text, facts, severity=INFO)


def name_of_opaque(seen: ForeignSeen) -> str:
    return seen.key if seen.subject == "execution" else seen.identity


def _tell_of_holding(journal: Journal, key: str, before: Decimal, now: Decimal) -> None:
    name, facts = key.strip(), {"key": key, "before": before, "now": now}
    if now < 0 and option_of_key(key) is not None:
        words = f"the account is short {-now} {name} ({before} before), which this bot never is: it is left alone"
        journal.alert("SHORT_AT_BROKER", words, facts)
    else:
        words = f"the account holds {now} {name} ({before} before), which no trade of this bot explains: left alone"
        journal.alert("NOT_OURS_AT_BROKER", words, facts)


def _symbol_of_ours(ledger: Ledger, key: str) -> str | None:
    return symbol_of_key(key) if ledger.has_traded(key) else None


def _words(execution: Execution) -> str:
    return f"execution {execution.exec_id} ({execution}) is not ours"
