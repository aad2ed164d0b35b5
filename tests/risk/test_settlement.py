"""What the delivered shares say of which options were exercised: known answers, and what they leave open."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.instruments import OptionContract, Right
from bot.risk.settlement import Leaving, exercised
from tests.engine.desk import DAY

CALL, PUT = Right.CALL, Right.PUT


def leaving(*what: tuple[int, Right, str]) -> list[Leaving]:
    """Return contracts named a, b, c... from (how many, right, strike)."""
    return [
        Leaving("abcdefgh"[n], OptionContract("SPY", DAY, right, Decimal(strike)), contracts)
        for n, (contracts, right, strike) in enumerate(what)
    ]


@pytest.mark.parametrize(
    "right, strike, price, value",
    [
        (CALL, "590", "592.31", "2.31"),
        (CALL, "590", "590", "0"),
        (CALL, "590", "587", "0"),
        (PUT, "590", "587.99", "2.01"),
        (PUT, "590", "590", "0"),
        (PUT, "590", "600", "0"),
    ],
)
def test_the_intrinsic_value_is_what_exercise_brings_and_never_less_than_nothing(
    right: Right, strike: str, price: str, value: str
) -> None:
    assert OptionContract("SPY", DAY, right, Decimal(strike)).intrinsic(Decimal(price)) == Decimal(value)


def test_a_call_brings_shares_and_a_put_takes_them() -> None:
    assert OptionContract("SPY", DAY, CALL, Decimal(590)).shares_of(4) == 400
    assert OptionContract("SPY", DAY, PUT, Decimal(590)).shares_of(4) == -400


@pytest.mark.parametrize(
    "root, in_cash, at_open",
    [("SPY", False, False), ("AAPL", False, False), ("SPXW", True, False), ("XSP", True, False), ("SPX", True, True),
     ("NDX", True, True), ("NDXP", True, False), ("RUTW", True, False), ("VIX", True, True)],
)  # fmt: skip
def test_an_index_pays_out_a_fund_delivers_and_an_indexs_monthly_settles_on_the_opening(
    root: str, in_cash: bool, at_open: bool
) -> None:
    contract = OptionContract(root, DAY, CALL, Decimal(590))
    assert (contract.settles_in_cash, contract.settles_at_open) == (in_cash, at_open)


def test_the_price_and_the_shares_together_are_certain_at_once() -> None:
    gone = leaving((4, CALL, "590"), (2, CALL, "595"), (3, PUT, "585"))
    assert exercised(gone, 400, Decimal(592), last_call=False) == frozenset({"a"})
    assert exercised(gone, 0, Decimal(587), last_call=False) == frozenset()
    assert exercised(gone, -300, Decimal(580), last_call=False) == frozenset({"c"})


def test_the_shares_count_more_than_a_price_seen_close_to_the_strike() -> None:
    assert exercised(leaving((1, CALL, "590")), 100, Decimal("589.98"), last_call=False) == frozenset({"a"})


def test_shares_without_a_price_name_the_only_contracts_that_explain_them() -> None:
    gone = leaving((4, CALL, "590"), (2, CALL, "595"))
    assert exercised(gone, 400, None, last_call=False) == frozenset({"a"})
    assert exercised(gone, 600, None, last_call=False) == frozenset({"a", "b"})
    assert exercised(gone, 200, None, last_call=False) is None, "no price exercises the higher strike alone"


def test_that_no_shares_came_is_no_evidence_before_the_last_call() -> None:
    gone = leaving((4, CALL, "590"))
    assert exercised(gone, 0, None, last_call=False) is None
    assert exercised(gone, 0, Decimal(592), last_call=False) is None
    assert exercised(gone, 0, Decimal(592), last_call=True) == frozenset()


def test_what_two_prices_explain_is_left_open() -> None:
    crossed = leaving((1, CALL, "580"), (1, PUT, "600"))
    assert exercised(crossed, 0, None, last_call=True) is None, "both were exercised, or neither"
    assert exercised(crossed, 0, Decimal(590), last_call=True) == frozenset({"a", "b"})


def test_less_than_a_cent_is_not_exercised() -> None:
    assert exercised(leaving((1, CALL, "590")), 0, Decimal("590.009"), last_call=False) == frozenset()


@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([CALL, PUT]), st.integers(580, 600)), min_size=1, max_size=5),
    st.decimals(570, 610, places=2),
)
def test_whatever_the_price_its_own_shares_are_explained_by_it(
    what: list[tuple[int, Right, int]], price: Decimal
) -> None:
    gone = leaving(*((n, right, str(strike)) for n, right, strike in what))
    due = frozenset(each.id for each in gone if each.contract.intrinsic(price) > 0)
    arrived = sum(each.contract.shares_of(each.contracts) for each in gone if each.id in due)
    assert exercised(gone, arrived, price, last_call=False) == due
    found = exercised(gone, arrived, None, last_call=True)
    assert found is None or sum(e.contract.shares_of(e.contracts) for e in gone if e.id in found) == arrived
