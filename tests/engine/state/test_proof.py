"""What may be concluded about the broker's book: each witness alone, and none of them after the link changed."""

from datetime import UTC, datetime, timedelta

from bot.engine.state.fact_name import FactName
from bot.engine.state.proof import Proof

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
KEY, OTHER = "SPY   261120C00590000", "SPY   261120P00580000"


def test_at_a_start_nothing_is_proved_and_nothing_is_in_doubt() -> None:
    proof = Proof()
    assert proof.may_leave_since(KEY, 4) is None
    assert not proof.is_of_this_link(NOW)
    assert proof.may_sell_more(KEY, 4)
    assert not proof.is_in_doubt(KEY)


def test_the_brokers_word_on_a_contract_is_enough_to_leave_it_since_the_link_is_up() -> None:
    proof = Proof()
    proof.link(NOW)
    proof.told[KEY] = 4
    assert proof.may_leave_since(KEY, 4) == NOW
    assert proof.may_leave_since(KEY, 5) is None, "fewer than we count is no proof"
    assert proof.may_leave_since(OTHER, 1) is None
    proof.prove(NOW + timedelta(seconds=2))
    assert proof.may_leave_since(OTHER, 1) == NOW + timedelta(seconds=2)


def test_part_of_a_book_refutes_and_never_proves() -> None:
    proof = Proof()
    proof.link(NOW)
    proof.prove(NOW)
    proof.refute({KEY: 3}, {KEY: 4, OTHER: 0})
    assert proof.may_leave_since(KEY, 4) is None
    assert not proof.may_sell_more(KEY, 4)
    assert proof.may_leave_since(OTHER, 0) == NOW
    proof.begin_comparison()
    assert proof.may_sell_more(KEY, 4), "a whole book is another word"


def test_a_first_look_that_shows_more_is_unequal_and_not_in_doubt() -> None:
    proof = Proof()
    proof.differ(KEY, 2)
    proof.differ(OTHER, -1)
    assert proof.unequal == {KEY, OTHER}
    assert (proof.is_in_doubt(KEY), proof.is_in_doubt(OTHER)) == (False, True)


def test_of_a_contract_in_dispute_more_is_sold_only_where_the_brokers_word_bears_us_out() -> None:
    proof = Proof()
    proof.dispute({KEY: FactName("execution", "1")}, 1)
    assert not proof.may_sell_more(KEY, 4)
    proof.told[KEY] = 4
    assert proof.may_sell_more(KEY, 4)
    proof.cap(KEY, 3)
    assert not proof.may_sell_more(KEY, 4)
    assert (proof.lift_cap(KEY), proof.lift_cap(KEY)) == (True, False)


def test_a_link_that_changes_takes_its_word_with_it_and_a_failed_tick_keeps_it() -> None:
    proof = Proof()
    proof.link(NOW)
    proof.told[KEY], proof.proved_since = 4, NOW
    again = Proof()
    again.carry_on(proof)
    assert (again.linked_since, again.told, again.proved_since) == (NOW, {KEY: 4}, None)
    proof.begin_link()
    assert [proof.linked_since, proof.proved_since, *proof.told] == [None, None]
