"""An order at the broker, written before it is sent. Prices are per share."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, String

from bot.domain.order import Order, OrderSide, OrderState, OrderType, Purpose, RefusalKind, Terms
from bot.store.fields import Field, flag, key, label, large, money, of_column, ref, several, utc, whole, word, words
from bot.store.stored import Stored
from bot.store.values import Row, maybe_dollars


def _terms(name: str, prefix: str, quantity: Field, *, maybe: bool = False) -> Field:
    """What an order asks for, in three columns; without a quantity there are no terms."""
    limit, stop = money(f"{prefix}limit_price", maybe=True), money(f"{prefix}stop_price", maybe=True)

    def read(row: Row) -> Terms | None:
        contracts = row[f"{prefix}quantity"]
        if contracts is None:
            return None
        return Terms(contracts, maybe_dollars(row[f"{prefix}limit_price"]), maybe_dollars(row[f"{prefix}stop_price"]))

    return several(name, {"quantity": quantity, "limit_price": limit, "stop_price": stop}, read, maybe=maybe)


ORDERS: Final = Stored(
    Order,
    "broker_order",
    key(),
    of_column(
        Column("order_ref", String(128), nullable=False, unique=True, comment="<bot id>-<ulid>; travels with the order")
    ),
    ref("signal_id", "signal.id", maybe=True),
    ref("position_id", "position.id", maybe=True),
    label("contract_key"),
    word("purpose", Purpose),
    word("side", OrderSide),
    word("order_type", OrderType),
    _terms("terms", "", whole("quantity", "in force at the broker")),
    whole("filled_quantity", "by executions"),
    whole("reported_filled", "by the broker's statuses"),
    money("filled_value", "sum of price x contracts"),
    _terms("wanted", "wanted_", whole("wanted_quantity", "amendment sent and not yet echoed", maybe=True), maybe=True),
    utc("wanted_since", maybe=True),
    word("state", OrderState),
    utc("state_since"),
    label("tag", "why it exists: entry, stop, rung:1, flat_time, close:<command>"),
    whole("amendments"),
    whole("attempts"),
    whole("change_refusals", "changes in a row that did not come into force", default="0"),
    whole("cancel_misses", "cancels that the broker refused", default="0"),
    whole("order_id", "TWS order id: alone it identifies nothing", maybe=True),
    large("perm_id", "IBKR permanent id", maybe=True),
    whole("client_id", maybe=True),
    money("mid_at_decision", "mid of bid and ask when the order was decided", maybe=True),
    utc(
        "good_after",
        "it rests at the broker until then, and cannot fill before; null: it fills as it arrives",
        maybe=True,
    ),
    whole("reject_code", maybe=True),
    words("reject_reason"),
    word("refusal", RefusalKind, maybe=True),
    flag("not_taken", "cancelled, and by nobody here: the broker ended it, or it never arrived"),
    utc("created_at"),
    utc("submitted_at", maybe=True),
    utc("acknowledged_at", maybe=True),
    utc("done_at", maybe=True),
    more=tuple(Index(None, name) for name in ("state", "signal_id", "position_id", "created_at", "order_id")),
    in_memory=("corrected_away", "superseded"),
    comment="an order at the broker, written before it is sent",
)
BROKER_ORDER: Final = ORDERS.table
