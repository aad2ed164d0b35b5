"""Whose a message is, from its raw fields: only what may be ours may spoil a book."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broker.ownership import LAYOUTS, foreign_of, may_be_ours
from bot.domain.ownership import Ownership
from tests.broker.fake_tws import OPTION, STOCK, completed_order, execution, open_order, order_status, position

OURS = Ownership(17, "bot", lambda con_id: con_id == int(OPTION[0]), lambda perm_id: perm_id == 4711)
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def raw(message: tuple[object, ...]) -> list[str]:
    return [str(field) for field in message]


@pytest.mark.parametrize(
    "message",
    [
        open_order(5, "", row=STOCK, client_id=17),
        open_order(5, "bot-1", row=STOCK, client_id=3),
        open_order(5, "", client_id=3, perm_id=4711),
        execution(5, "0001.01", "", row=STOCK, client_id=17),
        execution(5, "0001.01", "bot-1", row=STOCK, client_id=3),
        completed_order("bot-1", "Filled"),
        completed_order("", "Filled", perm_id=4711),
        position(OPTION),
        order_status(5, "Frobnicated", client_id=17),
        open_order(5, "", row=STOCK, client_id="x"),  # type: ignore[arg-type]  # nobody can tell whose it is
        open_order(5, "", row=STOCK, client_id=3)[:20],
        ("61", "3", "DU1", "no number", "SPX", "OPT", "", "", "", "", "", "", "", "", "1", "1"),
        ("4", "2", "-1", "1100", "text"),
    ],
)
def test_what_bears_our_client_our_reference_or_our_contract_may_be_ours(message: tuple[object, ...]) -> None:
    assert may_be_ours(raw(message), OURS)


@pytest.mark.parametrize(
    "message",
    [
        open_order(5, "", row=STOCK, client_id=3),
        open_order(-7, "mine", row=STOCK, client_id=0),
        open_order(5, "bot2-1", row=STOCK, client_id=-1),
        execution(0, "0001.01", "", row=STOCK, client_id=0),
        position(STOCK),
        order_status(5, "Frobnicated", client_id=3),
        open_order(5, "", client_id=3),
        execution(0, "0001.01", "", client_id=0),
        completed_order("mine", "Filled"),
    ],
)
def test_what_bears_none_of_them_is_somebody_elses(message: tuple[object, ...]) -> None:
    assert not may_be_ours(raw(message), OURS)


@given(st.sampled_from(sorted(LAYOUTS)), st.lists(st.text(max_size=300) | st.sampled_from(["17", "3", "OPT"])))
def test_any_fields_are_judged_and_kept(number: str, fields: list[str]) -> None:
    message = [number, *fields]
    if not may_be_ours(message, OURS):
        seen = foreign_of(message, "why", NOW)
        assert len(seen.key) < 120
        assert all(each.isprintable() for each in (seen.key, seen.identity, seen.words))
