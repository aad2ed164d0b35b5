"""The table of requests: every request by every role, actors by their shapes, ages by either clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.actors import PERSONS, Role, Roster, actor_of
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS, Expiry, Moment, Refused, age_s, refuse_stale, refuse_without_authority

K, R = RequestKind, Role
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
REPORTS = {K.REPORT_DRAFT, K.REPORT_APPROVE, K.REPORT_REJECT, K.REPORT_EDIT}
MAY = {  # spelled out a second time on purpose: who may ask for what while the session is not halted
    R.OWNER: set(K),
    R.OPERATOR: set(K),
    R.APPROVER: {K.APPROVE, K.REJECT, K.EDIT, K.ACK, K.UNACK, K.QUIET, *REPORTS},
    R.VIEWER: set(),
    R.OVERSEER: {K.REJECT, K.PAUSE, K.HALT},
    R.RULES: {K.PAUSE, K.HALT, K.RECONCILE},
    R.BROKER: {K.RECONCILE},
    R.SIGNAL: {K.EMERGENCY},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", list(RequestKind))
def test_each_role_may_ask_for_what_is_its_own_and_nothing_else(kind: RequestKind, role: Role) -> None:
    assert REQUESTS[kind].may(role) == (kind in MAY[role])


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", list(RequestKind))
def test_only_the_owner_lifts_a_halt(kind: RequestKind, role: Role) -> None:
    allowed = kind in MAY[role] and (kind is not K.RESUME or role is R.OWNER)
    assert REQUESTS[kind].may(role, halted=True) == allowed


def test_a_refusal_names_who_may() -> None:
    overseer = actor_of("overseer", Roster())
    with pytest.raises(Refused, match="approve may not be asked by overseer; it may be by: owner, operator"):
        refuse_without_authority(K.APPROVE, overseer, halted=False)


def test_what_sells_is_asked_about_and_everything_has_its_words() -> None:
    for asked in REQUESTS.values():
        assert asked.label
        assert asked.does.endswith(".")
        assert bool(asked.question) == (asked.danger != "calm")
        assert asked.roles - PERSONS <= {R.OVERSEER, R.RULES, R.BROKER, R.SIGNAL}


WALL, BOT = NOW + timedelta(days=10), NOW
AT = Moment(WALL, BOT, 30.0)
EXPIRY = Expiry(120, 600)


def ago(clock: datetime, seconds: float) -> datetime:
    return clock - timedelta(seconds=seconds)


DAYS = (WALL - BOT).total_seconds()
AGES: list[tuple[datetime | None, datetime, bool, float | None]] = [
    (ago(WALL, 5), BOT, True, 5),
    (ago(WALL, 500), WALL, False, 500),
    (ago(WALL, -3600), WALL, False, None),
    (None, ago(WALL, 90), True, 90),
    (None, ago(BOT, 90), False, 3),
    (None, BOT, True, DAYS),
    (None, ago(BOT, -3600), False, DAYS - 3600),
    (None, ago(WALL, -3600), True, None),
]


@pytest.mark.parametrize("asked_at,created_at,left_over,age", AGES)
def test_the_age_is_the_walls(
    asked_at: datetime | None, created_at: datetime, left_over: bool, age: float | None
) -> None:
    assert age_s(asked_at, created_at, AT, left_over=left_over) == (None if age is None else pytest.approx(age))


DIES = [
    (K.PAUSE, 121), (K.FLATTEN, 601), (K.EMERGENCY, 601), (K.CLOSE, 121), (K.FLATTEN, None), (K.PAUSE, None),
]  # fmt: skip


@pytest.mark.parametrize("kind,age", [(K.PAUSE, 119), (K.FLATTEN, 599), (K.EMERGENCY, 599), (K.CLOSE, 0)])
def test_a_request_lives_for_a_while(kind: RequestKind, age: float) -> None:
    refuse_stale(kind, age, EXPIRY)


@pytest.mark.parametrize("kind,age", DIES)
def test_a_request_dies_by_its_kind(kind: RequestKind, age: float | None) -> None:
    with pytest.raises(Refused, match="REQUEST_STALE"):
        refuse_stale(kind, age, EXPIRY)
