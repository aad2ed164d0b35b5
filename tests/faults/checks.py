"""What must be true after whatever happened, asked of the venue's own book."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import text

from bot.clocks.clock import ManualClock
from bot.config.schema import RequestSettings
from bot.domain.events.people import RequestKind
from bot.domain.instruments import parse_osi
from bot.domain.order import MOST_ATTEMPTS
from bot.domain.requests import Expiry
from bot.sim.admission import BOTH_SIDES, MAX_LIVE_ORDERS, TOO_MANY
from bot.sim.faults.script import WildBid
from bot.sim.matching import HAND_CLIENT, MatchingVenue
from bot.sim.vocabulary import (
    LIVE,
    Filled,
    OrderChanged,
    PositionChanged,
    Side,
    Status,
    VenueEvent,
    VenueOrder,
    VenuePosition,
    VenueRefused,
)
from bot.store.database import open_reader
from bot.store.invariants import CHECKS
from bot.store.invariants.audiences import nothing_secret
from bot.store.invariants.finding import Question
from bot.store.invariants.positions import protected
from bot.store.values import parse_time
from tests.faults.people import ACTOR
from tests.sim.small_market import SHARES

FAULTS: Final[Mapping[int | tuple[int, str], str]] = MappingProxyType(
    {
        103: "an order id was used again",
        110: "a price off the grid of its contract",
        (201, BOTH_SIDES): "an order on the other side of one that works",
        (201, TOO_MANY): f"more than {MAX_LIVE_ORDERS} orders on one side of a contract",
    }
)
"""What the venue itself refuses and a sound bot never asks for; what a script refuses does not come from the venue."""


class Checker:
    """Listens at the venue, beside the bot, all day long."""

    def __init__(
        self, venue: MatchingVenue, clock: ManualClock, why_no_entry: Callable[[], str | None] = lambda: None
    ) -> None:
        """`why_no_entry` says why nothing may be bought at this moment."""
        self._venue = venue
        self._clock = clock
        self._why_no_entry = why_no_entry
        self.broken: list[str] = []
        self.placed: dict[int, VenueOrder] = {}  # by permanent id
        self._bare_since: dict[str, datetime] = {}
        self._said: set[str] = set()
        self._hands: dict[str, datetime] = {}  # contract -> when somebody else last traded it
        self.may_know: Callable[[], bool] = lambda: True  # the bot is up and hears the broker
        self._too_much_since: dict[str, datetime] = {}
        self.cancels_refused: Mapping[str, int] = {}  # by order reference
        self.excused: set[str] = set()  # references of sales that were left out of what is on sale

    def never_taken_back(self) -> set[str]:
        """Return the contracts on which the venue refused to take an order back."""
        orders = (order.ticket for order in self.placed.values())
        return {ticket.instrument.local_symbol for ticket in orders if self.cancels_refused.get(ticket.order_ref)}

    def hear(self, events: Sequence[VenueEvent]) -> None:
        filled = {e.execution.instrument.con_id for e in events if isinstance(e, Filled)}
        for event in events:
            if isinstance(event, PositionChanged) and event.position.instrument.con_id not in filled:
                self._hands[event.position.instrument.local_symbol] = self._clock.now()  # exercised, or settled
        for event in events:
            if isinstance(event, OrderChanged):
                self._placed(event.order)
            elif isinstance(event, Filled) and event.execution.client_id == HAND_CLIENT:
                self._hands[event.execution.instrument.local_symbol] = self._clock.now()
            elif isinstance(event, PositionChanged) and event.position.instrument.local_symbol in self._hands:
                continue  # what was sold by hand may be short: not by us, and the next look judges what is on sale
            elif isinstance(event, PositionChanged) and _is_short_option(event.position):
                self._say(f"oversold: {event.position.quantity} {event.position.instrument.local_symbol}")
            elif isinstance(event, VenueRefused) and (
                fault := FAULTS.get((event.code, event.text), FAULTS.get(event.code))
            ):
                self._say(f"{fault}: order id {event.order_id}")
        self.never_more_than_held()

    def never_more_than_held(self) -> None:
        """What may be sold together never exceeds what is held: at any moment, whatever was lost or late. Asked with
        every word of the venue and each second, so that time in which nobody could know is never counted."""
        cover = self._cover(but_for=self._is_excused)
        self._too_much_since = {key: at for key, at in self._too_much_since.items() if key in cover}
        if not cover:
            return
        held = {p.instrument.local_symbol: p.quantity for p in self._venue.positions()}
        for key, quantity in cover.items():
            if quantity <= max(held.get(key, 0), 0):
                self._too_much_since.pop(key, None)
            elif key not in self._hands:
                self._say(f"{quantity} {key} can be sold, {held.get(key, 0)} are held")
            elif not self.may_know():
                self._too_much_since.pop(key, None)
            elif self._clock.now() - self._too_much_since.setdefault(key, self._clock.now()) > _HEARD_WITHIN:
                self._say(f"{quantity} {key} can be sold, {held.get(key, 0)} are held since somebody else sold")

    def _is_excused(self, order: VenueOrder) -> bool:
        """A sale that the venue refused to take back and that was put where it sells nothing: more nobody can do but
        ask again and tell a person, and that is asked at the end."""
        reference = order.ticket.order_ref
        if not self._is_out_of_the_way(order) or not self.cancels_refused.get(reference):
            return False
        self.excused.add(reference)
        return True

    def _is_out_of_the_way(self, order: VenueOrder) -> bool:
        """Whether an order is where no market of these days comes to: a stop at one tick, a limit far above the ask."""
        if order.stop_price is not None:
            return order.stop_price <= _ONE_TICK and not order.triggered
        limit = order.ticket.limit_price
        if limit is None or order.ticket.side is not Side.SELL:
            return False
        ask = self._venue.market.top(order.ticket.instrument, self._clock.now()).ask
        return ask is not None and limit >= _FAR * ask

    def _cover(self, but_for: Callable[[VenueOrder], bool]) -> dict[str, int]:
        """Return what live sales may sell, by key, `but_for` those that are left out."""
        cover: dict[str, int] = defaultdict(int)
        for order in self._venue.open_orders():
            if but_for(order):
                continue
            if order.ticket.side is Side.SELL and order.status in LIVE:
                cover[order.ticket.instrument.local_symbol] += order.remaining
        return cover

    def _placed(self, order: VenueOrder) -> None:
        if order.perm_id in self.placed or order.status is Status.INACTIVE:
            return
        self.placed[order.perm_id] = order
        reference = order.ticket.order_ref
        if order.ticket.client_id == HAND_CLIENT:
            return
        if order.ticket.side is Side.BUY and (reason := self._why_no_entry()) is not None:
            self._say(f"bought against the rules ({reason}): {reference}")
        twins = [o for o in self._venue.open_orders() if o.ticket.order_ref == reference and o.status in LIVE]
        if len(twins) > 1:
            self._say(f"duplicate: {reference} is live {len(twins)} times")

    def watch_cover(self, limit_s: float, watched: Mapping[str, int]) -> None:
        """Each contract that is held is covered by live sales, never by less than is held for longer than the limit. A
        sale that is out of the way protects nothing. A working buy forbids a stop, so it counts as one; so do contracts
        whose stop the broker does not take and the tick has `watched` on a young quote."""
        now, cover = self._clock.now(), self._cover(but_for=self._is_out_of_the_way)
        for key, quantity in watched.items():
            cover[key] += quantity
        orders = self._venue.open_orders()
        buying = {o.ticket.instrument.local_symbol for o in orders if o.ticket.side is Side.BUY}
        options = (p for p in self._venue.positions() if p.instrument.sec_type == "OPT")
        held = {p.instrument.local_symbol: p.quantity for p in options}
        for key in {*held, *cover} - self._hands.keys():
            if cover.get(key, 0) >= held.get(key, 0) or key in buying:
                self._bare_since.pop(key, None)
                continue
            since = self._bare_since.setdefault(key, now)
            waited = (now - since).total_seconds()
            if waited > limit_s + _POLLS_S:
                self._say(f"unprotected since {since:%H:%M:%S}: {cover.get(key, 0)} of {held[key]} {key} are covered")

    def _say(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self.broken.append(f"{words} (at {self._clock.now():%H:%M:%S})")


_HEARD_WITHIN: Final = timedelta(seconds=15)
"""What may pass until a cancel of what nobody holds is through: one that is refused or lost is tried again."""


_ONE_TICK: Final = Decimal("0.01")
_FAR: Final = 4  # times the ask


def _is_short_option(position: VenuePosition) -> bool:
    """A put that is exercised leaves shares sold short; an option is never sold that is not held."""
    return position.quantity < 0 and position.instrument.sec_type == "OPT"


_EXPIRY: Final = RequestSettings()
_LIMITS: Final = Expiry(_EXPIRY.expire_s, _EXPIRY.emergency_expire_s)
_CLOCKS_OF_ONE_MACHINE_S: Final = 60.0
_NOT_ASKED = (protected, nothing_secret)
_POLLS_S = 6.0  # to find out what was lost takes two books a grace time apart, and the sale of it a second


def broken_laws(
    url: str,
    venue: MatchingVenue,
    opening_cash: Decimal,
    may_expire: Set[str] | None,
    *,
    by_hand: bool = False,
    chunk: int = 10_000,
) -> list[str]:
    """Compare store and venue after the last moment; `may_expire`: contracts that may go through their expiry, because
    the venue takes no order on them back, None: all are meant to. Where somebody traded `by_hand`, cash and holdings
    are not ours alone: our own fills still are. No entry order asks for more than a `chunk`."""
    money = _still_open(url) if by_hand else _compare_money(url, venue, opening_cash, may_expire)
    compared = (*_compare_fills(url, venue), *money, *_bought(url, venue), *_in_chunks(url, chunk))
    return [*_invariants(url), *compared, *_left_over(url)]


def _invariants(url: str) -> list[str]:
    """All of them but the times without protection, which are judged at the venue from the recovery on, and the search
    for secrets: there are none here."""
    with open_reader(url) as connection:
        question = Question(connection, 2.0, 0.5, (), None)
        findings = [check(question) for check in CHECKS if check not in _NOT_ASKED]
    return [f"{f.invariant}: {f.detail}" for f in findings if not f.ok]


def _rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    with open_reader(url) as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def _compare_fills(url: str, venue: MatchingVenue) -> list[str]:
    """Every execution counts once, with its last price and quantity."""
    theirs, hands = {}, set()
    for fill in venue.executions():
        if fill.client_id == HAND_CLIENT:
            hands.add(fill.exec_id.rpartition(".")[0])
            continue
        base = fill.exec_id.rpartition(".")[0]
        theirs[base] = (fill.side.value, fill.quantity, fill.price, fill.commission)
    ours: dict[str, tuple[object, ...]] = {}
    rows = _rows(url, "SELECT exec_id, side, quantity, price, commission, position_id FROM execution ORDER BY exec_id")
    broken = []
    for exec_id, side, quantity, price, commission, position_id in rows:
        base = str(exec_id).rpartition(".")[0]
        if base in hands:
            continue
        ours[base] = (side, quantity, _dollars(price), None if commission is None else _dollars(commission))
        if position_id is None:
            broken.append(f"fill {exec_id} belongs to no position")
    for base in sorted(theirs.keys() | ours.keys()):
        if ours.get(base) != theirs.get(base):
            words = "lost" if base not in ours else "invented" if base not in theirs else "counted wrongly"
            broken.append(f"fill {base} is {words}: the venue has {theirs.get(base)}, the store {ours.get(base)}")
    return broken


def _still_open(url: str) -> list[str]:
    rows = _rows(url, "SELECT id, state, close_reason FROM position WHERE state <> 'closed'")
    return [f"position {each} is {state} ({reason}) after the close" for each, state, reason in rows]


_BY_A_HIGH: Final = frozenset({"make_room", "trail", "ratchet"})
_GO_BY_A_PRICE = "'make_room', 'sell_rung', 'trail', 'ratchet', 'request_close'"


def believed_prints(url: str, printed: Iterable[WildBid], true: Mapping[str, set[Decimal]]) -> list[str]:
    """Name what was done for a bid that was printed once and was never the market's, of whose contract `true` has every
    bid of the day. What a high bid alone brings about was not brought about by a print below the market."""
    wild = {(each.key, each.bid, each.bid > each.true_bid) for each in printed if each.bid not in true[each.key]}
    found = []
    for right, strike, trigger, evidence in _rows(url, _DEEDS):
        said = json.loads(str(evidence))
        if trigger == "request_close" and "stop" not in said:
            continue
        went_by = {Decimal(str(said[name])) for name in ("bid", "high") if said.get(name) is not None}
        for key, bid, is_high in wild:
            if bid in went_by and (is_high or trigger not in _BY_A_HIGH) and _is_of(key, right, strike):
                found.append(f"{trigger} of {parse_osi(key)} went by a print of {bid}: {evidence}")
    return found


def _is_of(key: str, right: object, strike: object) -> bool:
    contract = parse_osi(key)
    return (contract.right.value, contract.strike) == (right, _dollars(strike))


def untold(url: str, refused: Mapping[str, int], references: Set[str]) -> list[str]:
    """Name the orders that are never taken back, however often it was asked, and of which nobody was told. As many
    refusals again as it takes may have been lost on their way."""
    references = {each for each in references if refused.get(each, 0) >= 2 * MOST_ATTEMPTS}
    told = " ".join(str(text) for (text,) in _rows(url, "SELECT text FROM alert WHERE code = 'CANCEL_MISSED'"))
    return [f"nobody was told that {each} is not taken back" for each in sorted(references) if each not in told]


_DEEDS = f"""SELECT p."right", p.strike, t."trigger", t.evidence FROM transition t JOIN position p ON p.id = t.entity_id
WHERE t.machine = 'position' AND t."trigger" IN ({_GO_BY_A_PRICE})"""


_ENDED = frozenset({"expired", "exercised"})


def _compare_money(url: str, venue: MatchingVenue, opening_cash: Decimal, may_expire: Set[str] | None) -> list[str]:
    """The bot is flat, as the venue is but for delivered shares, and has made what the venue's cash and these say."""
    shares = {p.instrument.con_id: p.quantity for p in venue.positions() if p.instrument.sec_type == "STK"}
    broken = [
        f"still held at the venue: {p.quantity} {p.instrument.local_symbol}"
        for p in venue.positions()
        if p.instrument.sec_type != "STK"
    ]
    for position_id, state, origin, settled, reason, right, strike in _rows(
        url, 'SELECT id, state, origin, settled_quantity, close_reason, "right", strike FROM position'
    ):
        expires = may_expire is None or any(_is_of(key, right, strike) for key in may_expire)
        if state != "closed":
            broken.append(f"position {position_id} is {state} ({reason}) after the close")
        if origin != "bot" or (settled and not (expires and reason in _ENDED)):
            broken.append(f"position {position_id} ({origin}, {settled} settled, {reason}) hides a lost fill")
    delivered = _rows(url, _DELIVERED)[0][0]
    if sum(shares.values()) != delivered:
        broken.append(f"the venue delivered {sum(shares.values())} shares, the store says {delivered}")
    made = _dollars(_rows(url, "SELECT COALESCE(SUM(realized_pnl), 0) FROM position")[0][0])
    close = venue.market.session_close()
    there = sum((venue.market.top(SHARES, close).last or Decimal(0)) * held for held in shares.values())
    came = venue.account_values(close)["TotalCashValue"] - venue.paid_in - opening_cash + there
    if made != came:
        broken.append(f"the bot made {made}, the venue's cash moved by {came}, its shares at the close included")
    return broken


_DELIVERED = """SELECT COALESCE(SUM(settled_quantity * multiplier * CASE WHEN "right" = 'C' THEN 1 ELSE -1 END), 0)
FROM position WHERE close_reason = 'exercised'"""


def _left_over(url: str) -> list[str]:
    """Nothing is alive after the close, no trigger met a state that it has no row for, no tick failed."""
    alive = "SELECT order_ref, state FROM broker_order WHERE state NOT IN ('filled', 'cancelled', 'rejected')"
    refused = (
        'SELECT machine, from_state, "trigger", COUNT(*) FROM transition '
        "WHERE \"trigger\" LIKE 'refused:%' AND entity_id NOT LIKE 'stray-%' AND NOT (machine = 'request' AND "
        "reason LIKE 'REQUEST_STALE%') GROUP BY machine, from_state, \"trigger\""
    )
    return [
        *strays_done(url),
        *(f"order {ref} is {state} after the close" for ref, state in _rows(url, alive)),
        *(f"{machine} in {state} {trigger} ({n} times)" for machine, state, trigger, n in _rows(url, refused)),
        *_wrongly_stale(url),
        *(words for (words,) in _rows(url, "SELECT text FROM alert WHERE code = 'TICK_FAILED'")),
    ]


def strays_done(url: str) -> list[str]:
    """No stray was carried out, but for one that was of today when it came to be read: the machine's clock was set by a
    day between its writing and its reading, and no bot can tell."""
    done = (
        "SELECT id, kind, actor, asked_at, handled_at, answer FROM command WHERE id LIKE 'stray-%' AND state = 'done'"
    )
    return [
        f"request {stray} was carried out: {answer}"
        for stray, kind, actor, asked, handled, answer in _rows(url, done)
        if actor != ACTOR or not _is_of_now(str(kind), str(asked), str(handled))
    ]


def _is_of_now(kind: str, asked: str, handled: str) -> bool:
    """Whether a request was young when it was answered, by the clock of the machine that both times are of."""
    age = (parse_time(handled) - parse_time(asked)).total_seconds()
    return -_CLOCKS_OF_ONE_MACHINE_S <= age <= _LIMITS.of(RequestKind(kind))


def _wrongly_stale(url: str) -> list[str]:
    """A request is refused as stale where its row proves it, by the clock of the machine that both times are of: one
    that was set in between may, and nothing else."""
    broken = []
    stale = (
        "SELECT id, kind, asked_at, handled_at FROM command "
        "WHERE answer LIKE 'REQUEST_STALE%' AND id NOT LIKE 'stray-%'"
    )
    for request, kind, asked, handled in _rows(url, stale):
        age = (parse_time(str(handled)) - parse_time(str(asked))).total_seconds()
        if 0 <= age <= _LIMITS.of(RequestKind(str(kind))):
            broken.append(f"{kind} {request} was refused as stale {age:.0f} s after it was asked")
    return broken


def _bought(url: str, venue: MatchingVenue) -> list[str]:
    """For one signal no more is bought than was approved."""
    bought: dict[str, int] = defaultdict(int)
    signal_of = dict(_rows(url, "SELECT order_ref, signal_id FROM broker_order"))
    for fill in venue.executions():
        if fill.side is Side.BUY and fill.client_id != HAND_CLIENT:
            bought[str(signal_of.get(fill.order_ref))] += fill.quantity
    approved = dict(_rows(url, "SELECT id, quantity FROM signal"))
    return [
        f"duplicate: {count} bought for signal {signal}, approved were {approved.get(signal)}"
        for signal, count in bought.items()
        if count > int(str(approved.get(signal, 0)))
    ]


def _in_chunks(url: str, most: int) -> list[str]:
    """No entry order is larger than one may be, and those of one signal were never alive side by side."""
    large = "SELECT order_ref, quantity FROM broker_order WHERE purpose = 'entry' AND quantity > " + str(most)
    beside = (
        "SELECT a.order_ref, b.order_ref FROM broker_order a JOIN broker_order b ON a.signal_id = b.signal_id "
        "WHERE a.purpose = 'entry' AND b.purpose = 'entry' AND a.id < b.id AND a.created_at <= b.created_at "
        "AND (a.done_at IS NULL OR a.done_at > b.created_at)"
    )
    return [
        *(f"entry {ref} asks for {quantity}, more than {most}" for ref, quantity in _rows(url, large)),
        *(f"entries {one} and {other} were alive side by side" for one, other in _rows(url, beside)),
    ]


def _dollars(units: object) -> Decimal:
    return Decimal(str(units)) / 10_000
