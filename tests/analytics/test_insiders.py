"""Insiders who act together: on hand-made trades, and on recorded purchases against a plain count."""

from __future__ import annotations

import csv
import gzip
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest

from bot.analytics.insiders import insider_cluster
from bot.domain.data.people import InsiderTrade

TODAY = date(2026, 11, 20)


def trade(owner: str, ago: int, shares: int = 100, code: str = "P", *, planned: bool = False, filed: int = 1,
          ticker: str = "NVDA") -> InsiderTrade:  # fmt: skip
    day = TODAY - timedelta(days=ago)
    return InsiderTrade(
        f"{owner}{ago}", owner, "CEO", ticker, code, shares, Decimal(10), day, day + timedelta(days=filed), planned,
        False, True, False, None, 1,
    )  # fmt: skip


def test_three_people_within_two_weeks_are_a_cluster_each_counted_once() -> None:
    found = insider_cluster([trade("A", 10), trade("B", 8), trade("A", 7), trade("C", 2)], "NVDA", TODAY)
    assert found is not None
    assert (found.count, found.is_cluster, found.dollars) == (3, True, 4000.0)
    apart = insider_cluster([trade("A", 30), trade("B", 15), trade("C", 1)], "NVDA", TODAY)
    assert apart is not None
    assert (apart.count, apart.is_cluster) == (1, False)


def test_sellers_count_negative_and_the_larger_side_is_told() -> None:
    sellers = [trade(name, 5, -300, "S") for name in "ABC"]
    found = insider_cluster([*sellers, trade("D", 4)], "NVDA", TODAY)
    assert found is not None
    assert (found.count, found.dollars) == (-3, -9000.0)


def test_what_is_planned_not_filed_old_or_anothers_counts_nothing() -> None:
    none = [trade("A", 3, planned=True), trade("B", 0, filed=2), trade("C", 95), trade("D", 3, code="M"), trade("E",
    3, 0),
            trade("F", 3, ticker="AAPL")]  # fmt: skip
    assert insider_cluster(none, "NVDA", TODAY) is None


def test_recorded_purchases_have_the_clusters_that_a_plain_count_finds(shared_data: Path) -> None:
    file = shared_data / "insider-form4-openinsider" / "purchases.tsv.gz"
    if not file.is_file():
        pytest.skip(f"the recorded purchases are not here: {file} is absent")
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = [
            {name.replace("\xa0", " "): value for name, value in row.items()}
            for row in csv.DictReader(text, delimiter="\t")
        ]
    trades = [
        InsiderTrade(
            str(number), row["Insider Name"], row["Title"], row["Ticker"], "P", int(row["Qty"].replace(",", "")),
            Decimal(row["Price"].strip("$").replace(",", "")), date.fromisoformat(row["Trade Date"]),
            datetime.fromisoformat(row["Filing Date"]).date(), False, False, True, False, None, 1,
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip
    until = date(2024, 11, 1)
    clusters = 0
    for ticker, members in groupby(sorted(trades, key=lambda t: t.ticker), lambda t: t.ticker):
        own = [t for t in members if t.traded_on and t.filed_on and t.traded_on <= t.filed_on <= until]
        own = [t for t in own if t.traded_on and until - t.traded_on <= timedelta(days=90)]
        plain = max(
            (len({t.owner for t in own if t.traded_on and 0 <= (t.traded_on - first.traded_on).days < 14})
             for first in own if first.traded_on), default=0,
        )  # fmt: skip
        found = insider_cluster(own, ticker, until)
        assert (found.count if found else 0) == plain, ticker
        clusters += plain >= 3
    assert clusters == 51, "companies with three or more buyers within two weeks"
