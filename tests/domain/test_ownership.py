"""Who may be the owner of what nobody can read: in doubt it is ours, for only ours may spoil an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.ownership import Marks, Ownership

OURS = Ownership(17, "bot", lambda con_id: con_id == 9, lambda perm_id: perm_id == 4711)


@pytest.mark.parametrize(
    "marks,ours",
    [
        (Marks(client_id="17", perm_id="1"), True),
        (Marks(client_id="-17", perm_id="1"), False),
        (Marks(client_id="seventeen", perm_id="1"), True),  # nobody can tell whose it is
        (Marks(client_id="3", reference="bot-1", perm_id="1"), True),
        (Marks(client_id="3", reference="bot2-1", perm_id="1"), False),
        (Marks(client_id="3", reference="", perm_id="4711"), True),
        (Marks(client_id="3", reference="", perm_id=""), True),
        (Marks(client_id="3", reference="", perm_id="1", con_id="9", sec_type="OPT"), False),  # on a contract of ours
        (Marks(con_id="9", sec_type="OPT"), True),
        (Marks(con_id="8", sec_type="OPT"), False),
        (Marks(con_id="nine", sec_type="OPT"), True),
        (Marks(con_id="nine", sec_type="FUT"), False),
        (Marks(con_id="0", sec_type="OPT"), False),
        (Marks(con_id="", sec_type="OPT"), False),
    ],
)
def test_who_may_be_the_owner(marks: Marks, ours: bool) -> None:
    assert OURS.may_be_ours(marks) is ours


@given(reference=st.text(), perm_id=st.text())
def test_our_own_client_is_never_taken_for_somebody_else(reference: str, perm_id: str) -> None:
    assert OURS.may_be_ours(Marks(client_id="17", reference=reference, perm_id=perm_id))


DIGITS = st.sampled_from(["²", "³7", "٣", "9" * 5000, "-", "--3", "-²"]) | st.text(alphabet="0129²٣-", max_size=6)


@given(client_id=DIGITS, perm_id=DIGITS, con_id=DIGITS)
def test_whatever_counts_as_a_digit_somewhere_is_judged(client_id: str, perm_id: str, con_id: str) -> None:
    OURS.may_be_ours(Marks(client_id=client_id, reference="", perm_id=perm_id))
    OURS.may_be_ours(Marks(con_id=con_id, sec_type="OPT"))
