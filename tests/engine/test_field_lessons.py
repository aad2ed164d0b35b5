"""The catalogue of what goes wrong in the field, P1 to P62: the tests of each lesson, or why it cannot touch us.

A number that is in neither table fails, and so does a test that is named and gone. What the broker's client library
gets wrong has its own table in tests/broker/test_pitfalls.py.
"""

from __future__ import annotations

import pytest

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import RequestKind
from tests.engine.desk import SPY_580P, Desk
from tests.named import assert_there_is

LESSONS = {
    "P1": ["engine/day/test_budgets.py::test_no_code_on_a_live_order_ends_it_by_itself",
           "engine/test_order_protocol.py::test_an_error_on_a_live_order_is_doubt_not_an_end",
            "broker/test_codes.py::test_no_code_ends_an_order_that_works"],
    "P2": ["engine/book/test_foreign.py::test_one_reference_with_two_perm_ids_is_told_and_both_are_cancelled",
           "engine/trade/test_entries.py::test_no_cancel_and_no_move_is_sent_while_orders_are_degraded"],
    "P3": ["broker/test_orders.py::test_order_ids_stay_above_those_of_store_and_broker"],
    "P4": ["broker/test_orders.py::test_a_reused_id_is_told_apart_by_its_perm_id"],
    "P5": ["engine/test_order_protocol.py::test_an_order_that_nobody_answers_becomes_unknown_and_is_asked_for",
           "engine/book/test_reconciler.py::test_a_stop_that_never_arrived_goes_out_again_under_its_reference"],
    "P6": ["engine/test_session.py::test_when_a_commit_fails_nothing_is_sent_and_the_session_halts",
           "engine/test_session.py::test_a_fill_in_the_tick_that_failed_is_not_lost"],
    "P7": ["store/test_revision.py::test_a_newer_store_is_refused_in_words_and_left_alone",
           "store/test_revision.py::test_down_takes_everything_away_and_up_brings_it_back_the_same"],
    "P8": ["engine/book/test_reconciler.py::test_an_entry_that_never_arrived_is_cancelled_as_stale_after_two_books",
           "engine/book/test_reconciler.py::test_an_incomplete_book_concludes_nothing"],
    "P9": ["engine/test_crash.py::test_a_crash_after_any_tick_leaves_one_entry_and_a_flat_book"],
    "P10": ["engine/book/test_reconciler.py::test_a_second_comparison_changes_nothing"],
    "P11": ["engine/book/test_reconciler.py::test_fills_during_a_lost_connection_are_found_on_the_way_back"],
    "P12": ["engine/test_field_lessons.py::test_p12_no_entry_while_the_brokers_quantity_is_another_than_ours"],
    "P13": ["engine/trade/test_refusals.py::test_a_watched_stop_is_still_watched_after_a_restart",
            "engine/test_laws.py::test_whatever_happened_a_position_ends_up_protected_for_exactly_what_is_left"],
    "P14": ["engine/trade/test_entries.py::test_a_fill_while_the_cancel_is_under_way_is_kept_and_protected",
            "engine/trade/test_entries.py::test_a_fill_heard_of_after_the_cancel_makes_a_protected_position"],
    "P15": ["engine/day/test_budgets.py::test_an_order_in_doubt_is_told_of_and_the_book_is_asked_all_the_while"],
    "P16": ["engine/test_order_protocol.py::test_an_order_that_nobody_answers_becomes_unknown_and_is_asked_for"],
    "P17": ["engine/trade/test_entries.py::test_a_refused_entry_ends_its_signal_with_the_brokers_reason",
            "broker/test_orders.py::test_a_rejection_keeps_the_brokers_reason"],
    "P18": ["engine/book/test_foreign.py::test_cancels_that_miss_are_tried_ever_more_rarely_and_told",
            "engine/test_order_protocol.py::test_a_cancel_that_is_refused_is_looked_into",
            "broker/test_codes.py::test_a_cancel_that_misses_is_looked_into_and_tried_again"],
    "P19": ["broker/test_orders.py::test_an_order_goes_out_whole_and_leaves_nothing_to_presets"],
    "P20": ["engine/test_whole_life.py::test_the_trail_moves_no_more_often_than_its_interval"],
    "P21": ["engine/trade/test_exits.py::test_a_close_takes_the_stop_back_before_it_sells",
            "engine/book/test_reconciler.py::test_a_stop_that_vanished_while_its_position_is_being_closed_is_not_sent_again"],
    "P22": ["engine/trade/test_exits.py::test_a_lost_stop_that_sold_some_is_replaced_only_for_what_is_really_left"],
    "P23": ["engine/book/test_foreign.py::test_a_second_entry_on_a_contract_that_is_held_is_refused_with_the_reason",
            "engine/book/test_foreign.py::test_a_buy_of_another_signal_gives_way_to_the_stop_of_a_late_fill"],
    "P24": ["engine/trade/test_refusals.py::test_a_stop_off_the_grid_goes_out_again_on_one_that_every_class_takes",
            "broker/test_market.py::test_a_contract_is_qualified_with_the_grid_of_its_market_rule"],
    "P25": ["engine/test_order_protocol.py::test_a_correction_replaces_what_it_corrects",
            "engine/state/test_parking.py::test_a_correction_that_leaves_nothing_closes_the_position_and_takes_its_stop_back",
            "engine/test_whole_life.py::test_a_commission_before_its_execution_is_charged_once"],
    "P27": ["broker/test_snapshot.py::test_a_part_without_its_end_marker_makes_the_book_incomplete",
            "engine/book/test_reconciler.py::test_one_book_that_lacks_a_position_proves_nothing",
            "broker/test_bad_input.py::test_a_holding_that_cannot_be_read_is_not_an_empty_one"],
    "P28": ["engine/book/test_foreign.py::test_a_foreign_execution_on_a_contract_of_ours_halts_its_symbol",
            "engine/book/test_foreign.py::test_a_symbol_that_was_halted_is_halted_after_a_restart"],
    "P29": ["engine/book/test_foreign.py::test_a_foreign_order_on_a_contract_of_ours_is_told_once_and_left_alone",
            "broker/test_snapshot.py::test_other_clients_orders_are_in_the_book_and_not_told_apart_from_it"],
    "P30": ["broker/test_connection.py::test_fills_are_heard_while_orders_are_said_to_be_lost",
            "broker/test_snapshot.py::test_a_fill_of_the_outage_comes_with_the_book",
            "broker/test_link.py::test_when_the_broker_is_back_the_whole_book_is_read_before_anything_else"],
    "P31": ["engine/day/test_restart_windows.py::test_a_restart_inside_its_window_is_taken_up_when_the_window_is_over",
            "broker/test_link.py::test_a_socket_that_is_cut_is_taken_up_by_one_owner_and_the_book_is_read",
            "broker/test_link.py::test_a_port_that_refuses_is_tried_ever_more_slowly_by_one_owner"],
    "P32": ["engine/day/test_restart_windows.py::test_in_a_window_an_exit_waits_with_the_reason_and_goes_out_after_it",
            "engine/day/test_restart_windows.py::test_entries_stop_before_a_window_and_say_why"],
    "P33": ["engine/day/test_not_trading.py::"
            "test_p33_a_connection_that_stays_away_in_the_session_is_told_with_its_reason",
            "engine/day/test_not_trading.py::test_p33_a_halt_that_nobody_ends_names_who_and_why_and_a_pause_is_a_warning",
            "engine/day/test_not_trading.py::"
            "test_p33_the_weekly_login_is_announced_and_a_missed_one_is_told_long_before_monday",
            "app/test_watchdogs.py::*"],
    "P34": ["broker/test_connection.py::test_kept_subscriptions_that_stay_silent_are_asked_for_again",
            "broker/test_link.py::test_data_lost_means_that_every_line_is_asked_for_anew_and_proved_by_its_age"],
    "P36": ["broker/test_connection.py::test_a_client_id_in_use_is_said_at_once_and_the_same_id_is_tried_again"],
    "P37": ["store/test_sql_store.py::test_p37_a_store_belongs_to_the_client_id_that_sent_its_orders",
            "store/test_sql_store.py::test_p37_a_store_of_before_the_identity_is_told_by_its_orders"],
    "P38": ["broker/test_snapshot.py::test_a_part_without_its_end_marker_makes_the_book_incomplete",
            "engine/day/test_budgets.py::test_a_missing_part_is_told_once_not_with_every_book",
            "broker/test_library.py::test_a_connection_whose_book_was_not_read_is_not_synced_and_trades_nothing"],
    "P39": ["engine/book/test_totals.py::"
            "test_p39_a_gateway_that_forgot_yesterday_takes_nothing_from_a_position_held_overnight",
            "engine/book/test_totals.py::test_p39_totals_that_agree_are_on_record_once_the_same_evening",
            "engine/book/test_totals.py::test_p39_an_execution_that_the_broker_does_not_have_is_told_by_contract_and_side"],
    "P40": ["broker/test_connection.py::test_a_gateway_that_takes_the_connection_and_says_nothing_is_given_up",
            "broker/test_link.py::test_a_gateway_that_keeps_the_socket_and_answers_nothing_is_left_and_taken_up_when_it_answers"],
    "P41": ["engine/test_field_lessons.py::test_p41_a_competing_session_keeps_entries_out_and_lets_exits_go",
            "broker/test_connection.py::test_a_competing_session_is_named_and_its_end_is_seen_in_the_ticks",
            "broker/test_link.py::test_a_competing_session_keeps_entries_out_until_data_flow_again"],
    "P42": ["broker/test_market.py::test_the_most_important_lines_get_the_budget_and_the_rest_is_alerted_once",
            "broker/test_market.py::test_an_allowance_that_shrank_is_tried_again_a_line_at_a_time",
            "broker/test_chains.py::"
            "test_a_snapshot_that_does_not_end_is_cancelled_and_what_is_refused_is_not_asked_for_again"],
    "P43": ["engine/sending/test_pacing.py::test_what_protects_takes_the_room_of_the_entries",
            "engine/sending/test_pacing.py::test_an_entry_that_waits_too_long_is_given_up_on_record"],
    "P44": ["broker/test_market.py::test_what_the_broker_does_not_know_is_said_and_not_asked_again",
            "engine/settlement/test_expiry.py::test_a_line_of_an_expired_option_is_given_up_and_that_of_its_underlying_kept"],
    "P45": ["broker/test_words.py::test_what_tws_sends_for_no_price_is_none",
            "broker/test_market.py::test_data_that_turn_late_and_live_again_are_never_mixed",
            "engine/trade/test_entries.py::test_an_entry_is_not_moved_on_an_old_quote"],
    "P46": ["engine/settlement/test_expiry.py::test_a_settlement_is_named_and_counted_at_the_intrinsic_value",
            "engine/settlement/test_expiry.py::test_a_ghost_in_the_evening_waits_and_is_settled_by_the_job_of_the_next_morning",
            "engine/settlement/test_expiry.py::test_a_bot_that_was_down_through_the_expiry_settles_it_when_it_starts"],
    "P47": ["broker/test_connection.py::test_stopping_hangs_up_and_tells_nothing_more",
            "app/test_running.py::test_sigterm_ends_the_program_and_its_children_in_good_order"],
    "P48": ["engine/trade/test_exits.py::test_on_a_half_day_it_is_flat_as_long_before_the_early_close"],
    "P49": ["engine/test_session.py::test_pause_and_halt_survive_a_restart"],
    "P50": ["admin/test_desk.py::test_every_command_by_every_role",
            "admin/test_desk.py::test_a_stranger_is_refused_everything_on_record_and_answered_five_times",
            "admin/test_desk.py::test_in_a_group_the_user_counts_and_never_the_chat"],
    "P51": ["admin/test_poller.py::test_one_poller_a_token",
            "engine/outbox/test_sending.py::test_behind_a_target_that_hangs_so_many_wait_and_others_go_on"],
    "P52": ["engine/outbox/test_alerting.py::test_a_burst_is_one_listing_and_what_is_critical_comes_through",
            "engine/outbox/test_sending.py::test_one_target_gets_so_many_a_minute_and_what_is_critical_goes_first"],
    "P53": ["engine/trade/test_exits.py::test_p53_changed_settings_move_no_stop_and_no_rung_of_an_open_position",
            "engine/trade/test_exits.py::test_p53_a_position_that_is_opened_after_the_change_has_the_new_plan",
            "engine/trade/test_exits.py::test_p53_the_hour_of_a_contract_held_overnight_is_that_of_its_entry"],
    "P54": ["engine/trade/test_refusals.py::test_a_stop_that_is_never_taken_is_watched_by_the_tick",
            "engine/trade/test_exits.py::test_a_refused_stop_is_tried_three_times_and_then_watched",
            "engine/day/test_budgets.py::test_a_position_without_its_stop_is_told_within_seconds"],
    "P55": ["engine/day/test_limits.py::test_while_the_kill_switch_is_there_no_entry_leaves_and_every_exit_does",
            "engine/trade/test_calling_off.py::"
            "test_a_kill_switch_that_is_there_at_the_start_fires_nothing_and_stops_every_new_order",
            "engine/trade/test_calling_off.py::test_the_kill_switch_takes_a_working_entry_back_and_lets_entries_pass_once_it_is_gone"],
    "P56": ["engine/test_inbox_and_scan.py::test_a_symbol_cools_down_after_its_signal_even_across_a_restart"],
    "P57": ["sim/test_matching.py::test_a_sell_stop_waits_for_the_bid_and_fills_at_the_touch_or_worse",
            "sim/test_matching.py::test_a_stop_slips_sometimes_and_never_improves_on_the_touch",
            "app/test_replayed_day.py::"
            "test_the_same_scenario_and_seed_give_the_same_transitions_hash_for_hash"],
    "P58": ["web/test_probes.py::test_metrics_parse_and_say_what_the_store_says"],
    "P59": ["engine/test_overseen.py::test_no_verdict_approves_enters_or_enlarges",
            "engine/test_overseen.py::test_a_text_asks_for_nothing"],
    "P60": ["store/test_migration_on_a_copy.py::test_a_migration_that_fails_or_harms_leaves_the_store_as_it_was"],
    "P61": ["app/test_venue_restart.py::"
            "test_p61_orders_fills_and_positions_of_the_simulator_survive_its_restart",
            "sim/test_matching.py::test_a_restarted_venue_goes_on_as_the_old_one_would_have"],
    "P62": ["engine/test_order_protocol.py::test_the_facts_of_a_fill_end_in_one_state_in_any_order"],
}  # fmt: skip

CANNOT_TOUCH = {
    "P26": "one option a trade, bought and sold: there are no combos, and no price is below zero",
    "P35": "nothing here restarts a gateway; one owner of the connection tries again, ever more slowly (P31)",
}
"""Why a lesson cannot touch this program as it is. Whoever builds the missing part takes the number out of here."""


def test_every_lesson_has_tests_or_a_reason() -> None:
    assert {*LESSONS, *CANNOT_TOUCH} == {f"P{number}" for number in range(1, 63)}
    assert not {*LESSONS} & {*CANNOT_TOUCH}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_of_the_field_has_the_tests_that_it_names(lesson: str) -> None:
    assert LESSONS[lesson]
    for name in LESSONS[lesson]:
        assert_there_is(name)


async def test_p12_no_entry_while_the_brokers_quantity_is_another_than_ours() -> None:
    desk = await Desk({"engine": {"absence_grace_s": 20}}).start()
    desk.broker.held[SPY_580P.key] = 3
    await desk.command(RequestKind.RECONCILE)
    await desk.tick()
    desk.contract = SPY_580P
    await desk.propose(4)
    await desk.ticks(3)
    assert desk.signal.state == "rejected"
    row = next(r for r in desk.store.transitions if r.entity_id == desk.signal.id and r.trigger == "reject")
    assert "the broker's quantity is another than ours" in row.reason
    assert desk.broker.submitted == []


async def test_p41_a_competing_session_keeps_entries_out_and_lets_exits_go(desk: Desk) -> None:
    await desk.hold(4)
    desk.put(LinkChanged(LinkChange.COMPETING, "10197", desk.clock.now()))
    await desk.tick()
    assert desk.store.connection.state == "competing"
    desk.strategy.contract = SPY_580P
    desk.quote("1.98", "2.02", contract=SPY_580P)
    await desk.settle()
    assert len(desk.store.signals) == 1
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    assert desk.broker.market.left == 4
