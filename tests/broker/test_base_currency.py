"""`check` asks a gateway in what currency the account is kept, and changes nothing by that."""

from collections.abc import Callable, Sequence

import pytest

from bot.broker.base_currency import base_currency
from tests.broker.fake_tws import ACCOUNT, FakeTws, Request


def told_in(tws: FakeTws, currencies: Sequence[str]) -> Callable[[Request], None]:
    def answer(asked: Request) -> None:
        rows = [(6, 2, "NetLiquidation", "100000.00", currency, ACCOUNT) for currency in currencies]
        tws.send_all([*rows, (6, 2, "CashBalance", "5", "GBP", ACCOUNT), (54, 1, ACCOUNT)])

    return answer


@pytest.mark.parametrize(
    "currencies, expected",
    [
        (["USD"], "USD"),
        (["EUR"], "EUR"),
        (["BASE", "EUR"], "EUR"),
        (["EUR", "USD"], "USD"),
        (["BASE"], None),
        ([], None),
    ],
)
async def test_the_currency_of_the_accounts_value_is_its_own(
    tws: FakeTws, currencies: list[str], expected: str | None
) -> None:
    tws.answers[6] = told_in(tws, currencies)
    assert await base_currency("127.0.0.1", tws.port, 107, "", 3.0) == expected
    assert {int(asked[0]) for asked in tws.asked} <= {71, 6}, "a question, nothing else"
    assert [asked[2] for asked in tws.of(71)] == ["107"]


async def test_a_gateway_that_says_nothing_is_not_waited_for(tws: FakeTws) -> None:
    tws.mute.add(6)
    assert await base_currency("127.0.0.1", tws.port, 107, ACCOUNT, 0.3) is None
    tws.silent_handshake = True
    assert await base_currency("127.0.0.1", tws.port, 107, ACCOUNT, 0.3) is None


async def test_a_client_id_that_is_in_use_is_no_answer(tws: FakeTws) -> None:
    tws.refuse_client_id = True
    assert await base_currency("127.0.0.1", tws.port, 107, ACCOUNT, 0.5) is None
