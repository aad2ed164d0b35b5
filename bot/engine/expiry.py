"""The end of a contract's life: what is held through its expiry, what it is settled at, and when that is certain.

| when | what |
|---|---|
| expiry | it awaits settlement: nothing is sent for it any more, and the underlying's price is kept |
| gone from the broker's book | expired, cash_settled or exercised, at its intrinsic value |
| the same, without a price | settlement_pending, counted as nothing |
| the next session's morning | the official close confirms or corrects; shares that did not come do not come |

A person can tell a price at any time (`settle`). A price is never made up: a class that settles on the opening, whose
price no quote shows, waits for a person. A long option is never assigned; shares and short options that this bot cannot
explain are shown and left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.domain.calendar import NEW_YORK, REGULAR_CLOSE, TradingSession, new_york_day
from bot.domain.commands import AskSnapshot
from bot.domain.connection import ConnectionState
from bot.domain.contracts import OptionContract, parse_osi
from bot.domain.money import CENT, ZERO, neat, to_price
from bot.domain.order import Execution, OrderSide
from bot.domain.position import CloseReason, Position, PositionState, PositionTrigger, Settlement
from bot.engine.context import Context
from bot.engine.journal import Journal
from bot.engine.records import JobRow
from bot.engine.steps import Step
from bot.risk.settlement import Leaving, exercised

JOB: Final = "settlement"
PRINTS_IN: Final = timedelta(seconds=10)
"""After the close: by then the closing print of a share or fund is in; what it trades at later is no close."""
_FRESH: Final = timedelta(seconds=60)
"""A price that is older than this at the expiry is not the one at the expiry."""
_PLAUSIBLE: Final = Decimal("0.02")
"""An official close further than this part from the price that we saw does not confirm it (a split, a wrong row)."""
_ASKING: Final = frozenset({ConnectionState.SYNCING, ConnectionState.SYNCED})
_OPEN_ENDED: Final = frozenset({Settlement.PENDING, Settlement.SEEN})
_VALUED: Final = frozenset({CloseReason.CASH_SETTLED, CloseReason.EXERCISED})


# ---- when


def ends_at(ctx: Context, contract: OptionContract) -> datetime:
    """Return when a contract expires: the close of its day, early on a half day; the opening where it settles on it."""
    session = ctx.trading if ctx.trading.day == contract.expiry else _session_on(ctx, contract)
    if session is None:
        return datetime.combine(contract.expiry, REGULAR_CLOSE, NEW_YORK).astimezone(UTC)
    return session.open_at if contract.settles_at_open else session.close_at


def has_expired(ctx: Context, contract: OptionContract) -> bool:
    """Say whether nothing can be sold of it any more."""
    if contract.expiry != ctx.trading.day:
        return contract.expiry < ctx.trading.day
    return ctx.now >= ends_at(ctx, contract)


def is_last_day(ctx: Context, contract: OptionContract) -> bool:
    """Say whether today's session is the last in which it trades: the one before its expiry where it settles on the
    opening."""
    if not contract.settles_at_open:
        return contract.expiry == ctx.trading.day
    following = _session_after(ctx, ctx.trading)
    return ctx.trading.day < contract.expiry and following is not None and contract.expiry <= following.day


def awaits(position: Position) -> bool:
    """Say whether a position was held through its expiry and is still in the broker's book."""
    return position.close_reason is CloseReason.AWAITING_SETTLEMENT


def is_just_over(ctx: Context, positions: Iterable[Position]) -> bool:
    """Say whether one of these expired only now, so that its price is not settled yet."""
    ended = (p.contract for p in positions if has_expired(ctx, p.contract))
    return any(ctx.now < ends_at(ctx, contract) + PRINTS_IN for contract in ended)


def _session_on(ctx: Context, contract: OptionContract) -> TradingSession | None:
    try:
        return ctx.calendar.session_on(contract.expiry)
    except ValueError:  # before or after the calendar that was loaded
        return None


def _session_after(ctx: Context, session: TradingSession) -> TradingSession | None:
    try:
        return ctx.calendar.next_session(session.day)
    except ValueError:
        return None


def _next_session(ctx: Context, contract: OptionContract) -> TradingSession | None:
    try:
        return ctx.calendar.next_session(contract.expiry)
    except ValueError:
        return None


def _is_last_call(ctx: Context, contract: OptionContract) -> bool:
    """Say whether the morning after has come: what the broker has not delivered by then, it does not deliver."""
    following = _next_session(ctx, contract)
    return following is not None and ctx.now >= following.at(ctx.settings.engine.settlement_morning)


# ---- at what price


def price_at_end(ctx: Context, contract: OptionContract) -> Decimal | None:
    """Return the underlying's price at the expiry as a quote shows it now, None when none of that time is at hand.

    A cash index stands still after its close; a share trades on, so only what came until its closing print counts.
    """
    if contract.settles_at_open:
        return None
    quote, end = ctx.board.quote(contract.symbol), ends_at(ctx, contract)
    until = datetime.combine(contract.expiry, time.max, NEW_YORK) if contract.settles_in_cash else end + PRINTS_IN
    if quote is None or quote.delayed or not end - _FRESH <= quote.at <= until:
        return None
    return _sound(quote.last or quote.reference)


def official_close(ctx: Context, contract: OptionContract) -> Decimal | None:
    """Return the underlying's close of the expiry's day as the broker tells it in the morning of the next session."""
    following, quote = _next_session(ctx, contract), ctx.board.quote(contract.symbol)
    if contract.settles_at_open or following is None or following.day != ctx.trading.day or quote is None:
        return None
    if not _is_last_call(ctx, contract) or new_york_day(quote.at) != following.day:
        return None
    return _sound(quote.close)


def _sound(price: Decimal | None) -> Decimal | None:
    return neat(to_price(price)) if price is not None and price > 0 else None


def _price_of_mark(ctx: Context, position: Position) -> Decimal | None:
    """Return the underlying's price of the latest mark before a restart, where that was at the expiry."""
    seen, end = ctx.ledger.underlying_seen.get(position.id), ends_at(ctx, position.contract)
    if position.contract.settles_at_open or seen is None or not end - _FRESH <= seen[0] <= end + PRINTS_IN:
        return None
    return _sound(seen[1])


# ---- held through the expiry


def expire(ctx: Context, journal: Journal) -> None:
    """Turn every open position past its expiry to awaiting settlement, say so, and ask for the book."""
    for position in list(ctx.ledger.positions.values()):
        contract = position.contract
        if contract.expiry > ctx.trading.day:
            continue
        if position.state is PositionState.CLOSED or position.quantity <= 0 or not has_expired(ctx, contract):
            continue
        if not awaits(position):
            _expire(ctx, journal, position)
        elif ctx.now <= ends_at(ctx, contract) + (timedelta(days=1) if contract.settles_in_cash else PRINTS_IN):
            _keep_price(ctx, journal, position)


def _expire(ctx: Context, journal: Journal, position: Position) -> None:
    contract = position.contract
    price = price_at_end(ctx, contract) or _price_of_mark(ctx, position)
    before = None if contract.settles_in_cash else ctx.ledger.not_ours.get(contract.symbol, 0)
    words = f"{position.quantity} x {contract} held through its expiry, {_standing(contract, price)}"
    evidence = {"underlying": price, "left": position.quantity, "shares_before": before, "was": position.close_reason}
    sets: dict[str, Any] = {
        "close_reason": CloseReason.AWAITING_SETTLEMENT, "room_for": 0, "settlement_price": price,
        "shares_before": before,
    }  # fmt: skip
    ask = (AskSnapshot(f"{contract} expired"),)
    journal.take(Step(position, PositionTrigger.EXPIRE, words, evidence, sets, commands=ask))
    facts = {"position_id": position.id, "underlying": price, "quantity": position.quantity}
    journal.alert("HELD_THROUGH_EXPIRY", "critical", words, facts)


def live_again(ctx: Context, journal: Journal) -> None:
    """Take back what a clock that was ahead let expire: it still trades, so it is sold.

    That clock was past its time stop too, and this is its reason to leave. What was kept for a settlement is dropped:
    shares that seem to be awaited would never let the closed position rest.
    """
    for position in ctx.ledger.awaiting_settlement:
        if has_expired(ctx, position.contract):
            continue
        words = f"{position.contract} trades until {ends_at(ctx, position.contract):%Y-%m-%d %H:%M} UTC: it is sold"
        evidence = {"left": position.quantity, "was": position.close_reason}
        sets = {"close_reason": CloseReason.FLAT_TIME, "settlement_price": None, "shares_before": None}
        journal.take(Step(position, PositionTrigger.RECOVER, words, evidence, sets))
        journal.alert("EXPIRED_TOO_EARLY", "critical", words, {"position_id": position.id})


def _standing(contract: OptionContract, price: Decimal | None) -> str:
    if contract.settles_at_open:
        return "which settles on this day's opening: tell its price with `settle` once it is published"
    if price is None:
        return f"and no price of {contract.symbol} at that time was seen"
    value = contract.intrinsic(price)
    if value == 0:
        return f"worthless with {contract.symbol} at {price}"
    follows = "it is paid out" if contract.settles_in_cash else "it is exercised into shares"
    return f"in the money by {value} with {contract.symbol} at {price}: {follows}"


def _keep_price(ctx: Context, journal: Journal, position: Position) -> None:
    price = price_at_end(ctx, position.contract)
    if price is not None and price != position.settlement_price:
        position.settlement_price = price
        journal.batch.positions[position.id] = position


# ---- gone from the broker's book


@dataclass(frozen=True, slots=True)
class Verdict:
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
        """Take contracts that expired off the book, and look again at what was not certain before."""
        for position, contracts in gone:
            position.settled_quantity += contracts
        new = {position.id for position, _ in gone}
        for position, verdict in self._verdicts([position for position, _ in gone]):
            if position.id in new:
                self._close(position, verdict)
            else:
                self._correct(position, verdict)
        self._see_shares_go()

    def exercise_early(self, position: Position, contracts: int) -> None:
        """Take contracts off the book that somebody exercised before their expiry."""
        verdict, known = early_verdict(self._ctx, position), self._ctx.ledger.not_ours
        position.settled_quantity += contracts
        position.settled_value += verdict.value(position.contract) * contracts
        evidence = {**self._evidence(position, verdict), "contracts": contracts}
        words = f"{verdict.words}: {contracts} contracts"
        if position.quantity:
            position.left_early += contracts
            self._journal.take(Step(position, PositionTrigger.RECOVER, words, evidence, {}, actor="reconcile"))
        else:
            symbol = position.contract.symbol
            sets = self._sets(position, verdict)
            sets |= {"closed_at": self._ctx.now, "shares_before": known.get(symbol, 0)}
            self._journal.take(Step(position, PositionTrigger.SETTLE, words, evidence, sets, actor="reconcile"))
        if verdict.settlement is Settlement.PENDING:
            self._tell(position, verdict)
        else:
            self.tell_of_delivery(position, contracts)

    # ---- judging

    def _verdicts(self, gone: Sequence[Position]) -> list[tuple[Position, Verdict]]:
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
        following = _next_session(self._ctx, contract)
        over = following is not None and self._ctx.now >= following.close_at
        return seen, Settlement.FINAL if over else Settlement.SEEN

    def _paid_out(self, position: Position) -> Verdict:
        price, certainty = self._price_of(position)
        contract = position.contract
        if price is None:
            return Verdict(CloseReason.SETTLEMENT_PENDING, certainty, None, _unknown(contract))
        reason = CloseReason.CASH_SETTLED if contract.intrinsic(price) > 0 else CloseReason.EXPIRED
        return Verdict(reason, certainty, price, _told(reason, contract, price))

    def _exercised(self, position: Position) -> Verdict:
        price, certainty = self._price_of(position)
        contract = position.contract
        words = _told(CloseReason.EXERCISED, contract, price) if price is not None else _unknown(contract)
        return Verdict(CloseReason.EXERCISED, certainty, price, words)

    def _delivered(self, symbol: str, before: int, positions: Sequence[Position]) -> list[tuple[Position, Verdict]]:
        """Judge what delivers shares by the shares that came."""
        arrived = self._shares.get(symbol, 0) - before - self._explained(symbol, before)
        leaving = [Leaving(p.id, p.contract, p.settled_quantity - p.left_early) for p in positions]
        price = next((price for p in positions if (price := self._price_of(p)[0]) is not None), None)
        contract = positions[0].contract
        last_call = _is_last_call(self._ctx, contract)
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

    def _undecided(self, position: Position, words: str) -> Verdict:
        price = position.settlement_price
        if position.close_reason is CloseReason.EXPIRED:
            return Verdict(CloseReason.EXPIRED, Settlement.SEEN, price, words)
        return Verdict(CloseReason.SETTLEMENT_PENDING, Settlement.PENDING, price, words)

    def _worthless(self, position: Position, *, last_call: bool) -> Verdict:
        price, contract = self._price_of(position)[0], position.contract
        lapsed = price is not None and contract.intrinsic(price) >= CENT
        words = _told(CloseReason.EXPIRED, contract, price)
        if lapsed:
            words = f"{contract} was in the money with {contract.symbol} at {price}, and no shares came: it lapsed"
        return Verdict(CloseReason.EXPIRED, Settlement.FINAL if last_call else Settlement.SEEN, price, words)

    # ---- writing

    def _close(self, position: Position, verdict: Verdict) -> None:
        contracts = position.settled_quantity - position.left_early
        position.settled_value += verdict.value(position.contract) * contracts
        sets = self._sets(position, verdict)
        if position.quantity == 0:
            sets |= {"closed_at": ends_at(self._ctx, position.contract)}
        trigger = PositionTrigger.SETTLE if position.quantity == 0 else PositionTrigger.RECOVER
        evidence = self._evidence(position, verdict)
        self._journal.take(Step(position, trigger, verdict.words, evidence, sets, actor="reconcile"))
        self._tell(position, verdict)

    def _correct(self, position: Position, verdict: Verdict) -> None:
        known = (position.close_reason, position.settlement, position.settlement_price)
        if (verdict.reason, verdict.settlement, verdict.price or position.settlement_price) == known:
            return
        resettle(self._journal, position, verdict, self._evidence(position, verdict), "reconcile")
        if verdict.reason is not known[0] and verdict.reason is CloseReason.EXERCISED:
            self._tell(position, verdict)

    def _sets(self, position: Position, verdict: Verdict) -> dict[str, Any]:
        return _sets_of(position, verdict)

    def _evidence(self, position: Position, verdict: Verdict) -> Mapping[str, Any]:
        contract = position.contract
        return {
            "underlying": verdict.price, "value": verdict.value(contract), "settlement": verdict.settlement,
            "contracts": position.settled_quantity - position.left_early, "shares_before": position.shares_before,
            "shares_now": None if contract.settles_in_cash else self._shares.get(contract.symbol, 0),
            "expired_at": ends_at(self._ctx, contract),
        }  # fmt: skip

    def _tell(self, position: Position, verdict: Verdict) -> None:
        facts = {"position_id": position.id, "realized_pnl": position.realized_pnl, "underlying": verdict.price}
        words = f"{verdict.words}; realized {position.realized_pnl}"
        if verdict.settlement is Settlement.PENDING:
            words += "; counted as nothing until a price is known: `settle` tells one"
            self._journal.alert("SETTLEMENT_PENDING", "critical", words, facts)
        elif verdict.reason is not CloseReason.EXERCISED:
            self._journal.alert("POSITION_SETTLED", "warning", words, facts)
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
            f"entries on {contract.symbol} wait until they are gone; realized {position.realized_pnl}"
        )
        facts = {"position_id": position.id, "shares": shares, "before": position.shares_before}
        self._journal.alert("SHARES_DELIVERED", "critical", words, facts)

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
            gone = Step(position, PositionTrigger.RESETTLE, words, evidence, {"shares_before": None}, actor="reconcile")
            self._journal.take(gone)
            self._journal.alert("SHARES_GONE", "info", words, {"position_id": position.id})


def resettle(journal: Journal, position: Position, verdict: Verdict, evidence: Mapping[str, Any], actor: str) -> None:
    """Give a settled position another reason, price or certainty; its P&L follows."""
    contracts, contract = position.settled_quantity - position.left_early, position.contract
    before = Verdict(position.close_reason or verdict.reason, Settlement.SEEN, position.settlement_price, "")
    old = ZERO if position.settlement is Settlement.PENDING else before.value(contract)
    change = (verdict.value(contract) - old) * contracts
    was = position.realized_pnl
    position.settled_value += change
    facts = {**evidence, "was": position.close_reason, "underlying_was": before.price, "realized_was": was}
    step = Step(position, PositionTrigger.RESETTLE, verdict.words, facts, _sets_of(position, verdict), actor=actor)
    journal.take(step)
    if change:
        words = f"{verdict.words}; realized {was} becomes {position.realized_pnl}"
        journal.alert("SETTLEMENT_CORRECTED", "warning", words, {"position_id": position.id})


def told_by_person(position: Position, price: Decimal, actor: str) -> Verdict:
    """Return how a position ended when a person tells the underlying's settlement price."""
    contract = position.contract
    worth = contract.intrinsic(price) > 0
    in_kind = CloseReason.CASH_SETTLED if contract.settles_in_cash else CloseReason.EXERCISED
    taken = position.close_reason is CloseReason.EXERCISED
    reason = in_kind if worth or taken else CloseReason.EXPIRED
    return Verdict(reason, Settlement.FINAL, price, f"{_told(reason, contract, price)}, as {actor} tells")


def _sets_of(position: Position, verdict: Verdict) -> dict[str, Any]:
    keeps_shares = verdict.reason in {CloseReason.EXERCISED, CloseReason.SETTLEMENT_PENDING}
    uncertain = verdict.settlement is not Settlement.FINAL
    return {
        "close_reason": verdict.reason,
        "settlement": verdict.settlement,
        "settlement_price": verdict.price if verdict.price is not None else position.settlement_price,
        "shares_before": position.shares_before if keeps_shares or uncertain else None,
    }


def _told(reason: CloseReason, contract: OptionContract, price: Decimal | None) -> str:
    at = f" with {contract.symbol} at {price}" if price is not None else ""
    worth = f"at {contract.intrinsic(price)} a share" if price is not None else ""
    return {
        CloseReason.EXPIRED: f"{contract} expired worthless{at}",
        CloseReason.CASH_SETTLED: f"{contract} was paid out {worth}{at}",
        CloseReason.EXERCISED: f"{contract} was exercised {worth}{at}",
    }[reason]


def _unknown(contract: OptionContract) -> str:
    return f"{contract} is gone from the broker's book, and the price of {contract.symbol} at its expiry is not known"


# ---- before the expiry, and without us


def exercised_early(
    ctx: Context, vanished: Sequence[tuple[Position, int]], shares: Mapping[str, int]
) -> frozenset[str]:
    """Return the ids of what vanished before its expiry while exactly its shares came: exercised by hand."""
    by_symbol: dict[str, list[tuple[Position, int]]] = defaultdict(list)
    for position, contracts in vanished:
        if not position.contract.settles_in_cash:
            by_symbol[position.contract.symbol].append((position, contracts))
    found: set[str] = set()
    for symbol, group in by_symbol.items():
        due = sum(position.contract.shares_of(contracts) for position, contracts in group)
        if due and shares.get(symbol, 0) - ctx.ledger.not_ours.get(symbol, 0) == due:
            found |= {position.id for position, _ in group}
    return frozenset(found)


def early_verdict(ctx: Context, position: Position) -> Verdict:
    """Return how an early exercise is counted: at the intrinsic value of this moment, if a sound quote is there."""
    contract, quote = position.contract, ctx.board.quote(position.contract.symbol)
    age = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
    price = None if quote is None or quote.price_fault(ctx.now, age) is not None else _sound(quote.reference)
    if price is None:
        return Verdict(CloseReason.EXERCISED, Settlement.PENDING, None, f"{contract} was exercised by hand")
    words = (
        f"{contract} was exercised by hand, counted at {contract.intrinsic(price)} with {contract.symbol} at {price}"
    )
    return Verdict(CloseReason.EXERCISED, Settlement.FINAL, price, words)


def is_book_entry(execution: Execution) -> bool:
    """Say whether an execution is how the broker writes off an expired option: a sale at nothing, at its end."""
    try:
        contract = parse_osi(execution.contract_key)
    except ValueError:
        return False
    ended = contract.expiry <= new_york_day(execution.executed_at)
    return ended and execution.price == 0 and execution.side is OrderSide.SELL


# ---- the job


@dataclass
class SettlementRuns:
    """Which run of the job is under way or done; memory between ticks, so a start looks again."""

    asked: str = ""
    done: str = ""


def by_the_clock(ctx: Context, journal: Journal, runs: SettlementRuns) -> None:
    """Ask for the book in the evening and again in the morning of each session, once each, as soon as it can be."""
    run = _latest_run(ctx)
    if run is None or run in {runs.asked, runs.done} or ctx.ledger.connection.state not in _ASKING:
        return
    ledger = ctx.ledger
    waits = ledger.awaiting_settlement or any(p.is_unsettled for p in ledger.closed.values())
    if not waits:
        runs.done = run
        journal.batch.jobs.append(JobRow(JOB, ctx.now, "done", f"{run}: nothing to settle"))
        return
    runs.asked = run
    journal.commands.append(AskSnapshot(f"{JOB}: {run}"))
    journal.batch.jobs.append(JobRow(JOB, ctx.now, "asked", run))


def compared(ctx: Context, journal: Journal, runs: SettlementRuns) -> None:
    """A whole book was compared and nothing is in doubt: the run that asked for it is done."""
    if not runs.asked:
        return
    run, runs.asked, runs.done = runs.asked, "", runs.asked
    ghosts = ctx.ledger.awaiting_settlement
    pending = [p for p in ctx.ledger.closed.values() if p.settlement is Settlement.PENDING]
    words = f"{run}: {len(ghosts)} await the broker's settlement, {len(pending)} without a price"
    journal.batch.jobs.append(JobRow(JOB, ctx.now, "done", words))
    for position in pending:
        text = f"{position.settled_quantity} x {_unknown(position.contract)}: tell it with `settle {position.id} PRICE`"
        journal.alert("SETTLEMENT_PENDING", "critical", text, {"position_id": position.id})
    for position in ghosts:
        if _is_last_call(ctx, position.contract):
            text = (
                f"{position.quantity} x {position.contract} expired and is still in the broker's book: ask the broker"
            )
            journal.alert("GHOST_AT_BROKER", "critical", text, {"position_id": position.id})


def _latest_run(ctx: Context) -> str | None:
    """Return the name of the latest run that is due today, None before the first."""
    engine, trading = ctx.settings.engine, ctx.trading
    times = {"morning": trading.at(engine.settlement_morning), "evening": trading.cut_off(engine.settlement_evening)}
    due = [name for name, at in times.items() if ctx.now >= at]
    return f"{due[-1]} of {trading.day}" if due else None
