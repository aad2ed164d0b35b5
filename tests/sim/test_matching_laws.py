"""Laws that no sequence of orders, quotes and waits may break."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sim.market.rules import on_grid
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import LIVE, Filled, OrderChanged, Side, VenueEvent
from tests.examples import examples
from tests.sim.board_market import CALL, LATER, NOON, PUT, BoardMarket, ticket

OPTIONS = (CALL, LATER, PUT)
OPENING = Decimal(20000)

cents = st.integers(1, 60).map(lambda n: Decimal(n) * Decimal("0.05"))
placing = st.tuples(
    st.just("place"), st.integers(1, 30), st.sampled_from(list(Side)), st.integers(1, 9), st.sampled_from(OPTIONS),
    st.sampled_from(["MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT"]), cents, cents,
    st.sampled_from(["", "a", "b"]), st.integers(1, 3), st.sampled_from([0] * 8 + [1, 2]),
)  # fmt: skip
quoting = st.tuples(
    st.just("quote"), st.sampled_from(OPTIONS), st.integers(0, 50), st.integers(1, 6), st.integers(1, 9)
)
waiting = st.tuples(st.just("wait"), st.integers(1, 20))
cancelling = st.tuples(st.just("cancel"), st.integers(1, 12))
trading = st.tuples(st.just("trade"), st.sampled_from(OPTIONS), cents, st.integers(1, 30), st.integers(1, 19))
stories = st.lists(
    st.one_of(placing, placing, quoting, trading, waiting, waiting, cancelling), min_size=20, max_size=60
)


class Play:
    """Runs a story from a position in every option, and keeps every event."""

    def __init__(self, seed: int) -> None:
        self.board = BoardMarket()
        self.venue = MatchingVenue(self.board, seed, OPENING, VenueScript(partial_fill_probability=0.3))
        self.now = NOON
        self.events: list[VenueEvent] = []
        for number, option in enumerate(OPTIONS, 101):
            self.events += self.venue.place(ticket(number, Side.BUY, 12, "MKT", instrument=option), self.now)
        self.act(("wait", 10))

    def act(self, deed: tuple[Any, ...]) -> None:
        match deed:
            case ("place", order_id, side, quantity, option, kind, limit, stop, group, oca_type, parent):
                if order_id == parent:
                    return
                order = ticket(
                    order_id, side, quantity, kind, instrument=option, limit_price=limit, aux_price=stop,
                    oca_group=group, oca_type=oca_type, parent_id=parent,
                )  # fmt: skip
                self.events += self.venue.place(order, self.now)
            case ("quote", option, bid, width, size):
                low, high = Decimal(bid) * Decimal("0.05"), Decimal(bid + width) * Decimal("0.05")
                self.board.quote(option, str(low) if bid else None, str(high), size)
            case ("trade", option, price, size, tenths):
                self.board.trade(option, self.now + timedelta(milliseconds=100 * tenths), str(price), size)
            case ("wait", tenths):
                self.now += timedelta(milliseconds=100 * tenths)
                self.events += self.venue.step(self.now)
            case ("cancel", order_id):
                self.events += self.venue.cancel(1, order_id, self.now)


@settings(max_examples=examples(70))
@given(story=stories, seed=st.integers(0, 5))
def test_the_books_always_balance(story: list[tuple[Any, ...]], seed: int) -> None:
    play = Play(seed)
    for deed in story:
        play.act(deed)
        values, (daily, unrealized, realized) = play.venue.account_values(play.now), play.venue.daily_pnl(play.now)
        assert values["NetLiquidation"] == OPENING + realized + unrealized
        assert daily == realized + unrealized
        assert values["NetLiquidation"] == values["TotalCashValue"] + values["GrossPositionValue"]
        assert values["TotalCashValue"] > 0
    flows = sum(
        (
            e.price * e.quantity * (1 if e.side is Side.SELL else -1) * 100 - e.commission
            for e in play.venue.executions()
        ),
        Decimal(0),
    )
    assert play.venue.account_values(play.now)["TotalCashValue"] == OPENING + flows


@settings(max_examples=examples(70))
@given(story=stories, seed=st.integers(0, 5))
def test_orders_never_overfill_and_options_are_never_short(story: list[tuple[Any, ...]], seed: int) -> None:
    play = Play(seed)
    for deed in story:
        play.act(deed)
        for position in play.venue.positions():
            assert position.quantity > 0
    filled: dict[int, int] = {}
    for event in play.events:
        if isinstance(event, OrderChanged | Filled):
            assert 0 <= event.order.filled <= event.order.ticket.quantity
        if isinstance(event, Filled):
            execution = event.execution
            filled[execution.perm_id] = filled.get(execution.perm_id, 0) + execution.quantity
            assert filled[execution.perm_id] == execution.cumulative
            assert on_grid(execution.instrument.market_rule_id, execution.price)
    assert len({each.exec_id for each in play.venue.executions()}) == len(play.venue.executions())


@settings(max_examples=examples(60))
@given(story=stories, seed=st.integers(0, 5))
def test_limits_are_kept_and_closed_orders_stay_closed(story: list[tuple[Any, ...]], seed: int) -> None:
    play = Play(seed)
    ended = {order.perm_id for order in play.venue.completed_orders()}
    for deed in story:
        told = len(play.events)
        play.act(deed)
        for event in play.events[told:]:
            if isinstance(event, Filled) and event.order.ticket.order_type in {"LMT", "STP LMT"}:
                limit, price = event.order.ticket.limit_price, event.execution.price
                assert limit is not None
                assert price <= limit if event.order.ticket.side is Side.BUY else price >= limit
            if isinstance(event, OrderChanged):
                assert event.order.perm_id not in ended
                if event.order.status not in LIVE:
                    ended.add(event.order.perm_id)
    assert {o.perm_id for o in play.venue.completed_orders()} == ended


@settings(max_examples=examples(60))
@given(
    sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)), oca_type=st.integers(1, 3), shown=st.integers(1, 9),
    seed=st.integers(0, 20), path=st.lists(st.integers(1, 60), min_size=1, max_size=20),
)  # fmt: skip
def test_a_group_never_sells_more_than_its_largest_order(
    sizes: tuple[int, int], oca_type: int, shown: int, seed: int, path: list[int]
) -> None:
    play = Play(seed)
    terms = {"oca_group": "exit", "oca_type": oca_type}
    play.venue.place(ticket(2, Side.SELL, sizes[0], "STP", aux_price="0.50", **terms), play.now)
    play.venue.place(ticket(3, Side.SELL, sizes[1], "LMT", limit_price="2.00", **terms), play.now)
    for bid in path:
        play.act(("quote", CALL, bid, 1, shown))
        play.act(("wait", 10))
    sold = sum(e.quantity for e in play.venue.executions() if e.side is Side.SELL)
    assert sold <= max(sizes) <= 12


@settings(max_examples=40)
@given(story=stories, seed=st.integers(0, 5))
def test_the_same_calls_give_the_same_events(story: list[tuple[Any, ...]], seed: int) -> None:
    one, two = Play(seed), Play(seed)
    for deed in story:
        one.act(deed)
        two.act(deed)
    assert one.events == two.events
    assert one.venue.snapshot() == two.venue.snapshot()


@settings(max_examples=60)
@given(
    limit=st.integers(95, 112), mine=st.integers(1, 9), shown=st.integers(1, 20),
    tape=st.lists(st.tuples(st.integers(1, 59), st.integers(95, 112), st.integers(1, 12)), max_size=12),
)  # fmt: skip
def test_a_resting_buy_gets_no_more_than_the_prints_that_reach_it_leave_behind_its_queue(
    limit: int, mine: int, shown: int, tape: list[tuple[int, int, int]]
) -> None:
    board = BoardMarket()
    board.quote(CALL, "1.00", "1.13", shown)
    venue = MatchingVenue(board, 1, OPENING, VenueScript(partial_fill_probability=0))
    price = Decimal(limit) / 100
    venue.place(ticket(1, Side.BUY, mine, "LMT", limit_price=price), NOON)
    venue.step(NOON + timedelta(seconds=0.5))
    ahead = shown if limit <= 100 else 0
    expected = 0
    for second, cents_, size in sorted(tape, key=lambda each: each[0]):
        board.trade(CALL, NOON + timedelta(seconds=second), str(Decimal(cents_) / 100), size)
        if cents_ < limit:
            expected += size
        elif cents_ == limit:
            expected, ahead = expected + max(0, size - ahead), max(0, ahead - size)
    for second in range(1, 61):
        venue.step(NOON + timedelta(seconds=second))
    filled = sum(each.quantity for each in venue.executions())
    assert filled == min(mine, expected)
    assert all(each.price == price for each in venue.executions())
