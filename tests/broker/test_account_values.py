"""Account values: each has a unit and an age, whatever else stands beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broker.account import AccountValues
from bot.broker.wire import Wire
from bot.clocks.clock import ManualClock
from bot.domain.errors import UnknownWord
from bot.domain.events.account import AccountReported
from bot.domain.events.people import AlertRaised
from tests.engine.desk import TEN

ACCOUNT = "DU1"
TAGS = ("AvailableFunds", "BuyingPower", "NetLiquidation", "TotalCashValue")


class Told:
    """Account values as a client would hear them; `last` is what the engine was told."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.values = AccountValues(Wire(50), ManualClock(TEN), self.events.append)
        self.values._account = ACCOUNT

    def say(self, tag: str, value: str, currency: str = "USD", account: str = ACCOUNT) -> None:
        self.values.value(tag, value, currency, account)

    def download(self, *, ready: str = "true", currency: str = "USD", value: str = "100000.00") -> None:
        self.values.value("AccountReady", ready, "", ACCOUNT)
        for tag in TAGS:
            self.say(tag, value, currency)
        self.values.batch_over()
        self.values.downloaded()

    @property
    def last(self) -> AccountReported:
        return next(e for e in reversed(self.events) if isinstance(e, AccountReported))

    @property
    def has_told(self) -> bool:
        return any(isinstance(e, AccountReported) for e in self.events)


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    made = Told()
    yield made
    made.values.stop()


async def test_an_account_that_is_being_reset_says_nothing(told: Told) -> None:
    told.download(ready="false", value="0.00")
    assert not told.has_told
    told.download(value="100000.00")
    assert told.last.net_liquidation == 100_000


@pytest.mark.parametrize("order", ["before", "after"])
async def test_rows_in_base_and_in_other_currencies_never_stand_among_the_dollars(told: Told, order: str) -> None:
    if order == "after":
        told.download()
    for currency in ("BASE", "EUR", "GBP", "HKD", "usd", ""):
        for tag in (*TAGS, "TotalCashBalance", "CashBalance", "RealizedPnL", "UnrealizedPnL"):
            told.say(tag, "7777777", currency)
    told.download()
    assert (told.last.net_liquidation, told.last.cash, told.last.realized_pnl) == (
        Decimal(100_000),
        Decimal(100_000),
        None,
    )
    assert told.last.currency == "USD"


async def test_a_base_currency_other_than_dollars_is_said_and_no_value_is_handed_on(told: Told) -> None:
    told.say("NetLiquidationByCurrency", "5000", "USD")
    told.say("TotalCashBalance", "5000", "USD")
    told.download(currency="EUR")
    assert (told.last.currency, told.last.net_liquidation, told.last.cash) == ("EUR", None, None)
    alerts = [e for e in told.events if isinstance(e, AlertRaised)]
    assert [a.code for a in alerts] == ["ACCOUNT_CURRENCY"]
    assert "kept in EUR" in alerts[0].text


async def test_another_account_of_the_login_is_not_ours(told: Told) -> None:
    told.download()
    told.say("AccountReady", "false", "", account="DU2")
    told.say("NetLiquidation", "1", account="DU2")
    told.download(value="100001.00")
    assert told.last.net_liquidation == 100_001


async def test_the_days_pnl_comes_with_its_own_age_and_an_unset_one_is_unknown(told: Told) -> None:
    told.download()
    told.values.pnl(-9000.0, -9000.0, 0.0)
    told.values._emit()
    assert (told.last.daily_pnl, told.last.pnl_at) == (Decimal(-9000), TEN)
    told.values.pnl(1.7976931348623157e308, -9000.0, 0.0)
    told.values._emit()
    assert told.last.daily_pnl is None


@given(
    st.one_of(
        st.text(max_size=12), st.sampled_from(["1.7976931348623157E308", "NaN", "-Infinity", "1E999", "1,000.00"])
    )
)
def test_a_garbled_value_is_a_number_or_unset_or_refused(text: str) -> None:
    told = Told()
    try:
        told.say("NetLiquidation", text)
    except UnknownWord:
        return
    found = told.values._values.get("net_liquidation")
    assert found is None or (found.is_finite() and abs(found) < Decimal(10) ** 13)
