"""The pacing of questions for the past, against the simulated venue's own rules: what we ask is never refused."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.pacing import SAME_AGAIN_S, SMALL_WITHIN_S, HistoryPacing
from bot.sim.tws.limits import ClientLimits, HistoricalPacing

ASK = st.tuples(st.integers(1, 4), st.sampled_from([5, 30, 60, 86_400]), st.integers(0, 2), st.floats(0, 3))


@settings(max_examples=40)
@given(st.lists(ASK, max_size=150))
def test_whoever_waits_as_told_is_never_refused(asks: list[tuple[int, int, int, float]]) -> None:
    ours, theirs, now = HistoryPacing(), HistoricalPacing(ClientLimits()), 0.0
    for con_id, bar_s, which, pause in asks:
        question = (con_id, bar_s, which)
        now += pause + ours.wait_s(question, con_id, bar_s, now + pause)
        ours.sent(question, con_id, bar_s, now)
        assert theirs.admit(question, con_id, bar_s, now)


def test_each_rule_makes_wait_and_no_longer_than_its_window() -> None:
    pacing = HistoryPacing()
    pacing.sent("same", 1, 60, 100.0)
    assert 0 < pacing.wait_s("same", 1, 60, 101.0) <= SAME_AGAIN_S
    assert pacing.wait_s("other", 1, 60, 101.0) == 0
    for number in range(4):
        pacing.sent(number, 1, 60, 101.0)
    assert 0 < pacing.wait_s("sixth", 1, 60, 101.5) <= 2.5
    assert pacing.wait_s("sixth", 2, 60, 101.5) == 0
    small = HistoryPacing()
    for number in range(60):
        small.sent(number, number, 5, float(number))
    assert 500 < small.wait_s("more", 99, 30, 60.0) <= SMALL_WITHIN_S
    assert small.wait_s("longer", 99, 60, 60.0) == 0
