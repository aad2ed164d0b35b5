"""What takes long among the tests: files that are handed to the workers first, so that all of them end together, and
tests of seconds, which `make test-fast` leaves to `make test`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

LONGEST_FIRST: Final = (
    "tests/app/test_replayed_day.py", "tests/faults/test_faults.py", "tests/app/", "tests/kill/", "tests/faults/",
    "tests/sim/test_scenario.py", "tests/cli/", "tests/web/test_browser.py",
)  # fmt: skip
"""What lives whole days, starts programs or opens a browser. All others follow, those of most tests first."""


SECONDS: Final = (
    "tests/broker/test_account_values.py::test_a_garbled_value_is_a_number_or_unset_or_refused",
    "tests/broker/test_bad_input.py",
    "tests/broker/test_codes.py",
    "tests/broker/test_strangers.py::test_beside_any_portfolio",
    "tests/config/test_planted_secrets.py::test_a_page_that_crashes_says_it_in_no_traceback",
    "tests/config/test_whole_tree.py::test_what_is_accepted_runs_a_simulated_minute_without_a_fault",
    "tests/domain/test_outside.py::test_facts_of_any_shape_hold_no_text_beyond_the_border",
    "tests/engine/book/test_restored_store.py",
    "tests/engine/book/test_sold_elsewhere.py::test_every_view_of_the_store_and_a_restart_on_it_say_the_same",
    "tests/engine/book/test_sold_elsewhere.py::test_whoever_sold_what_in_whatever_order_it_is_heard_the_money_is_the_accounts",
    "tests/engine/settlement/test_expiry_at_the_venue.py::test_whatever_the_expiry_price_the_profit_is_what_the_account_gained",
    "tests/engine/state/test_ledger.py::test_the_type_checker_sees_a_wrong_change",
    "tests/engine/test_crash.py",
    "tests/engine/test_fact_faults.py",
    "tests/engine/test_laws.py",
    "tests/engine/test_order_protocol.py::test_repeated_facts_change_nothing",
    "tests/engine/test_order_protocol.py::test_the_facts_of_a_fill_end_in_one_state_in_any_order",
    "tests/engine/test_overseen.py::test_no_verdict_approves_enters_or_enlarges",
    "tests/engine/trade/test_calm.py::test_whatever_is_quoted_to_a_calm_position_asks_for_nothing",
    "tests/engine/trade/test_chunks.py::test_whatever_happens_no_more_is_bought_than_was_approved_nor_beside_a_stop",
    "tests/engine/trade/test_other_side.py",
    "tests/engine/trade/test_second_look.py::test_no_stop_is_ever_sent_at_or_above_the_bid",
    "tests/engine/trade/test_trail.py::test_on_any_path_the_stop_only_rises_in_time_and_in_measure",
    "tests/feeds/test_too_much.py::test_31_megabytes_of_valid_rows_are_refused_before_they_take_memory",
    "tests/feeds/test_uw_parsers.py::test_no_row_whatever_is_in_it_breaks_a_parser",
    "tests/store/read/test_closed_days.py",
    "tests/store/test_adding.py",
    "tests/store/test_elsewhere_migration.py",
    "tests/store/test_heads.py::test_from_any_verified_head_on_the_same_wrong_step_is_found",
    "tests/store/test_invariants.py::test_trades_that_were_closed_before_the_chain_held_their_numbers_are_counted",
    "tests/store/test_limits_on_disk.py",
    "tests/store/test_loading.py",
    "tests/store/test_migration_on_a_copy.py",
    "tests/store/test_migration_that_is_ended.py",
    "tests/store/test_queries_and_views.py::test_the_view_rounds_realized_pnl_as_the_domain_does",
    "tests/store/test_refusal_migration.py",
    "tests/store/test_settlement_migration.py",
)
"""Files and tests of the rooms in `make test-fast` that cost most; the marker `slow` is put on them."""


def is_of_seconds(nodeid: str) -> bool:
    """Say whether a test, or its whole file, is one of those."""
    path, _, rest = nodeid.partition("::")
    return path in SECONDS or f"{path}::{rest.partition('[')[0]}" in SECONDS


def handed_out(tests: Sequence[tuple[str, T]]) -> list[T]:
    """Return what belongs to each test, by file, from (path of the file, what belongs to it); within a file nothing
    moves."""
    tests_of = Counter(path for path, _ in tests)
    ordered = sorted(tests, key=lambda each: (_place(each[0]), -tests_of[each[0]], each[0]))
    return [what for _, what in ordered]


def _place(path: str) -> int:
    return next((at for at, first in enumerate(LONGEST_FIRST) if path.startswith(first)), len(LONGEST_FIRST))
