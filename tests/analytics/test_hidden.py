"""Hidden orders: what each rule calls so, and how both do on an hour in which Nasdaq labelled them."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.analytics.hidden import HiddenScore, inside_rule, naive_rule, score
from bot.domain.quotes import Quote, TradePrint

NOW = datetime(2012, 6, 21, 14, 0, tzinfo=UTC)
TOUCH = Quote(Decimal("9.90"), Decimal("10.10"), 100, 200, None, NOW)


def a_print(price: str, size: int) -> TradePrint:
    return TradePrint(Decimal(price), size, NOW)


@pytest.mark.parametrize(
    "price, size, naive, inside",
    [
        ("9.90", 100, False, False), ("9.90", 150, False, False), ("9.90", 151, True, True),
        ("10.10", 300, False, False), ("10.10", 301, True, True),
        ("10.00", 1, False, True), ("10.05", 200, False, True), ("9.95", 160, True, True),
    ],
)  # fmt: skip
def test_what_is_called_hidden(price: str, size: int, naive: bool, inside: bool) -> None:
    assert naive_rule(a_print(price, size), TOUCH) is naive
    assert inside_rule(a_print(price, size), TOUCH) is inside


@pytest.mark.parametrize("bid, ask", [(None, "10"), ("10", None), ("10", "10"), ("11", "10")])
def test_without_a_sound_quote_nothing_is_called_anything(bid: str | None, ask: str | None) -> None:
    before = Quote(Decimal(bid) if bid else None, Decimal(ask) if ask else None, 100, 100, None, NOW)
    assert naive_rule(a_print("10", 999), before) is None
    assert inside_rule(a_print("10", 999), before) is None


def test_a_score_counts_prints() -> None:
    labelled = [(a_print("10.00", 1), TOUCH, True), (a_print("9.90", 999), TOUCH, False),
                (a_print("9.90", 1), TOUCH, True), (a_print("9.90", 1), TOUCH, False)]  # fmt: skip
    found = score(labelled, inside_rule)
    assert found == HiddenScore(found=1, false=1, missed=1, silent=0)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert (HiddenScore(0, 0, 0, 0).precision, HiddenScore(0, 0, 0, 0).f1) == (0.0, 0.0)


def labelled_hour(folder: Path) -> Iterator[tuple[TradePrint, Quote, bool]]:
    before: Quote | None = None
    with (
        gzip.open(folder / "messages_0930_1030.csv.gz", "rt") as events,
        gzip.open(folder / "bbo_0930_1030.csv.gz", "rt") as touches,
    ):
        for event, touch in zip(csv.DictReader(events), csv.DictReader(touches), strict=True):
            if before is not None and event["type"] in {"4", "5"}:
                yield a_print(event["price"], int(event["size"])), before, event["type"] == "5"
            before = Quote(
                Decimal(touch["bid_price_1"]), Decimal(touch["ask_price_1"]),
                int(touch["bid_size_1"]), int(touch["ask_size_1"]), None, NOW,
            )  # fmt: skip


def test_on_the_labelled_hour_the_better_rule_is_far_better_than_the_naive_one(shared_data: Path) -> None:
    labelled = list(labelled_hour(shared_data / "lobster-aapl-2012-06-21"))
    assert len(labelled) == 4_067 + 2_201
    naive, better = score(labelled, naive_rule), score(labelled, inside_rule)
    assert better.recall > 0.99
    assert better.precision > 0.95
    assert better.f1 > naive.f1 + 0.3
