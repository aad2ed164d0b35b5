"""What is watched for context: its keys, and which month of a future is the front."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.instruments import InstrumentKind, option_of_key
from bot.domain.lines import take_turns
from bot.domain.universe import Member, Month, Rolling, front_month

TODAY = date(2026, 11, 20)
MONTHS = st.lists(
    st.builds(
        Month,
        con_id=st.integers(1, 10**6),
        expiry=st.integers(-20, 400).map(lambda days: TODAY + timedelta(days=days)),
        volume=st.none() | st.integers(0, 10**6),
    ),
    max_size=6,
    unique_by=lambda month: month.expiry,
)


def month(days: int, volume: int | None = None) -> Month:
    return Month(days, TODAY + timedelta(days=days), volume)


def test_what_is_no_plain_us_ticker_has_a_key_that_nothing_else_can_have() -> None:
    spy = Member("SPY", "equities", InstrumentKind.STOCK, "SPY", "SMART")
    vix = Member("VIX", "indices_us", InstrumentKind.INDEX, "VIX", "CBOE")
    dax = Member("DAX", "indices_europe", InstrumentKind.INDEX, "DAX", "EUREX", "EUR")
    future = Member("ES", "futures_index", InstrumentKind.FUTURE, "ES", "CME")
    pair = Member("EUR.USD", "fx", InstrumentKind.CURRENCY, "EUR", "IDEALPRO")
    assert [each.key for each in (spy, vix, dax, future, pair)] == ["SPY", "VIX", "DAX:IND", "ES:FUT", "EUR.USD:CASH"]
    assert all(option_of_key(each.key) is None for each in (spy, vix, dax, future, pair))


def test_by_days_the_nearest_month_is_left_before_it_expires() -> None:
    assert front_month([month(28), month(119)], TODAY, Rolling.DAYS, 3) == month(28)
    assert front_month([month(3), month(94)], TODAY, Rolling.DAYS, 3) == month(94)


def test_by_volume_the_month_that_traded_more_is_the_front() -> None:
    quiet, busy = month(9, 1_000), month(100, 50_000)
    assert front_month([busy, quiet], TODAY, Rolling.VOLUME, 3) == busy
    assert front_month([month(9, 60_000), busy], TODAY, Rolling.VOLUME, 3) == month(9, 60_000)


def test_without_both_volumes_the_days_decide() -> None:
    assert front_month([month(9), month(100, 50_000)], TODAY, Rolling.VOLUME, 3) == month(9)


@given(MONTHS, st.sampled_from(Rolling), st.integers(0, 30))
def test_a_month_is_chosen_whenever_one_is_listed_and_none_that_is_over_while_another_lives(
    months: list[Month], rolling: Rolling, roll_days: int
) -> None:
    chosen = front_month(months, TODAY, rolling, roll_days)
    assert (chosen is None) is (not months)
    if any((each.expiry - TODAY).days > roll_days for each in months):
        assert chosen is not None
        assert (chosen.expiry - TODAY).days > roll_days


@given(
    st.lists(st.integers(25, 95), min_size=1, max_size=4), st.integers(0, 10), st.integers(0, 15),
    st.sampled_from(Rolling),
)  # fmt: skip
def test_day_after_day_the_front_moves_on_and_never_back(
    steps: list[int], roll_days: int, volume_moves: int, rolling: Rolling
) -> None:
    """Volume goes over to a next month some days before the one in front ends, as it does, and stays there."""
    expiries = [TODAY + timedelta(days=sum(steps[: n + 1])) for n in range(len(steps))]
    chosen: list[date] = []
    day = TODAY
    while day < expiries[-1]:
        months = [
            Month(n, expiry, 0 if (expiry - day).days <= volume_moves else 10**6 - n)
            for n, expiry in enumerate(expiries)
        ]
        front = front_month(months, day, rolling, roll_days)
        assert front is not None
        chosen.append(front.expiry)
        day += timedelta(days=1)
    assert chosen == sorted(chosen)


@given(MONTHS, st.integers(0, 30))
def test_by_volume_it_is_one_of_the_two_nearest_and_of_them_the_busier(months: list[Month], roll_days: int) -> None:
    alive = sorted((m for m in months if (m.expiry - TODAY).days > roll_days), key=lambda m: m.expiry)[:2]
    chosen = front_month(months, TODAY, Rolling.VOLUME, roll_days)
    if len(alive) == 2 and None not in {each.volume for each in alive}:
        assert chosen in alive
        assert chosen is not None
        assert (chosen.volume or 0) == max(each.volume or 0 for each in alive)
    elif alive:
        assert chosen == alive[0]


@given(st.lists(st.text(min_size=1), unique=True, max_size=12), st.integers(0, 8), st.integers(0, 50))
def test_everyone_has_a_turn_and_nobody_more_than_there_is_room(keys: list[str], room: int, turn: int) -> None:
    shown = take_turns(keys, room, turn)
    assert len(shown) == min(len(keys), room) == len(set(shown))
    if room:
        turns = -(-len(keys) // room)
        assert {key for n in range(turns) for key in take_turns(keys, room, turn + n)} == set(keys)
