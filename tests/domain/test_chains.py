"""Which contracts a chain around the money is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.chains import LEAVES, Chain, ChainListing, ChainNeed, around, centre_of

DAY = date(2026, 11, 20)  # a third Friday
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
STRIKES = st.lists(st.integers(1, 400), min_size=1, unique=True).map(lambda of: tuple(map(Decimal, sorted(of))))


def a_listing(name: str, *expiries: date, size: int = 100) -> ChainListing:
    return ChainListing(name, size, expiries, tuple(map(Decimal, ("5990", "5995", "6000", "6005", "6010"))))


@given(STRIKES, st.decimals(1, 400, places=2), st.lists(st.decimals(1, 400, places=2), max_size=12))
def test_the_centre_is_near_the_price_and_stays_while_the_price_does(
    strikes: tuple[Decimal, ...], first: Decimal, moves: list[Decimal]
) -> None:
    centre = centre_of(strikes, first, None)
    assert centre is not None
    for price in (first, *moves):
        before, centre = centre, centre_of(strikes, price, centre)
        assert centre is not None
        nearest = min(abs(each - price) for each in strikes)
        beyond = [abs(each - centre) for each in strikes if (each > centre) == (price > centre) and each != centre]
        assert abs(centre - price) == nearest or abs(centre - price) <= LEAVES * min(beyond)
        assert centre_of(strikes, price, centre) == centre, "the same price moves nothing a second time"
        assert before == centre or abs(centre - price) == nearest, "it moves to the nearest and nowhere else"


@given(STRIKES, st.integers(0, 9), st.data())
def test_a_chain_has_calls_and_puts_of_so_many_strikes_a_side(
    strikes: tuple[Decimal, ...], each_side: int, data: st.DataObject
) -> None:
    centre = data.draw(st.sampled_from(strikes))
    at = strikes.index(centre)
    found = list(around(ChainListing("SPY", 100, (DAY,), strikes), DAY, centre, each_side))
    assert {each.strike for _, each in found} == set(strikes[max(at - each_side, 0) : at + each_side + 1])
    assert len(found) == 2 * len({each.strike for _, each in found})
    assert [away for away, _ in found] == sorted(away for away, _ in found)


def test_of_an_index_the_class_that_settles_at_the_close_is_taken_and_no_other_contract_size() -> None:
    listings = (a_listing("SPX", DAY), a_listing("SPXW", DAY), a_listing("2SPX", DAY, size=10))
    assert Chain("SPX", listings, NOW).listing(DAY) == listings[1]
    assert Chain("SPX", listings[2:], NOW).listing(DAY) is None
    odd = a_listing("BRKB", DAY)
    assert Chain("BRK B", (odd,), NOW).listing(DAY) == odd, "spelled otherwise than its underlying"


def test_the_first_listed_expiries_of_the_range_are_taken() -> None:
    days = [DAY + timedelta(days=each) for each in (0, 3, 14, 18, 21, 28)]
    chain = Chain("SPY", (a_listing("SPY", *days),), NOW)
    assert chain.expiries(ChainNeed(), DAY) == (DAY,)
    assert chain.expiries(ChainNeed(1, 5), DAY) == (days[1],), "the next session, over a weekend"
    assert chain.expiries(ChainNeed(14, 21, expiries=2), DAY) == (days[2], days[3])
    assert chain.expiries(ChainNeed(100, 200), DAY) == ()
