"""What the client library and its protocol get wrong, T1 to T34: where each is tested, or why it cannot touch us.

The library is used for its framing, its request writer and its field decoding alone; its order book, its wrapper and
its waiting are not.
"""

from __future__ import annotations

import pytest

from tests.named import assert_there_is

TESTED = {
    "T1 calls that block the running loop": [
        "broker/test_connection.py::test_it_is_accepted_once_account_order_id_and_time_have_come",
    ],
    "T4 a drop raises in whoever waits": [
        "broker/test_snapshot.py::test_a_connection_lost_while_asking_is_an_incomplete_book",
    ],
    "T5 state after a drop is emptied or frozen": [
        "broker/test_library.py::test_positions_that_time_out_close_no_position_of_ours",
        "broker/test_connection.py::test_a_drop_is_told_and_everything_is_asked_again",
    ],
    "T6 no event for a fill of an outage": [
        "broker/test_library.py::test_a_fill_while_disconnected_is_booked_on_the_way_back",
        "broker/test_library.py::test_a_stop_that_fills_while_disconnected_closes_the_position_and_is_not_sent_again",
        "broker/test_library.py::test_executions_that_are_told_again_count_once",
    ],
    "T7 connected with an empty book": [
        "broker/test_library.py::test_a_connection_whose_book_was_not_read_is_not_synced_and_trades_nothing",
        "app/test_mute_venue.py::*",
    ],
    "T8 connected is the socket's word only": [
        "broker/test_link.py::test_a_gateway_that_keeps_the_socket_and_answers_nothing_is_left_and_taken_up_when_it_answers",
        "broker/test_link.py::test_a_connection_is_probed_with_a_round_trip_as_long_as_it_lasts",
        "broker/test_link.py::test_the_usual_probe_is_every_thirty_seconds",
    ],
    "T9 requests without a time limit": [
        "broker/test_library.py::test_a_lost_request_for_a_contract_ends_in_time_and_is_asked_again",
        "broker/test_library.py::test_a_margin_preview_that_is_never_answered_refuses_its_signal",
        "broker/test_snapshot.py::test_a_part_without_its_end_marker_makes_the_book_incomplete",
        "broker/test_connection.py::test_a_stop_that_comes_together_with_an_answer_is_a_stop",
    ],
    "T10 one question of a name at a time": [
        "broker/test_snapshot.py::test_two_that_ask_at_once_are_served_in_turn",
        "broker/test_snapshot.py::test_a_late_end_marker_does_not_end_the_next_question",
    ],
    "T11 previews: refused, without figures, with sentinels": [
        "broker/test_orders.py::test_a_refused_what_if_says_why_and_a_silent_one_too",
        "broker/test_orders.py::test_a_what_if_without_figures_is_an_answer_without_figures",
    ],
    "T12 a failed request is an empty list": [
        "broker/test_snapshot.py::test_without_a_connection_the_book_is_incomplete_and_never_empty",
        "broker/test_bad_input.py::test_a_holding_that_cannot_be_read_is_not_an_empty_one",
    ],
    "T13 Inactive is neither active nor done": ["broker/test_library.py::test_inactive_is_an_end"],
    "T14 cancelled before TWS says so, filled after": [
        "broker/test_library.py::test_a_fill_after_cancelled_is_booked_and_protected",
        "broker/test_library.py::test_an_error_that_the_library_does_not_list_cancels_no_order",
        "broker/test_library.py::test_a_refused_modification_leaves_the_order_that_it_was_for",
        "broker/test_library.py::test_a_price_off_the_grid_is_a_rejection_and_not_pending_for_ever",
    ],
    "T15 identity is reference and permId": [
        "broker/test_orders.py::test_a_reused_id_is_told_apart_by_its_perm_id",
        "broker/test_library.py::test_a_status_of_somebody_elses_order_with_our_number_moves_nothing",
    ],
    "T16 cancelling another client's order": [
        "broker/test_orders.py::test_an_id_that_belongs_to_another_order_is_neither_cancelled_nor_overwritten",
        "engine/book/test_foreign.py::test_a_foreign_order_on_a_contract_of_ours_is_told_once_and_left_alone",
    ],
    "T17 the id counter": [
        "broker/test_library.py::test_ids_of_other_clients_and_of_hand_made_orders_do_not_move_ours",
        "broker/test_orders.py::test_order_ids_stay_above_those_of_store_and_broker",
    ],
    "T18 fields that the server fills in": [
        "broker/test_library.py::test_what_tws_writes_into_an_order_never_goes_back_to_it",
        "broker/test_orders.py::test_an_order_goes_out_whole_and_leaves_nothing_to_presets",
    ],
    "T19 a commission before its execution": [
        "broker/test_library.py::test_a_commission_that_comes_before_its_execution_is_charged",
        "broker/test_library.py::test_a_commission_that_is_unset_is_no_sum_and_the_real_one_is_charged_later",
    ],
    "T20 corrections are added": [
        "broker/test_library.py::test_a_correction_replaces_and_is_not_added",
        "engine/test_order_protocol.py::test_a_correction_replaces_what_it_corrects",
    ],
    "T21 unset numbers": [
        "broker/test_words.py::test_what_tws_sends_for_no_price_is_none",
        "broker/test_market.py::test_model_greeks_are_told_and_what_is_not_computed_is_none",
        "broker/test_bad_input.py::test_a_number_that_is_none_is_told_with_its_raw_fields_and_moves_nothing",
    ],
    "T22 no bid is -1, and a last is no quote": [
        "broker/test_words.py::test_nobody_offers_for_nothing_but_a_bid_can_be_zero",
        "broker/test_bad_input.py::test_a_price_that_is_none_takes_the_quote_away_and_is_told",
    ],
    "T23 positions name no exchange to trade on": ["broker/test_contracts.py::*"],
    "T24 an option's cost has its multiplier in it": ["broker/test_snapshot.py::test_the_whole_book_comes_out"],
    "T25 ticks are gathered by packet": [
        "broker/test_market.py::*",
    ],
    "T26 depth beyond the list": [
        "broker/test_market.py::test_a_broken_book_is_subscribed_anew",
        "broker/test_market.py::test_a_book_that_breaks_again_and_again_is_given_up",
    ],
    "T28 the real price grid": [
        "broker/test_contracts.py::test_the_market_rule_is_the_one_of_the_exchange_that_we_route_to",
        "broker/test_words.py::test_binary_dust_is_no_part_of_a_price",
    ],
    "T29 times without a zone, orders without a time in force": [
        "broker/test_orders.py::test_execution_times_are_utc_however_they_are_written",
        "broker/test_orders.py::test_an_order_goes_out_whole_and_leaves_nothing_to_presets",
    ],
    "T30 orders that are held until the open": ["broker/test_codes.py::test_codes_that_inform_change_nothing"],
    "T31 a cancel waits behind a hundred orders": [
        "engine/sending/test_pacing.py::test_what_protects_takes_the_room_of_the_entries",
    ],
    "T32 sizes are floats": ["broker/test_snapshot.py::test_a_part_of_an_option_is_a_fault_of_the_book"],
    "T33 hanging up half open": ["broker/test_connection.py::test_stopping_hangs_up_and_tells_nothing_more"],
}
CANNOT_TOUCH = {
    "T2": "the library's events are not used: its decoder calls our listener, in the loop that reads the socket",
    "T3": "one client library is installed; its successor would take its place, not stand beside it",
    "T27": "the option parameters of an underlying are not asked for: contracts come from the vendor and are qualified",
    "T34": "the successor is not in use; its differences wait for whoever changes the library",
}


def test_every_pitfall_has_tests_or_a_reason() -> None:
    named = {name.split()[0] for name in TESTED}
    assert len(named) == len(TESTED)
    assert named | CANNOT_TOUCH.keys() == {f"T{number}" for number in range(1, 35)}
    assert not named & CANNOT_TOUCH.keys()


@pytest.mark.parametrize("pitfall", TESTED)
def test_a_pitfall_has_the_tests_that_it_names(pitfall: str) -> None:
    assert TESTED[pitfall]
    for name in TESTED[pitfall]:
        assert_there_is(name)
