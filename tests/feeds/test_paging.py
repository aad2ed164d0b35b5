"""Pages by time: of what the vendor told nothing is missed and nothing is taken twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clocks.clock import ManualClock
from bot.domain.data.flow import FlowAlert
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived
from bot.feeds.poller import Poller
from bot.sim.uw import InProcessTransport, UwFace, UwLimits
from bot.sim.uw.source import VendorAlert
from tests.feeds.uw_site import NOON, OneDay, a_dataset, settings_of
from tests.sim.uw.small_source import SmallSource

LATE_S = 20
EVERY_S = 60


class Burst(SmallSource):
    """Alerts at drawn moments, some of the same one, each told up to LATE_S after its time; `inclusive`: whether a row
    at a bound is in an answer."""

    def __init__(self, clock: ManualClock, drawn: Sequence[tuple[float, float]], *, inclusive: bool) -> None:
        super().__init__()
        self.clock, self.inclusive = clock, inclusive
        self.told = [
            (replace(self._alert(number, NOON + timedelta(seconds=second)), ticker="SPY"), timedelta(seconds=late))
            for number, (second, late) in enumerate(sorted(drawn))
        ]

    def alerts(self, since: datetime, until: datetime) -> Sequence[VendorAlert]:
        now, edge = self.clock.now(), timedelta(0) if self.inclusive else timedelta(microseconds=1)
        return [each for each, late in self.told if each.at + late <= now and since + edge < each.at <= until - edge]


def heard(drawn: Sequence[tuple[float, float]], turns: int, limit: int, most: int, *, inclusive: bool) -> list[str]:
    """Return the ids in the window after so many turns, a minute apart."""
    clock, events = ManualClock(NOON), list[Event]()
    source = Burst(clock, drawn, inclusive=inclusive)
    face = UwFace(source, clock, limits=UwLimits(per_minute=10_000, latency_wall_s=0))
    endpoint = a_dataset(
        "flow_alerts", params={"limit": limit}, paging={"by": "time", "param": "older_than", "most": most},
        overlap_s=LATE_S, interval_s=EVERY_S,
    )  # fmt: skip
    feed = Poller(
        "unusual_whales", settings_of(endpoint, per_minute=10_000), clock, OneDay(), events.append,
        InProcessTransport(face),
    )  # fmt: skip

    async def take() -> None:
        for _ in range(turns):
            await feed.poll_once(clock.now())
            clock.advance(EVERY_S)

    asyncio.run(take())
    data = [each.value for each in events if isinstance(each, DatumReceived)]
    return [row.id for row in data[-1] if isinstance(row, FlowAlert)]


MOMENTS = st.one_of(
    st.floats(0, 240).map(lambda second: round(second, 6)),
    st.sampled_from((30.0, 30.0, 90.000001, 119.999999)),  # several at one moment, and beside a turn
)
DRAWN = st.lists(st.tuples(MOMENTS, st.floats(0, LATE_S)), max_size=60)


@given(DRAWN, st.integers(61, 90), st.integers(2, 3), st.booleans())
@settings(max_examples=25)
def test_of_a_trickle_nothing_is_missed_and_nothing_is_taken_twice(
    drawn: list[tuple[float, float]], limit: int, most: int, inclusive: bool
) -> None:
    """One page holds all that came since the last turn."""
    ids = heard(drawn, 6, limit, most, inclusive=inclusive)
    assert len(ids) == len(set(ids))
    assert len(ids) == len(drawn)


APART = st.lists(
    st.tuples(st.floats(0, 240).map(lambda second: round(second, 6)), st.floats(0, LATE_S)),
    max_size=40,
    unique_by=lambda each: each[0],
)


@given(APART, st.integers(3, 9), st.integers(2, 3), st.booleans())
@settings(max_examples=25)
def test_a_burst_beyond_a_turns_pages_is_caught_up_with_and_nothing_is_missed(
    drawn: list[tuple[float, float]], limit: int, most: int, inclusive: bool
) -> None:
    ids = heard(drawn, 30, limit, most, inclusive=inclusive)
    assert len(ids) == len(set(ids))
    assert len(ids) == len(drawn)


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_page_cut_within_one_moment_gives_the_rest_of_it_too(inclusive: bool) -> None:
    moments = [(10.0, 0.0)] * 3 + [(20.0, 0.0)] * 4 + [(30.0, 0.0)] * 2
    assert len(heard(moments, 4, 5, 5, inclusive=inclusive)) == 9


def test_more_of_one_moment_than_a_page_holds_ends_and_costs_no_more_than_that_moment() -> None:
    """Nothing can be asked within a microsecond: what a page of it holds is had, and the turns go on behind it."""
    moments = [(10.0, 0.0)] * 9 + [(5.0, 0.0), (20.0, 0.0)]
    assert len(heard(moments, 5, 4, 3, inclusive=True)) == 4 + 2
