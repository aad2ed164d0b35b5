"""Contracts of ours that somebody else sold: that they are gone is in the broker's book, what they brought is not.

Context: to count them at nothing books the whole premium as a loss. Decision: they are valued by the executions of
other clients that took them, else by what a person tells, else by the last bid that was seen; where even that is
missing they are counted as nothing, which is told and counts as a loss until it is known. Consequence: the position
says what its value rests on (`Valuation`), and what is heard later (an execution, its correction or commission, our own
sale after all) replaces what was counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from bot.domain import fills
from bot.domain.money import ZERO, neat, to_price
from bot.domain.order import Execution, Order, OrderSide
from bot.domain.position import CloseReason, Origin, Position, PositionChange, PositionState, PositionTrigger, Valuation
from bot.domain.wording import dollars
from bot.engine.book import foreign
from bot.engine.settlement.settler import is_book_entry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.steps import Step

_CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""An execution bears the broker's time, and what is found gone ours."""

Sale = tuple[Execution, int]
"""Somebody else's execution, and how many contracts of ours it sold."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What contracts that somebody else sold are counted at; `value` is a sum of price per share x contracts."""

    value: Decimal
    commission: Decimal
    valuation: Valuation | None
    sales: tuple[Sale, ...]
    words: str


def lose(ctx: Context, journal: Journal, position: Position, gone: int) -> None:
    """Take contracts off the book that the broker does not have, and count what they brought."""
    reason, ours = CloseReason.EXTERNALLY_CLOSED, position.quantity
    estimate, seen = _estimate(ctx, position)
    change = fills.lose(position, gone)
    change |= PositionChange(elsewhere_estimate=_mean(position, gone, estimate), elsewhere_at=ctx.now)
    if position.valuation is Valuation.TOLD:
        change["valuation"] = None  # what a person told was not of these
    ctx.ledger.change(position, change)
    worth = _count(ctx.ledger, position)
    words = f"{gone} of {ours} are not at the broker: {reason.value}, {worth.words}"
    evidence = {"ours": ours, "gone": gone, "last_bid": estimate, "bid_seen": seen, **_evidence(position, worth)}
    if position.quantity == 0:
        sets = PositionChange(close_reason=reason, closed_at=ctx.now)
        journal.take(Step(position, PositionTrigger.LOSE, words, evidence, sets, actor="reconcile"))
    else:
        journal.take(Step(position, PositionTrigger.RECOVER, words, evidence, actor="reconcile"))
    text = f"{position.contract}: {words}; realized {dollars(position.realized_pnl, plus=True)}"
    if worth.valuation is Valuation.UNKNOWN:
        text += f"; tell what a share brought with `settle {position.id} PRICE`"
    journal.alert("POSITION_GONE", text, {"position_id": position.id, "valuation": worth.valuation})
    foreign.position_gone(journal, position)


def recount(journal: Journal, key: str) -> None:
    """Value again what was sold elsewhere of a contract, after something new was heard of it."""
    for position in _affected(journal.ledger, key):
        _recount(journal, position, "broker", {})


def tell(journal: Journal, position: Position, price: Decimal, actor: str, evidence: Mapping[str, Any]) -> str:
    """Take a person's word for what a share brought of what no execution explains; returns how it is counted now."""
    journal.ledger.change(position, PositionChange(elsewhere_estimate=price, valuation=Valuation.TOLD))
    return _recount(journal, position, actor, {**evidence, "price": price})


def give_back(ledger: Ledger, position: Position, order: Order, execution: Execution) -> int:
    """Take off what was given up as sold elsewhere and was our own sale, which is heard of only now; returns how many
    contracts. What other executions explain, and what was given up before this sale or before its order was made,
    stays."""
    if position.elsewhere_at is not None and order.created_at >= position.elsewhere_at:
        return 0
    if position.state is not PositionState.CLOSED and not _can_be_of(execution, position):
        return 0
    explained = sum(contracts for _, contracts in _sales_of(ledger, position))
    back = min(execution.quantity, position.elsewhere_quantity - explained)
    if back <= 0:
        return 0
    ledger.change(position, fills.lose(position, -back))
    _count(ledger, position)
    return back


def is_uncertain(position: Position) -> bool:
    """Say whether a person may tell what contracts brought that somebody else sold."""
    return position.valuation in {Valuation.UNKNOWN, Valuation.ESTIMATED, Valuation.TOLD}


# ---- who sold what


def sales_of_ours(executions: Iterable[Execution], adopted: Sequence[Position]) -> list[Sale]:
    """Return what strangers' executions on one contract sold of ours, oldest first.

    What they bought themselves they sell first, unless it was `adopted` since: then it is ours.
    """
    happened: list[tuple[Any, ...]] = [(e.executed_at, 0, e.exec_id, e) for e in executions]
    happened += [(p.opened_at, 1, p.id, p) for p in adopted]
    theirs, found = 0, []
    for _, _, _, each in sorted(happened, key=lambda entry: entry[:3]):
        if isinstance(each, Position):
            theirs = max(theirs - each.entry_quantity, 0)
        elif each.side is OrderSide.BUY:
            theirs += each.quantity
        else:
            own = min(theirs, each.quantity)
            theirs -= own
            if each.quantity > own:
                found.append((each, each.quantity - own))
    return found


def _affected(ledger: Ledger, key: str) -> list[Position]:
    """Return the positions on a contract of which somebody else sold something, oldest first."""
    every = (*ledger.positions.values(), *ledger.closed.values())
    return sorted((p for p in every if p.key == key and p.elsewhere_quantity), key=lambda p: (p.opened_at, p.id))


def _sales_of(ledger: Ledger, position: Position) -> tuple[Sale, ...]:
    """Return the sales that took a position's contracts: each contract of a sale counts once, for the position that was
    opened first of those from which it can have come."""
    affected = _affected(ledger, position.key)
    since = min((p.opened_at for p in affected), default=position.opened_at)
    strangers = (ledger.fills.executions[base] for base in ledger.foreign.executions if base in ledger.fills.executions)
    theirs = [e for e in strangers if e.contract_key == position.key and e.executed_at >= since]
    every = (*ledger.positions.values(), *ledger.closed.values())
    adopted = [p for p in every if p.key == position.key and p.origin is Origin.BROKER and p.opened_at >= since]
    taken: dict[str, list[Sale]] = defaultdict(list)
    wanting = {p.id: p.elsewhere_quantity for p in affected}
    for execution, sold in sales_of_ours((e for e in theirs if not is_book_entry(e)), adopted):
        left = sold
        for each in affected:
            contracts = min(left, wanting[each.id]) if _can_be_of(execution, each) else 0
            if contracts:
                taken[each.id].append((execution, contracts))
                wanting[each.id] -= contracts
                left -= contracts
    return tuple(taken[position.id])


def _can_be_of(execution: Execution, position: Position) -> bool:
    """It was held then, and had not been found gone before."""
    found_gone = position.elsewhere_at
    return found_gone is not None and position.opened_at <= execution.executed_at <= found_gone + _CLOCKS_DIFFER


# ---- what it is worth


def _estimate(ctx: Context, position: Position) -> tuple[Decimal | None, Any]:
    """Return the last bid for an option that was seen while it was held, and when."""
    seen = [ctx.ledger.bid_seen[position.id]] if position.id in ctx.ledger.bid_seen else []
    quote = ctx.board.quote(position.key)
    if quote is not None and quote.bid is not None and quote.bid > 0 and quote.at >= position.opened_at:
        seen.append((quote.at, quote.bid))
    at, bid = max(seen, default=(None, None))
    return bid, at


def _mean(position: Position, gone: int, estimate: Decimal | None) -> Decimal | None:
    """Return the estimate for all that is gone: the mean by contracts, None where a part has none."""
    before, known = position.elsewhere_quantity, position.elsewhere_estimate
    if not before:
        return estimate
    if known is None or estimate is None:
        return None
    return neat(to_price((known * before + estimate * gone) / (before + gone)))


def _worth(ledger: Ledger, position: Position) -> Worth:
    if not position.elsewhere_quantity:
        return Worth(ZERO, ZERO, None, (), "our own sale")
    sales = _sales_of(ledger, position)
    explained = sum(contracts for _, contracts in sales)
    rest, estimate = position.elsewhere_quantity - explained, position.elsewhere_estimate
    value = sum((e.price * n for e, n in sales), ZERO)
    commission = sum((ledger.fills.charged.get(e.base_id, ZERO) * n / e.quantity for e, n in sales), ZERO)
    words = [f"{n} sold by somebody else at {e.price}" for e, n in sales]
    if rest <= 0:
        valuation = Valuation.EXECUTED
    elif estimate is None:
        valuation = Valuation.UNKNOWN
        words.append(f"{rest} at a price that is not known, counted as nothing")
    else:
        valuation = Valuation.TOLD if position.valuation is Valuation.TOLD else Valuation.ESTIMATED
        source = "as was told" if valuation is Valuation.TOLD else "estimated by the last bid"
        words.append(f"{rest} counted at {estimate}, {source}")
        value += estimate * rest
    return Worth(value, to_price(commission), valuation, sales, ", ".join(words))


def _count(ledger: Ledger, position: Position) -> Worth:
    """Let the position's sums be what its contracts that were sold elsewhere are worth by all that is known."""
    worth = _worth(ledger, position)
    change = fills.count_elsewhere(position, worth.value, worth.commission)
    change |= PositionChange(valuation=worth.valuation)
    if not position.elsewhere_quantity:
        change |= PositionChange(elsewhere_estimate=None, elsewhere_at=None)
    ledger.change(position, change)
    return worth


def _recount(journal: Journal, position: Position, actor: str, evidence: Mapping[str, Any]) -> str:
    before = (position.elsewhere_value, position.elsewhere_commission, position.valuation)
    was = position.realized_pnl
    worth = _count(journal.ledger, position)
    words = f"{position.contract}: {worth.words}"
    if (worth.value, worth.commission, worth.valuation) == before and not evidence:
        return words
    facts = {**evidence, "realized_was": was, **_evidence(position, worth)}
    journal.take(Step(position, PositionTrigger.CORRECT, words, facts, actor=actor))
    if was != position.realized_pnl:
        text = f"{words}; realized {dollars(was, plus=True)} becomes {dollars(position.realized_pnl, plus=True)}"
        journal.alert("SOLD_ELSEWHERE_COUNTED", text, {"position_id": position.id})
    return words


def _evidence(position: Position, worth: Worth) -> dict[str, Any]:
    return {
        "elsewhere": position.elsewhere_quantity, "value": worth.value, "commission": worth.commission,
        "valuation": worth.valuation, "estimate": position.elsewhere_estimate,
        "executions": {execution.exec_id: contracts for execution, contracts in worth.sales},
        "realized_pnl": position.realized_pnl,
    }  # fmt: skip
