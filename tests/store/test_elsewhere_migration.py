"""Revision 0008 and back: what somebody else sold is named, and an older schema keeps the profit that it can count."""

from __future__ import annotations

from pathlib import Path

from bot.store.invariants import check_invariants
from bot.store.revision import downgrade, upgrade
from tests.store.test_settlement_migration import change, closed, row

__all__ = ["closed"]  # a fixture


def test_what_was_counted_as_nothing_without_a_word_is_unknown_at_the_same_value(closed: str, store_path: Path) -> None:
    downgrade(closed, "0007")
    change(store_path, "UPDATE position SET close_reason = 'externally_closed', settled_quantity = 2, left_early = 2")
    pnl = row(store_path, "realized_pnl")
    upgrade(closed)
    assert row(store_path, "valuation, elsewhere_quantity, elsewhere_value") == ("unknown", 2, 0)
    assert row(store_path, "realized_pnl") == pnl


def test_what_expired_is_not_taken_for_sold(closed: str, store_path: Path) -> None:
    downgrade(closed, "0007")
    change(
        store_path,
        "UPDATE position SET close_reason = 'expired', settled_quantity = 2, left_early = 1, settlement = 'final'",
    )
    upgrade(closed)
    assert row(store_path, "valuation, elsewhere_quantity") == (None, 0)


def test_an_older_schema_counts_the_commissions_of_our_own_executions(closed: str, store_path: Path) -> None:
    pnl, paid = row(store_path, "realized_pnl, commissions")
    change(
        store_path,
        "UPDATE position SET elsewhere_quantity = 0, elsewhere_commission = 16512, commissions = commissions + 16512, "
        "realized_pnl = realized_pnl - 16500",
    )
    downgrade(closed, "0007")
    assert row(store_path, "realized_pnl, commissions") == (pnl, paid)
    upgrade(closed)
    assert [f.detail for f in check_invariants(closed) if not f.ok] == []
