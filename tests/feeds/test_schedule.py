"""Laws of the schedule: never too many, never idle for nothing, the least important waits first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.feeds.quota import MinuteOfCalls
from bot.feeds.schedule import RANKS, Claim, Room, grants, turns
from bot.feeds.sources import Priority

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
SHARES = {Priority.CRITICAL: 60, Priority.IMPORTANT: 40, Priority.NICE_TO_HAVE: 10, Priority.BACKGROUND: 0}
DEMAND = st.fixed_dictionaries({each: st.floats(0, 120) for each in RANKS})
CLAIMS = st.lists(st.tuples(st.sampled_from(RANKS), st.integers(-30, 30), st.integers(1, 3)), max_size=40)


def claims_of(written: list[tuple[Priority, int, int]]) -> list[Claim]:
    return [Claim(i, p, NOW + timedelta(seconds=s), calls) for i, (p, s, calls) in enumerate(written)]


def room(per_minute: int, demand: dict[Priority, float], **more: object) -> Room:
    return replace(Room(per_minute, SHARES, demand, max_in_flight=100), **more)  # type: ignore[arg-type]


@given(st.integers(1, 200), DEMAND)
def test_grants_are_no_more_than_there_is_nor_than_is_needed_and_the_most_important_comes_first(
    per_minute: int, demand: dict[Priority, float]
) -> None:
    found = grants(per_minute, SHARES, demand)
    assert sum(found.values()) <= per_minute
    assert all(found[each] <= demand[each] + 1 for each in RANKS)
    critical = min(SHARES[Priority.CRITICAL], demand[Priority.CRITICAL], per_minute)
    assert found[Priority.CRITICAL] >= int(critical)


@given(CLAIMS, st.integers(1, 30), DEMAND, st.integers(0, 3), st.integers(1, 5))
def test_who_goes_is_due_fits_into_the_minute_and_into_what_may_be_in_flight(
    written: list[tuple[Priority, int, int]], per_minute: int, demand: dict[Priority, float], busy: int, most: int
) -> None:
    claims = claims_of(written)
    plan = turns(claims, room(per_minute, demand, in_flight=busy, max_in_flight=most), NOW)
    assert all(claims[place].due_at <= NOW for place in plan.go)
    assert sum(claims[place].calls for place in plan.go) <= per_minute or len(plan.go) == 1
    assert len(plan.go) <= max(0, most - busy)
    assert not set(plan.go) & set(plan.held)
    assert all(plan.held.values())


@given(CLAIMS, DEMAND)
def test_nobody_waits_while_there_is_room_for_all(
    written: list[tuple[Priority, int, int]], demand: dict[Priority, float]
) -> None:
    due = [claim for claim in claims_of(written) if claim.due_at <= NOW]
    plan = turns(claims_of(written), room(10_000, demand), NOW)
    assert {claim.place for claim in due} == set(plan.go)
    assert not plan.held


@given(CLAIMS, st.integers(1, 60), DEMAND)
def test_who_waits_is_woken_later_and_not_never(
    written: list[tuple[Priority, int, int]], per_minute: int, demand: dict[Priority, float]
) -> None:
    plan = turns(claims_of(written), room(per_minute, demand), NOW)
    if plan.held:
        assert plan.wake_at is not None
        assert plan.wake_at > NOW


def test_a_vendors_own_word_goes_before_ours() -> None:
    claims = [Claim(0, Priority.CRITICAL, NOW)]
    soon = NOW + timedelta(seconds=7)
    spent = turns(claims, room(110, dict.fromkeys(RANKS, 1.0), left=0, left_until=soon), NOW)
    assert (spent.go, spent.wake_at) == ((), soon)
    over = turns(claims, room(110, dict.fromkeys(RANKS, 1.0), left=0, left_until=NOW), NOW)
    assert over.go == (0,)


def live_an_hour(per_minute: int) -> tuple[Counter[Priority], dict[Priority, float], list[datetime]]:
    """The full universe for an hour in steps of five seconds, one call a claim; return calls, the longest wait of each
    class in seconds, and when calls were made."""
    every = {Priority.CRITICAL: 60, Priority.IMPORTANT: 120, Priority.NICE_TO_HAVE: 900, Priority.BACKGROUND: 3600}
    sets = {Priority.CRITICAL: 26, Priority.IMPORTANT: 48, Priority.NICE_TO_HAVE: 60, Priority.BACKGROUND: 10}
    who = [priority for priority, number in sets.items() for _ in range(number)]
    demand = {each: sets[each] * 60 / every[each] for each in RANKS}
    due, minute, calls, times = [NOW] * len(who), MinuteOfCalls(), Counter[Priority](), list[datetime]()
    waited: dict[Priority, float] = dict.fromkeys(RANKS, 0.0)
    at = NOW
    while at < NOW + timedelta(hours=1):
        claims = [Claim(i, who[i], due[i]) for i in range(len(who))]
        plan = turns(claims, Room(per_minute, SHARES, demand, minute.recent(at), max_in_flight=12), at)
        for place in plan.go:
            waited[who[place]] = max(waited[who[place]], (at - due[place]).total_seconds())
            minute.take(at, who[place])
            times.append(at)
            calls[who[place]] += 1
            due[place] = at + timedelta(seconds=every[who[place]])
        at += timedelta(seconds=5)
    for place, when in enumerate(due):
        waited[who[place]] = max(waited[who[place]], (at - when).total_seconds())
    return calls, waited, times


def most_in_a_minute(times: list[datetime]) -> int:
    by_step = Counter(times)
    spans = [timedelta(seconds=5 * step) for step in range(12)]
    return max(sum(by_step[at + span] for span in spans) for at in by_step)


def test_at_a_hundred_and_ten_a_minute_everything_comes_and_no_minute_has_more() -> None:
    calls, waited, times = live_an_hour(110)
    assert all(calls[each] for each in RANKS)
    assert waited[Priority.CRITICAL] <= 60
    assert waited[Priority.IMPORTANT] <= 120
    assert most_in_a_minute(times) <= 110


def test_at_thirty_a_minute_the_critical_data_keep_their_ages_and_the_background_waits() -> None:
    calls, waited, times = live_an_hour(30)
    assert waited[Priority.CRITICAL] <= 60, "an age of 180 s has room for it"
    assert not calls[Priority.BACKGROUND]
    assert calls[Priority.CRITICAL] >= 26 * 58
    assert most_in_a_minute(times) <= 30
