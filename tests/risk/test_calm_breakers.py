"""What a breaker says of itself for little: that its rule would answer OK. It may say so too rarely, never wrongly."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.risk import RiskSettings
from bot.domain.breaker import BreakerState
from bot.risk.breakers import BREAKERS, BookView, read_breakers

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
EQUITY = st.none() | st.decimals("-1000", "120000", places=2)
PART = st.decimals("0.001", "1", places=3)
SECONDS = st.floats(0, 400)
COUNT = st.integers(0, 80)
VIEWS = st.builds(
    BookView,
    now=st.just(NOW),
    in_session=st.booleans(),
    equity=EQUITY,
    first_equity=EQUITY,
    high_water=EQUITY,
    losses_in_a_row=st.integers(0, 5),
    silent_s=st.fixed_dictionaries({"unusual_whales": SECONDS}),
    link_lost_s=SECONDS,
    gaps=st.dictionaries(st.sampled_from(("SPY", "QQQ")), st.decimals("-0.2", "0.2", places=3), max_size=2),
    exposures=st.lists(st.tuples(st.sampled_from(("SPY", "QQQ")), st.sampled_from((1, -1))), max_size=3),
    orders_last_minute=COUNT,
    orders_in_window=COUNT,
    rejections_in_window=st.integers(0, 10),
)
LIMITS = st.builds(
    lambda loss, warning, fall, dollars, losses, orders, rejections: RiskSettings(
        daily_loss_fraction=loss, daily_loss_warning_fraction=warning, max_drawdown_fraction=fall,
        daily_loss_usd=dollars, max_losses_in_a_row=losses, max_orders_per_minute=orders, min_rejections=rejections,
    ),
    PART, PART, PART, st.sampled_from((Decimal(0), Decimal(500), Decimal(10_000))),
    st.integers(1, 4), st.integers(1, 70), st.integers(1, 5),
)  # fmt: skip


@given(VIEWS, LIMITS)
def test_what_is_called_calm_is_ok_by_its_rule(view: BookView, limits: RiskSettings) -> None:
    calm = [row for row in BREAKERS if row.calm(view, limits)]
    assert {reading.name: reading.state for reading in read_breakers(view, limits, calm)} == {
        row.name: BreakerState.OK for row in calm
    }


@pytest.mark.parametrize("row", BREAKERS, ids=lambda row: row.name)
def test_a_quiet_book_is_calm(row: object) -> None:
    quiet = BookView(NOW, True, Decimal(100_000), None, Decimal(100_000), Decimal(100_000))
    assert next(each for each in BREAKERS if each is row).calm(quiet, RiskSettings())
