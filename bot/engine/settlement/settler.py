"""What left the broker's book at its expiry or by an exercise: how it ended, at what value, and how sure that is.

When a contract ends and at what price of its underlying is in `bot.engine.settlement.expiry`, whose table says what
follows when.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from bot.domain import fills
from bot.domain.calendar import new_york_day
from bot.domain.instruments import OptionContract, option_of_key
from bot.domain.money import CENT, ZERO
from bot.domain.order import Execution, OrderSide
from bot.domain.position import CloseReason, Position, PositionChange, PositionTrigger, Settlement
from bot.domain.wording import dollars
from bot.engine.settlement.expiry import ends_at, is_last_call, official_close, session_after_expiry, sound_price
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.risk.settlement import Leaving, exercised

_PLAUSIBLE: Final = Decimal("0.02")
"""An official close further than this part from the price that we saw does not confirm it (a split, a wrong row)."""
_OPEN_ENDED: Final = frozenset({Settlement.PENDING, Settlement.SEEN})
_VALUED: Final = frozenset({CloseReason.CASH_SETTLED, CloseReason.EXERCISED})


@dataclass(frozen=True, slots=True)
class Settled:
    """How a position ended: at what price of the underlying, and how sure that is. `price` None: unknown."""

    reason: CloseReason
    settlement: Settlement
    price: Decimal | None
    words: str

    def value(self, contract: OptionContract) -> Decimal:
        """Return what a share of it is counted at; what is not known is counted as nothing."""
        return contract.intrinsic(self.price) if self.price is not None and self.reason in _VALUED else ZERO


class Settler:
    """Judges what left the broker's book at its expiry. `shares` are the broker's now, by symbol."""

    def __init__(self, ctx: Context, journal: Journal, shares: Mapping[str, int]) -> None:
        self._ctx = ctx
        self._journal = journal
        self._shares = shares
        self.delivered: dict[str, int] = defaultdict(int)  # by exercises that were found in this run

    def settle(self, gone: Sequence[tuple[Position, int]]) -> None:
        """Take contracts that expired off the book, and look again at what was not certain before. What a price rests
        on follows from the time of day: while that is not known, nothing is settled."""
        if not self._ctx.hour_is_known:
            return
        for position, contracts in gone:
            self._ctx.ledger.change(position, fills.settle(position, contracts, ZERO))
        new = {position.id for position, _ in gone}
        for position, verdict in self._verdicts([position for position, _ in gone]):
            if position.id in new:
                self._close(position, verdict)
            else:
                self._correct(position, verdict)
        self._see_shares_go()

    def exercise_early(self, position: Position, contracts: int) -> None:
        """Take contracts off the book that somebody exercised before their expiry."""
        verdict, known = early_verdict(self._ctx, position), self._ctx.ledger.foreign.holdings
        worth = verdict.value(position.contract) * contracts
        self._ctx.ledger.change(position, fills.settle(position, contracts, worth))
        evidence = {**self._evidence(position, verdict), "contracts": contracts}
        words = f"{verdict.words}: {contracts} contracts"
        if position.quantity:
            self._ctx.ledger.change(position, PositionChange(left_early=position.left_early + contracts))
            self._journal.take(Step(position, PositionTrigger.RECOVER, words, evidence, None, actor="reconcile"))
        else:
            symbol = position.contract.symbol
            sets = _sets_of(position, verdict)
            sets |= PositionChange(closed_at=self._ctx.now, shares_before=int(known.get(symbol, 0)))
            self._journal.take(Step(position, PositionTrigger.SETTLE, words, evidence, sets, actor="reconcile"))
        if verdict.settlement is Settlement.PENDING:
            self._tell(position, verdict)
        else:
            self.tell_of_delivery(position, contracts)

    # ---- judging

    def _verdicts(self, gone: Sequence[Position]) -> list[tuple[Position, Settled]]:
        uncertain = [p for p in self._ctx.ledger.closed.values() if self._is_uncertain(p)]
        judged, by_delivery = [], defaultdict(list)
        for position in (*gone, *uncertain):
            contract = position.contract
            if contract.settles_in_cash:
                judged.append((position, self._paid_out(position)))
            elif position.close_reason is CloseReason.EXERCISED:
                judged.append((position, self._exercised(position)))
            else:
                by_delivery[contract.symbol, contract.expiry, position.shares_before or 0].append(position)
        for (symbol, _, before), positions in sorted(by_delivery.items()):
            judged += self._delivered(symbol, before, positions)
        return judged

    def _is_uncertain(self, position: Position) -> bool:
        """Early exercises have no close to wait for: a person tells their price."""
        late = position.closed_at is not None and position.closed_at >= ends_at(self._ctx, position.contract)
        return position.settlement in _OPEN_ENDED and late

    def _price_of(self, position: Position) -> tuple[Decimal | None, Settlement]:
        """Return the best price at hand and what it rests on."""
        contract, seen = position.contract, position.settlement_price
        official = official_close(self._ctx, contract)
        if official is not None and (seen is None or abs(official / seen - 1) <= _PLAUSIBLE):
            return official, Settlement.FINAL
        if seen is None:
            return None, Settlement.PENDING
        following = session_after_expiry(self._ctx, contract)
        over = following is not None and self._ctx.now >= following.close_at
        return seen, Settlement.FINAL if over else Settlement.SEEN

    def _paid_out(self, position: Position) -> Settled:
        price, certainty = self._price_of(position)
        contract = position.contract
        if price is None:
            return Settled(CloseReason.SETTLEMENT_PENDING, certainty, None, price_unknown(contract))
        reason = CloseReason.CASH_SETTLED if contract.intrinsic(price) > 0 else CloseReason.EXPIRED
        return Settled(reason, certainty, price, _told(reason, contract, price))

    def _exercised(self, position: Position) -> Settled:
        price, certainty = self._price_of(position)
        contract = position.contract
        words = _told(CloseReason.EXERCISED, contract, price) if price is not None else price_unknown(contract)
        return Settled(CloseReason.EXERCISED, certainty, price, words)

    def _delivered(self, symbol: str, before: int, positions: Sequence[Position]) -> list[tuple[Position, Settled]]:
        """Judge what delivers shares by the shares that came."""
        arrived = self._shares.get(symbol, 0) - before - self._explained(symbol, before)
        leaving = [Leaving(p.id, p.contract, p.settled_quantity - p.left_early) for p in positions]
        price = next((price for p in positions if (price := self._price_of(p)[0]) is not None), None)
        contract = positions[0].contract
        last_call = is_last_call(self._ctx, contract)
        taken = exercised(leaving, arrived, price, last_call=last_call)
        if taken is None:
            words = f"{arrived} shares of {symbol} came, which does not say what was exercised"
            return [(p, self._undecided(p, words)) for p in positions]
        return [
            (p, self._exercised(p) if p.id in taken else self._worthless(p, last_call=last_call)) for p in positions
        ]

    def _explained(self, symbol: str, before: int) -> int:
        """Return the shares that came by exercises which are settled already."""
        there = (p for p in self._ctx.ledger.closed.values() if p.close_reason is CloseReason.EXERCISED)
        same = (p for p in there if p.contract.symbol == symbol and p.shares_before == before)
        return sum(p.contract.shares_of(p.settled_quantity - p.left_early) for p in same)

    def _undecided(self, position: Position, words: str) -> Settled:
        price = position.settlement_price
        if position.close_reason is CloseReason.EXPIRED:
            return Settled(CloseReason.EXPIRED, Settlement.SEEN, price, words)
        return Settled(CloseReason.SETTLEMENT_PENDING, Settlement.PENDING, price, words)

    def _worthless(self, position: Position, *, last_call: bool) -> Settled:
        price, contract = self._price_of(position)[0], position.contract
        lapsed = price is not None and contract.intrinsic(price) >= CENT
        words = _told(CloseReason.EXPIRED, contract, price)
        if lapsed:
            words = f"{contract} was in the money with {contract.symbol} at {price}, and no shares came: it lapsed"
        return Settled(CloseReason.EXPIRED, Settlement.FINAL if last_call else Settlement.SEEN, price, words)

    # ---- writing

    def _close(self, position: Position, verdict: Settled) -> None:
        contracts = position.settled_quantity - position.left_early
        worth = verdict.value(position.contract) * contracts
        self._ctx.ledger.change(position, fills.settle(position, 0, worth))
        sets = _sets_of(position, verdict)
        if position.quantity == 0:
            sets |= PositionChange(closed_at=ends_at(self._ctx, position.contract))
        trigger = PositionTrigger.SETTLE if position.quantity == 0 else PositionTrigger.RECOVER
        evidence = self._evidence(position, verdict)
        self._journal.take(Step(position, trigger, verdict.words, evidence, sets, actor="reconcile"))
        self._tell(position, verdict)

    def _correct(self, position: Position, verdict: Settled) -> None:
        known = (position.close_reason, position.settlement, position.settlement_price)
        if (verdict.reason, verdict.settlement, verdict.price or position.settlement_price) == known:
            return
        resettle(self._journal, position, verdict, self._evidence(position, verdict), "reconcile")
        if verdict.reason is not known[0] and verdict.reason is CloseReason.EXERCISED:
            self._tell(position, verdict)

    def _evidence(self, position: Position, verdict: Settled) -> Mapping[str, Any]:
        contract = position.contract
        return {
            "underlying": verdict.price, "value": verdict.value(contract), "settlement": verdict.settlement,
            "contracts": position.settled_quantity - position.left_early, "shares_before": position.shares_before,
            "shares_now": None if contract.settles_in_cash else self._shares.get(contract.symbol, 0),
            "expired_at": ends_at(self._ctx, contract),
        }  # fmt: skip

    def _tell(self, position: Position, verdict: Settled) -> None:
        facts = {"position_id": position.id, "realized_pnl": position.realized_pnl, "underlying": verdict.price}
        words = f"{verdict.words}; realized {dollars(position.realized_pnl, plus=True)}"
        if verdict.settlement is Settlement.PENDING:
            words += "; counted as nothing until a price is known: `settle` tells one"
            self._journal.alert("SETTLEMENT_PENDING", words, facts)
        elif verdict.reason is not CloseReason.EXERCISED:
            self._journal.alert("POSITION_SETTLED", words, facts)
        if verdict.reason is CloseReason.EXERCISED:
            self.tell_of_delivery(position, position.settled_quantity - position.left_early)

    def tell_of_delivery(self, position: Position, contracts: int) -> None:
        """Say what came into the account and what a person has to do about it."""
        contract = position.contract
        shares = contract.shares_of(contracts)
        self.delivered[contract.symbol] += shares
        deed = f"{shares} {contract.symbol} delivered" if shares > 0 else f"{-shares} {contract.symbol} sold short"
        way = "sell" if shares > 0 else "buy back"
        words = (
            f"{deed} by the exercise of {contracts} x {contract}: {way} them by hand, this bot trades no shares; "
            f"entries on {contract.symbol} wait until they are gone; "
            f"realized {dollars(position.realized_pnl, plus=True)}"
        )
        facts = {"position_id": position.id, "shares": shares, "before": position.shares_before}
        self._journal.alert("SHARES_DELIVERED", words, facts)

    def _see_shares_go(self) -> None:
        """Delivered shares that the account has no more were sold: entries on their symbol may go on."""
        for position in list(self._ctx.ledger.closed.values()):
            if position.close_reason is not CloseReason.EXERCISED or position.shares_before is None:
                continue
            symbol, sign = position.contract.symbol, position.contract.shares_of(1)
            left = (self._shares.get(symbol, 0) - position.shares_before) * sign
            if left > 0:
                continue
            words = f"the shares of {symbol} that {position.contract} delivered are not in the account any more"
            evidence = {"shares_now": self._shares.get(symbol, 0), "before": position.shares_before}
            gone = Step(
                position,
                PositionTrigger.RESETTLE,
                words,
                evidence,
                PositionChange(shares_before=None),
                actor="reconcile",
            )
            self._journal.take(gone)
            self._journal.alert("SHARES_GONE", words, {"position_id": position.id})


def resettle(journal: Journal, position: Position, verdict: Settled, evidence: Mapping[str, Any], actor: str) -> None:
    """Give a settled position another reason, price or certainty; its P&L follows."""
    contracts, contract = position.settled_quantity - position.left_early, position.contract
    before = Settled(position.close_reason or verdict.reason, Settlement.SEEN, position.settlement_price, "")
    old = ZERO if position.settlement is Settlement.PENDING else before.value(contract)
    change = (verdict.value(contract) - old) * contracts
    was = position.realized_pnl
    journal.ledger.change(position, fills.settle(position, 0, change))
    facts = {**evidence, "was": position.close_reason, "underlying_was": before.price, "realized_was": was}
    step = Step(position, PositionTrigger.RESETTLE, verdict.words, facts, _sets_of(position, verdict), actor=actor)
    journal.take(step)
    if change:
        now = dollars(position.realized_pnl, plus=True)
        words = f"{verdict.words}; realized {dollars(was, plus=True)} becomes {now}"
        journal.alert("SETTLEMENT_CORRECTED", words, {"position_id": position.id})


def told_by_person(position: Position, price: Decimal, actor: str) -> Settled:
    """Return how a position ended when a person tells the underlying's settlement price."""
    contract = position.contract
    worth = contract.intrinsic(price) > 0
    in_kind = CloseReason.CASH_SETTLED if contract.settles_in_cash else CloseReason.EXERCISED
    taken = position.close_reason is CloseReason.EXERCISED
    reason = in_kind if worth or taken else CloseReason.EXPIRED
    return Settled(reason, Settlement.FINAL, price, f"{_told(reason, contract, price)}, as {actor} tells")


def _sets_of(position: Position, verdict: Settled) -> PositionChange:
    keeps_shares = verdict.reason in {CloseReason.EXERCISED, CloseReason.SETTLEMENT_PENDING}
    uncertain = verdict.settlement is not Settlement.FINAL
    return PositionChange(
        close_reason=verdict.reason,
        settlement=verdict.settlement,
        settlement_price=verdict.price if verdict.price is not None else position.settlement_price,
        shares_before=position.shares_before if keeps_shares or uncertain else None,
    )


def _told(reason: CloseReason, contract: OptionContract, price: Decimal | None) -> str:
    at = f" with {contract.symbol} at {price}" if price is not None else ""
    worth = f"at {contract.intrinsic(price)} a share" if price is not None else ""
    return {
        CloseReason.EXPIRED: f"{contract} expired worthless{at}",
        CloseReason.CASH_SETTLED: f"{contract} was paid out {worth}{at}",
        CloseReason.EXERCISED: f"{contract} was exercised {worth}{at}",
    }[reason]


def price_unknown(contract: OptionContract) -> str:
    """Say that a contract is gone and cannot be valued."""
    return f"{contract} is gone from the broker's book, and the price of {contract.symbol} at its expiry is not known"


# ---- before the expiry, and without us


def exercised_early(
    ctx: Context, vanished: Sequence[tuple[Position, int]], shares: Mapping[str, Decimal]
) -> frozenset[str]:
    """Return the ids of what vanished before its expiry while exactly its shares came: exercised by hand."""
    by_symbol: dict[str, list[tuple[Position, int]]] = defaultdict(list)
    for position, contracts in vanished:
        if not position.contract.settles_in_cash:
            by_symbol[position.contract.symbol].append((position, contracts))
    found: set[str] = set()
    for symbol, group in by_symbol.items():
        due = sum(position.contract.shares_of(contracts) for position, contracts in group)
        if due and shares.get(symbol, 0) - ctx.ledger.foreign.holdings.get(symbol, 0) == due:
            found |= {position.id for position, _ in group}
    return frozenset(found)


def early_verdict(ctx: Context, position: Position) -> Settled:
    """Return how an early exercise is counted: at the intrinsic value of this moment, if a sound quote is there."""
    contract, quote = position.contract, ctx.board.quote(position.contract.symbol)
    age = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
    price = None if quote is None or quote.price_fault(ctx.now, age) is not None else sound_price(quote.reference)
    if price is None:
        return Settled(CloseReason.EXERCISED, Settlement.PENDING, None, f"{contract} was exercised by hand")
    words = (
        f"{contract} was exercised by hand, counted at {contract.intrinsic(price)} with {contract.symbol} at {price}"
    )
    return Settled(CloseReason.EXERCISED, Settlement.FINAL, price, words)


def is_book_entry(execution: Execution) -> bool:
    """Say whether an execution is how the broker writes off an expired option: a sale at nothing, at its end."""
    contract = option_of_key(execution.contract_key)
    if contract is None:
        return False
    ended = contract.expiry <= new_york_day(execution.executed_at)
    return ended and execution.price == 0 and execution.side is OrderSide.SELL
