"""Encoding of openOrder, completedOrder and orderStatus.

The venue acts on few of an order's attributes; the others go back to the client as it wrote them, because clients
compare and re-send what they are told. Orders that were placed before this face was started carry TWS's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from bot.sim.tws.contracts import contract_fields
from bot.sim.tws.wire import UNSET_DOUBLE, UNSET_INT, Value, WireMessage, spell_time
from bot.sim.vocabulary import Status, VenueOrder, VenueTicket, WhatIf

_NO_MARGINS: Final[tuple[Value, ...]] = (UNSET_DOUBLE,) * 9
_NO_PEG_OFFSETS: Final[tuple[Value, ...]] = ("", "", "", "", "")
_FA_PROFILE_UNTIL: Final = 177
# TWS spells "no delta-neutral order" as an order type of its own, which brings the block's eight fields with it.
_DELTA_NEUTRAL_OPEN: Final[tuple[Value, ...]] = ("None", "", 0, "", "", "", "?", 0, 0, "")
_DELTA_NEUTRAL_COMPLETED: Final[tuple[Value, ...]] = ("None", "", 0, 0, 0, "")


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order as a message shows it: a ticket with its life so far and the client's own attributes."""

    ticket: VenueTicket
    perm_id: int
    status: Status
    commission: Decimal | None = None
    stop_price: Decimal | None = None
    what_if: WhatIf | None = None
    warning: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def echo(self, name: str, default: Value = "") -> Value:
        """Return an attribute as the client wrote it, `default` where it wrote nothing or "unset"."""
        written = self.attributes.get(name, "")
        return default if written in {"", "1.7976931348623157e+308"} else written


def order_status(
    order: VenueOrder, status: Status, *, filled: int | None = None, average: Decimal | None = None
) -> WireMessage:
    """Return orderStatus (3); `status`, `filled` and `average` may be those of a moment before the order's present."""
    ticket = order.ticket
    done = order.filled if filled is None else filled
    return WireMessage(
        3,
        (
            ticket.order_id,
            status,
            done,
            ticket.quantity - done,
            order.average_price if average is None else average,
            order.perm_id,
            ticket.parent_id,
            order.last_fill_price,
            ticket.client_id,
            "",
            0,
        ),
    )


def open_order(view: OrderView, account: str, zone: ZoneInfo, version: int) -> WireMessage:
    """Return openOrder (5) as server `version` lays it out."""
    fields: tuple[Value, ...] = (
        view.ticket.order_id,
        *_opening(view, account),
        view.ticket.client_id,
        view.perm_id,
        *_hours_and_display(view),
        f"{view.perm_id}.0/{account}/100" if view.perm_id else "",
        *_advisor(view, version),
        *_till_and_firm(view, zone, version),
        view.echo("auction_strategy", 0),
        *_stock_range(view),
        *_sizes_open(view),
        *_volatility(view, _DELTA_NEUTRAL_OPEN),
        _trail_stop(view),
        _trailing_percent(view.ticket),
        *("", "", "", 0, 0, 0),
        *_scale_and_hedge(view),
        view.echo("opt_out_smart_routing", 0),
        *_clearing(view),
        "",
        view.echo("solicited", 0),
        view.ticket.what_if,
        *_state(view),
        *_adjusted_open(view),
        *_appended(view, version),
    )
    return WireMessage(5, fields)


def completed_order(view: OrderView, order: VenueOrder, account: str, zone: ZoneInfo, version: int) -> WireMessage:
    """Return completedOrder (101); it carries neither order id nor client id."""
    fields: tuple[Value, ...] = (
        *_opening(view, account),
        view.perm_id,
        *_hours_and_display(view),
        *_advisor(view, version),
        *_till_and_firm(view, zone, version),
        *_stock_range(view),
        *_sizes_completed(view),
        *_volatility(view, _DELTA_NEUTRAL_COMPLETED),
        _trail_stop(view),
        _trailing_percent(view.ticket),
        *("", 0, 0, 0),
        *_scale_and_hedge(view),
        *_clearing(view),
        "",
        view.echo("solicited", 0),
        view.status,
        *_adjusted_completed(view),
        order.filled,
        *(0, 0, "", 0, 0, 0),
        spell_time(order.completed_at or order.accepted_at, zone, version),
        order.reject_text or view.status,
        *(_NO_PEG_OFFSETS if version >= 170 else ()),
    )
    return WireMessage(101, fields)


def _hours_and_display(view: OrderView) -> tuple[Value, ...]:
    echo = view.echo
    return view.ticket.outside_rth, echo("hidden", 0), echo("discretionary_amount", 0), echo("good_after")


def _sizes_open(view: OrderView) -> tuple[Value, ...]:
    ticket, echo = view.ticket, view.echo
    return (
        echo("display_size", UNSET_INT),
        echo("block_order", 0),
        echo("sweep_to_fill", 0),
        echo("all_or_none", 0),
        echo("min_quantity"),
        ticket.oca_type,
        0,
        0,
        echo("nbbo_price_cap"),
        ticket.parent_id,
        echo("trigger_method", 0),
    )


def _sizes_completed(view: OrderView) -> tuple[Value, ...]:
    echo = view.echo
    return (
        echo("display_size", UNSET_INT),
        echo("sweep_to_fill", 0),
        echo("all_or_none", 0),
        echo("min_quantity"),
        view.ticket.oca_type,
        echo("trigger_method", 0),
    )


def _volatility(view: OrderView, delta_neutral: tuple[Value, ...]) -> tuple[Value, ...]:
    echo = view.echo
    kind = echo("volatility"), echo("volatility_type", 0)
    return *kind, *delta_neutral, echo("continuous_update", 0), echo("reference_price_type", 0)


def _adjusted_open(view: OrderView) -> tuple[Value, ...]:
    """Return what is drawn at random, conditions, and how the order would be adjusted."""
    echo = view.echo
    return (
        echo("randomize_size", 0),
        echo("randomize_price", 0),
        0,
        "None",
        echo("trigger_price", UNSET_DOUBLE),
        _trail_stop(view),
        echo("limit_price_offset", UNSET_DOUBLE),
        *(UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, 0, "", "", ""),
        echo("cash_quantity", 0),
        *(1, 0, 0, 0),
    )


def _adjusted_completed(view: OrderView) -> tuple[Value, ...]:
    """Return the same of an order that is over, which says less."""
    echo = view.echo
    return (
        echo("randomize_size", 0),
        echo("randomize_price", 0),
        0,
        _trail_stop(view),
        echo("limit_price_offset", UNSET_DOUBLE),
        echo("cash_quantity", 0),
        *(1, 0, ""),
    )


def _opening(view: OrderView, account: str) -> tuple[Value, ...]:
    ticket = view.ticket
    instrument = ticket.instrument
    return (
        *contract_fields(instrument, exchange=instrument.exchange or instrument.primary_exchange),
        ticket.side,
        ticket.quantity,
        ticket.order_type,
        ticket.limit_price or 0,
        _aux_price(view),
        ticket.tif,
        ticket.oca_group,
        ticket.account or account,
        view.echo("open_close"),
        view.echo("origin", 0),
        ticket.order_ref,
    )


def _aux_price(view: OrderView) -> Value:
    return view.ticket.aux_price or 0


def _trail_stop(view: OrderView) -> Value:
    if view.ticket.order_type.startswith("TRAIL"):
        return view.stop_price or view.ticket.trail_stop_price or UNSET_DOUBLE
    # TWS shows a trail of one dollar on orders that do not trail.
    anchor = view.ticket.limit_price
    return UNSET_DOUBLE if anchor is None else anchor + (1 if view.ticket.side == "SELL" else -1)


def _trailing_percent(ticket: VenueTicket) -> Value:
    return UNSET_DOUBLE if ticket.trailing_percent is None else ticket.trailing_percent


def _advisor(view: OrderView, version: int) -> tuple[Value, ...]:
    group, method, percentage = view.echo("fa_group"), view.echo("fa_method"), view.echo("fa_percentage")
    profile = (view.echo("fa_profile"),) if version < _FA_PROFILE_UNTIL else ()
    return (group, method, percentage, *profile, view.echo("model"))


def _till_and_firm(view: OrderView, zone: ZoneInfo, version: int) -> tuple[Value, ...]:
    till = view.ticket.good_till
    return (
        spell_time(till, zone, version) if till else "",
        view.echo("rule_80a"),
        view.echo("percent_offset"),
        view.echo("settling_firm"),
        view.echo("short_sale_slot", 0),
        view.echo("designated_location"),
        view.echo("exempt_code", -1),
    )


def _stock_range(view: OrderView) -> tuple[Value, ...]:
    names = ("starting_price", "stock_ref_price", "delta", "stock_range_lower", "stock_range_upper")
    return tuple(view.echo(name) for name in names)


def _scale_and_hedge(view: OrderView) -> tuple[Value, ...]:
    del view
    return (UNSET_INT, UNSET_INT, "", "")


def _clearing(view: OrderView) -> tuple[Value, ...]:
    intent = view.echo("clearing_intent", "IB")
    return (view.echo("clearing_account"), intent, view.echo("not_held", 0), 0)


def _state(view: OrderView) -> tuple[Value, ...]:
    commission: Value = UNSET_DOUBLE if view.commission is None else view.commission
    if view.what_if is not None:
        commission = view.what_if.commission
    margins = _NO_MARGINS if view.what_if is None else _margins(view.what_if)
    currency = view.ticket.instrument.currency if commission != UNSET_DOUBLE else ""
    return (view.status, *margins, commission, UNSET_DOUBLE, UNSET_DOUBLE, currency, view.warning)


def _margins(effect: WhatIf) -> tuple[Value, ...]:
    before = (effect.init_margin_before, effect.maint_margin_before, effect.equity_before)
    change = (effect.init_margin_change, effect.maint_margin_change, effect.equity_change)
    after = tuple(held + moved for held, moved in zip(before, change, strict=True))
    return (*before, *change, *after)


def _appended(view: OrderView, version: int) -> tuple[Value, ...]:
    fields: tuple[Value, ...] = ()
    if version >= 159:
        fields += (view.echo("duration", UNSET_INT),)
    if version >= 160:
        fields += (view.echo("post_to_ats", UNSET_INT),)
    if version >= 162:
        fields += (view.echo("auto_cancel_parent", 0),)
    return fields + (_NO_PEG_OFFSETS if version >= 170 else ())
