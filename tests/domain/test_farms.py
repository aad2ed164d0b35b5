"""Notices only say when to look; the silence of all that we need decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.farms import OPTIONS, UNDERLYINGS, FarmWatch, Group, may_serve

Q = 10.0


def play(
    seconds: int, spoken: dict[str, set[int]], notices: set[int], answers: bool = True, probed_speak: bool = False
) -> tuple[list[frozenset[str]], int]:
    """Return what was lost at each second, and how many lines were asked for anew."""
    watch, spoke, found, asked = FarmWatch(Q), dict.fromkeys(spoken, 0.0), [], 0
    for now in range(1, seconds):
        if now in notices:
            watch.noticed("2103 whatever", now)
        for group, times in spoken.items():
            if now in times:
                spoke[group] = now
        if answers:
            watch.heard(now)
        for group in watch.judge(now, {name: Group(0.0, at) for name, at in spoke.items()}):
            asked += 1
            if probed_speak:
                spoke[group] = now + 0.5
        found.append(watch.lost)
    return found, asked


def test_lines_that_are_silent_after_a_notice_are_lost_after_ten_seconds_and_back_when_they_speak() -> None:
    speaks = set(range(20)) | set(range(60, 90))
    lost, _ = play(90, {OPTIONS: speaks, UNDERLYINGS: set(range(90))}, {20})
    seconds = [n + 1 for n, each in enumerate(lost) if each]
    assert set().union(*lost) == {OPTIONS}
    assert 29 <= seconds[0] <= 32
    assert seconds[-1] < 61


def test_silence_without_a_notice_and_a_notice_without_silence_are_nothing() -> None:
    assert not any(play(300, {OPTIONS: set()}, set())[0])
    assert not any(play(300, {OPTIONS: set(range(0, 300, 4))}, {5, 50, 130})[0])


def test_a_market_that_stands_still_is_told_from_a_lost_one_by_asking_anew() -> None:
    lost, asked = play(200, {OPTIONS: {1}, UNDERLYINGS: {1}}, {20, 90}, probed_speak=True)
    assert not any(lost)
    assert asked


def test_while_tws_says_nothing_at_all_nothing_is_said_of_its_farms() -> None:
    assert not any(play(200, {OPTIONS: {1}}, {20}, answers=False)[0])


@given(
    speaks=st.sets(st.integers(1, 199)),
    others=st.sets(st.integers(1, 199)),
    notices=st.sets(st.integers(1, 199), max_size=5),
)
def test_what_is_lost_was_silent_for_long_after_a_notice(speaks: set[int], others: set[int], notices: set[int]) -> None:
    lost, _ = play(200, {OPTIONS: speaks, UNDERLYINGS: others}, notices)
    before: frozenset[str] = frozenset()
    for n, groups in enumerate(lost):
        now = n + 1
        for group in groups - before:
            spoken = speaks if group == OPTIONS else others
            assert any(at <= now - Q for at in notices)
            assert not [at for at in spoken if now - Q < at <= now]
        before = groups


@pytest.mark.parametrize(
    "farm,option,underlying",
    [
        ("", True, True),
        ("usopt", True, False),
        ("usfarm.nj", False, True),
        ("somefarm", True, True),
        ("jfarm", False, False),
        ("secdefnj", False, False),
        ("ushmds", False, False),
        ("eufarm", False, False),
        ("usfuture", False, False),
    ],
)
def test_a_farm_serves_what_its_name_does_not_rule_out(farm: str, option: bool, underlying: bool) -> None:
    assert (may_serve(farm, option=True), may_serve(farm, option=False)) == (option, underlying)
