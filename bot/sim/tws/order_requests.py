"""Decoding of placeOrder, the one request whose layout is long and depends on its own content."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bot.sim.tws.requests import ContractQuery, PlaceOrder
from bot.sim.tws.wire import Fields, ProtocolError

_RIGHTS: Final = {"CALL": "C", "PUT": "P", "0": "", "?": "", "NONE": ""}


def read_contract(source: Fields) -> ContractQuery:
    """Read Contract12: conId, symbol, secType, expiry, strike, right, multiplier, exchange, primary, currency, ..."""
    return ContractQuery(
        con_id=source.integer(),
        symbol=source.text(),
        sec_type=source.text(),
        expiry=source.text(),
        strike=source.number() or None,
        right=_RIGHTS.get(right := source.text().upper(), right),
        multiplier=source.text(),
        exchange=source.text(),
        primary_exchange=source.text(),
        currency=source.text(),
        local_symbol=source.text(),
        trading_class=source.text(),
    )


def skip_legs(source: Fields, contract: ContractQuery) -> None:
    """Pass over the legs that a combination carries in data requests."""
    if contract.sec_type == "BAG":
        source.skip(4 * source.integer())


def skip_delta_neutral(source: Fields) -> None:
    """Pass over a delta-neutral contract, present when its flag is set."""
    if source.boolean():
        source.skip(3)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_OPENING: Final = _names(
    "sec_id_type sec_id action quantity order_type limit_price aux_price tif oca_group account open_close origin "
    "order_ref transmit parent_id block_order sweep_to_fill display_size trigger_method outside_rth hidden"
)
_MIDDLE: Final = _names(
    "discretionary_amount good_after good_till fa_group fa_method fa_percentage fa_profile model short_sale_slot "
    "designated_location exempt_code oca_type rule_80a settling_firm all_or_none min_quantity percent_offset "
    "e_trade_only firm_quote_only nbbo_price_cap auction_strategy starting_price stock_ref_price delta "
    "stock_range_lower stock_range_upper override_percentage volatility volatility_type delta_neutral_order_type "
    "delta_neutral_aux_price"
)
_TRAIL: Final = _names(
    "continuous_update reference_price_type trail_stop_price trailing_percent scale_init_level_size "
    "scale_subs_level_size scale_price_increment"
)
_SCALE: Final = _names("scale_table active_start active_stop hedge_type")
_CLEARING: Final = _names("opt_out_smart_routing clearing_account clearing_intent not_held")
_FLAGS: Final = _names("algo_id what_if misc_options solicited randomize_size randomize_price")
_ADJUSTED: Final = _names(
    "adjusted_order_type trigger_price limit_price_offset adjusted_stop_price adjusted_stop_limit_price "
    "adjusted_trailing_amount adjustable_trailing_unit ext_operator soft_dollar_name soft_dollar_value cash_quantity "
    "mifid2_decision_maker mifid2_decision_algo mifid2_execution_trader mifid2_execution_algo "
    "dont_use_auto_price_for_hedge is_oms_container discretionary_up_to_limit use_price_mgmt_algo"
)
# Each server version that appended one field.
_APPENDED: Final = (
    (158, "duration"),
    (160, "post_to_ats"),
    (162, "auto_cancel_parent"),
    (166, "advanced_error_override"),
    (169, "manual_order_time"),
)
_FA_PROFILE_UNTIL: Final = 177
# Fields of each order condition after its type.
_CONDITION_FIELDS: Final = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}


def read_place_order(source: Fields, version: int) -> PlaceOrder:
    """Return the order in a placeOrder's fields. Raises ProtocolError on a layout that no version has."""
    order_id, contract = source.integer(), read_contract(source)
    raw = _take(source, _OPENING)
    if contract.sec_type == "BAG":
        _skip_combination(source)
    source.skip(1)
    raw |= _take(source, _middle(version))
    if raw["delta_neutral_order_type"]:
        source.skip(8)
    raw |= _take(source, _TRAIL)
    if (_number(raw["scale_price_increment"]) or 0) > 0:
        source.skip(7)
    raw |= _take(source, _SCALE)
    if raw["hedge_type"]:
        source.skip(1)
    raw |= _take(source, _CLEARING)
    skip_delta_neutral(source)
    algo = source.text()
    params = {source.text(): source.text() for _ in range(source.integer())} if algo else {}
    raw |= _take(source, _FLAGS)
    if raw["order_type"] == "PEG BENCH":
        source.skip(5)
    conditions = _skip_conditions(source)
    raw |= _take(source, _ADJUSTED)
    raw |= _take(source, tuple(name for since, name in _APPENDED if version >= since))
    return _order(order_id, contract, raw, (algo, params), conditions)


def _order(
    order_id: int, contract: ContractQuery, raw: dict[str, str], algo: tuple[str, dict[str, str]], conditions: int
) -> PlaceOrder:
    return PlaceOrder(
        order_id=order_id,
        contract=contract,
        action=raw["action"].upper(),
        quantity=_number(raw["quantity"]) or Decimal(0),
        order_type=raw["order_type"].upper(),
        limit_price=_number(raw["limit_price"]),
        aux_price=_number(raw["aux_price"]),
        tif=raw["tif"].upper(),
        oca_group=raw["oca_group"],
        account=raw["account"],
        order_ref=raw["order_ref"],
        transmit=_flag(raw["transmit"]),
        parent_id=int(_number(raw["parent_id"]) or 0),
        outside_rth=_flag(raw["outside_rth"]),
        good_till=raw["good_till"],
        oca_type=int(_number(raw["oca_type"]) or 0),
        trail_stop_price=_number(raw["trail_stop_price"]),
        trailing_percent=_number(raw["trailing_percent"]),
        what_if=_flag(raw["what_if"]),
        algo=algo[0],
        algo_params=algo[1],
        conditions=conditions,
        attributes=raw,
    )


def _middle(version: int) -> tuple[str, ...]:
    return tuple(name for name in _MIDDLE if name != "fa_profile" or version < _FA_PROFILE_UNTIL)


def _take(source: Fields, names: tuple[str, ...]) -> dict[str, str]:
    return {name: source.text() for name in names}


def _number(text: str) -> Decimal | None:
    return Fields([text]).number()


def _flag(text: str) -> bool:
    return Fields([text]).boolean()


def _skip_combination(source: Fields) -> None:
    for fields_each in (8, 1, 2):  # legs, prices of legs, routing parameters
        source.skip(fields_each * source.integer())


def _skip_conditions(source: Fields) -> int:
    count = source.integer()
    for _ in range(count):
        kind = source.integer()
        if kind not in _CONDITION_FIELDS:
            raise ProtocolError(f"unknown order condition {kind}")
        source.skip(_CONDITION_FIELDS[kind])
    if count:
        source.skip(2)
    return count
