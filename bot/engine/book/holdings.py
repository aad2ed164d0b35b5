"""What the broker holds against what we count, contract by contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from bot.domain.events.account import BrokerPosition, BrokerSnapshot
from bot.domain.instruments import symbol_of_key
from bot.domain.money import to_price
from bot.domain.position import Origin, Position, PositionTrigger
from bot.engine.book import foreign, sold_elsewhere
from bot.engine.book.asking import Asking
from bot.engine.book.comparison import BookComparison
from bot.engine.book.lost_orders import LostOrders
from bot.engine.settlement import expiry
from bot.engine.settlement.settler import Settler, exercised_early
from bot.engine.state.fact_name import FactName
from bot.engine.state.records import LEFT_ALONE
from bot.engine.state.steps import Birth, Step
from bot.engine.trade.sight import frozen_plan

_STANDS_STILL = 4  # a part of the grace time


class HoldingsJudge:
    """Judges, in one comparison, how many contracts are there."""

    def __init__(self, comparison: BookComparison) -> None:
        self._ctx, self._journal, self._absences = comparison.ctx, comparison.journal, comparison.absences
        self._alone, self._line = comparison.alone, comparison.line
        self._gone, self._grace = comparison.gone, comparison.grace

    def judge(self, snapshot: BrokerSnapshot) -> None:
        """Compare each contract that either side has, then account for what is gone."""
        self._alone(FactName("expiry"), "", expiry.expire, self._ctx, self._journal)
        found: list[LostOrders] = []
        self._alone(FactName("orders", "of a lost store"), "", self._call_off_lost_orders, snapshot, found)
        lost = found[0] if found else None
        broker = {p.contract_key: p for p in snapshot.positions if p.amount}
        asking = Asking(self._ctx, self._journal, snapshot)
        ours: dict[str, int] = defaultdict(int)
        for position in self._ctx.ledger.positions.values():
            ours[position.key] += position.quantity
        self._ctx.ledger.proof.begin_comparison()
        self._absences.lost_live = lost.on_their_way_out if lost is not None else frozenset()
        for key in self._absences.differences.keys() - broker.keys() - ours.keys():
            del self._absences.differences[key]  # gone on both sides since the last look: nothing is left to confirm
        for key in sorted(set(broker) | set(ours)):
            given = key, broker.get(key), snapshot.at, lost, asking
            self._alone(FactName("position", key.strip()), key, self._judge_holding, *given)
        self._alone(FactName("questions", "of adoption"), "", asking.forget_what_is_gone)
        asking.tell()
        self._ctx.ledger.proof.doubt(self._absences.lost_live)  # no sale beside one that may still fill
        self._account_for_what_is_gone(broker)

    def _call_off_lost_orders(self, snapshot: BrokerSnapshot, found: list[LostOrders]) -> None:
        lost = LostOrders(self._ctx, self._journal, snapshot)
        for view, action in lost.call_off():
            self._line("order", view.order_ref, "missing", view.status.value, action)
        found.append(lost)

    def _judge_holding(
        self, key: str, found: BrokerPosition | None, at: datetime, lost: LostOrders | None, asking: Asking
    ) -> None:
        """Compare one contract. One in dispute waits for its fact: what it lacks proves nothing."""
        ours = self._ctx.ledger.position_index.held_on(key)
        there = found.quantity if found is not None else 0
        if _is_none_of_ours(found, ours):
            self._absences.differences.pop(key, None)
        elif there == ours:
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), "same")
        elif there and self._ctx.board.has_changed(key):
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), "another contract by now: left to a person")
        elif self._is_disputed(key):
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), f"disputed: {self._ctx.ledger.proof.disputed[key]}")
        elif found is not None and there > ours and (asked := asking.stands(found, there - ours)):
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), asked)
        elif waits := self._waits_for(key, there - ours, at, lost):
            self._line("position", key, str(ours), str(there), waits)
        elif found is not None and there > ours:
            self._take_or_ask(found, there - ours, lost, asking)
        else:
            self._give_up(key, ours - max(there, 0), there)

    def _take_or_ask(self, found: BrokerPosition, extra: int, lost: LostOrders | None, asking: Asking) -> None:
        """Two looks agree that the broker has more than we know: take over what may be, ask about the rest."""
        taken = asking.may_take(found, extra)
        if taken and lost is None:
            return
        if taken and lost is not None:
            self._adopt(found, taken, lost)
            asking.taken(found.contract_key, taken)
        if extra > taken:
            known = str(found.quantity - extra + taken)
            words = asking.leave(found, extra - taken)
            self._line("position", found.contract_key, known, str(found.quantity), words)

    def _is_disputed(self, key: str) -> bool:
        """Say whether a fact about a contract cannot be applied; its own comparison is tried anew each time."""
        disputed = self._ctx.ledger.proof.disputed.get(key)
        return disputed is not None and disputed != FactName("position", key.strip())

    def _waits_for(self, key: str, difference: int, at: datetime, lost: LostOrders | None) -> str:
        """Return what a difference waits for before it counts; empty: it counts."""
        ledger = self._ctx.ledger
        if difference < 0 and self._may_be_settled(key):
            ledger.proof.doubt({key})
            self._absences.differences.pop(key, None)  # a wrong clock may last: no reason to look every two seconds
            return "waits until the clocks agree"
        if not self._seen_twice(key, difference, at):
            ledger.proof.differ(key, difference)  # of fewer nothing more is sold until a second look tells
            return "asked again"
        if difference > 0 and lost is not None and lost.in_the_way_on(key):
            waits = "waits until lost orders are gone"
        elif expiry.is_just_over(self._ctx, ledger.position_index.of(key)):
            waits = "waits for the closing price"
        else:
            return ""
        self._absences.differences[key] = (difference, at - self._grace)
        return waits

    def _may_be_settled(self, key: str) -> bool:
        """Say whether what is gone may have expired, while a wrong clock does not let us say so."""
        held = self._ctx.ledger.position_index.of(key)
        return not self._ctx.hour_is_known and any(expiry.has_expired(self._ctx, p.contract) for p in held)

    def _seen_twice(self, key: str, difference: int, at: datetime) -> bool:
        """A fill between two parts of one snapshot looks like a difference: only the second poll counts."""
        known = self._absences.differences.get(key)
        if known is None or known[0] != difference:
            self._absences.differences[key] = (difference, at)
            return False
        if at - known[1] < self._patience(key):
            return False
        del self._absences.differences[key]
        return True

    def _patience(self, key: str) -> timedelta:
        """Return how far apart two looks at a difference have to be.

        Where an order of ours can have filled, both the fill and the broker's own positions may be on their way. A
        contract that we never asked for only has to stand still: at a start on an empty store every second counts.
        """
        return self._grace if self._ctx.ledger.has_traded(key) else self._grace / _STANDS_STILL

    def next_confirmation(self) -> datetime | None:
        """Return when the next look can confirm a difference; None: there is none."""
        due = (since + self._patience(key) for key, (_, since) in self._absences.differences.items())
        return min(due, default=None)

    def _adopt(self, found: BrokerPosition, extra: int, lost: LostOrders) -> None:
        """The broker has more than we know: take it on, protect it, say so."""
        if found.contract is None:
            return
        strategy = self._ctx.any_strategy
        position = Position(
            id=self._ctx.new_id(),
            contract=found.contract,
            strategy=strategy,
            plan=frozen_plan(self._ctx, strategy, found.contract),
            opened_at=self._ctx.now,
            origin=Origin.BROKER,
            entry_quantity=extra,
            entry_value=to_price(found.average_price * extra),  # as the store keeps it: one sum everywhere
            high=to_price(found.average_price),
        )
        cost = "" if position.has_cost else "; no cost is named there, so it counts from the first usable bid"
        words = f"{extra} {found.contract} at the broker that the store does not know{cost}"
        evidence = {"broker": found.quantity, "average_price": found.average_price}
        self._journal.born(Birth(position, words, evidence), actor="reconcile")
        self._journal.take(Step(position, PositionTrigger.ADOPT, words, evidence, actor="reconcile"))
        lost.protect(position)
        self._journal.alert("POSITION_ADOPTED", words, {"position_id": position.id})
        self._line("position", found.contract_key, str(found.quantity - extra), str(found.quantity), f"adopted {extra}")

    def _give_up(self, key: str, missing: int, there: int) -> None:
        """The broker has less than we know: what is missing was settled or closed elsewhere."""
        for position in self._ctx.ledger.position_index.of(key):
            if missing <= 0:
                return
            gone = min(missing, position.quantity)
            missing -= gone
            if gone < position.quantity and expiry.has_expired(self._ctx, position.contract):
                self._line("position", key, str(position.quantity), str(there), "settled when all of it is gone")
                return
            self._gone.append((position, gone))
            self._line("position", key, str(position.quantity), str(there), f"{gone} gone")

    def _account_for_what_is_gone(self, broker: Mapping[str, BrokerPosition]) -> None:
        """Judge together what left the book, for shares that came may be of several contracts; then what is there that
        is not ours."""
        ctx = self._ctx
        there = {
            key: found.amount
            for key, found in broker.items()
            if _is_none_of_ours(found, ctx.ledger.position_index.held_on(key))
        }
        expired = [(p, n) for p, n in self._gone if expiry.has_expired(ctx, p.contract)]
        vanished = [(p, n) for p, n in self._gone if not expiry.has_expired(ctx, p.contract)]
        settler = Settler(ctx, self._journal, {key: int(amount) for key, amount in there.items()})
        if not self._alone(FactName("settlement"), "", settler.settle, expired):
            settler = Settler(ctx, self._journal, {key: int(amount) for key, amount in there.items()})
            for each in expired:
                self._alone(FactName("settlement", f"of {each[0].id}"), each[0].key, settler.settle, [each])
        early: set[str] = set()
        self._alone(FactName("early", "exercises"), "", lambda: early.update(exercised_early(ctx, vanished, there)))
        for position, gone in vanished:
            if position.id in early:
                self._alone(
                    FactName("exercise", f"of {position.id}"), position.key, settler.exercise_early, position, gone
                )
            else:
                lose = partial(sold_elsewhere.lose, ctx, self._journal)
                self._alone(FactName("loss", f"of {position.id}"), position.key, lose, position, gone)
        questions = {symbol_of_key(key) for key in self._absences.differences}
        self._alone(
            FactName("other", "holdings"), "", foreign.holdings, self._journal, there, settler.delivered, questions
        )
        known = ctx.ledger.foreign.holdings
        for key in sorted(known.keys() | there.keys()):
            self._line("position", key, str(known.get(key, 0)), str(there.get(key, 0)), LEFT_ALONE)


def _is_none_of_ours(found: BrokerPosition | None, ours: int) -> bool:
    """Shares, and options that somebody sold short, are nothing that this bot can have made or can manage."""
    return found is not None and not ours and (found.contract is None or found.quantity < 0)
