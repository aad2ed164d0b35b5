"""Who an actor is, by its shape and by the roster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actors import Person, Role, Roster, actor_of

R = Role
ROSTER = Roster.of([Person("ann", R.APPROVER, 77), Person("pat", R.OWNER)], unnamed=R.OPERATOR)


def test_in_sim_who_is_not_named_is_the_owner_and_who_is_named_has_the_role_of_the_list() -> None:
    sim = Roster.of([Person("ann", R.VIEWER, 77)], unnamed=R.VIEWER, sim=True)
    roles = {name: actor_of(f"admin:web:{name}", sim).role for name in ("operator", "anybody", "ann")}
    assert roles == {"operator": R.OWNER, "anybody": R.OWNER, "ann": R.VIEWER}
    ids = (1001, 1002, 1003, 1004, 77, -77, 1900)
    known = [person and person.role for person in map(sim.at_telegram, ids)]
    assert known == [R.OWNER, R.OPERATOR, R.APPROVER, R.VIEWER, R.VIEWER, None, None]
    assert actor_of("admin:telegram:operator", sim).role is R.OPERATOR
    assert actor_of("admin:telegram:1900", sim).role is R.VIEWER
    assert Roster.of([]).at_telegram(1001) is None


@pytest.mark.parametrize(
    "text,role",
    [
        ("cli", R.OWNER), ("signal", R.SIGNAL), ("overseer", R.OVERSEER), ("tick", R.RULES), ("broker", R.BROKER),
        ("reconcile", R.BROKER), ("admin:web:ann", R.APPROVER), ("admin:telegram:ann", R.APPROVER),
        ("admin:telegram:78", R.VIEWER), ("admin:telegram:77", R.VIEWER), ("admin:web:operator", R.OPERATOR),
        ("admin:web:pat", R.OWNER), ("admin:telegram:pat", R.VIEWER), ("admin:telegram:operator", R.VIEWER),
        ("admin:web:gone", R.VIEWER), ("admin:web:77", R.VIEWER),
        ("admin:web:", R.VIEWER), ("admin:web:a b", R.VIEWER), ("Overseer", R.VIEWER),
        ("admin:sms:1", R.VIEWER), ("", R.VIEWER), ("cli ", R.VIEWER), ("CLI", R.VIEWER), ("admin:web:ann\n", R.VIEWER),
        ("owner", R.VIEWER), ("admin", R.VIEWER), ("x:admin:web:ann", R.VIEWER), ("admin:web:ann:owner", R.VIEWER),
    ],
)  # fmt: skip
def test_an_actor_is_who_its_shape_says_and_else_a_viewer(text: str, role: Role) -> None:
    found = actor_of(text, ROSTER)
    assert (found.role, found.text) == (role, text)


@given(st.text(max_size=80))
def test_no_made_up_text_is_more_than_a_viewer(text: str) -> None:
    known = {"tick", "broker", "reconcile", "overseer", "signal", "cli"}
    if text not in known and not text.startswith("admin:web:"):
        assert actor_of(text, Roster()).role is R.VIEWER
