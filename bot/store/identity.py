"""As whom a store's orders were sent: bot id and client id, written at the first start and compared at every other.

Only the client that placed an order can change or cancel it, and only its reference says that it is ours. A start under
another id would look at its own stops as a stranger's. So it is refused while the store has anything that lives; with
a flat book there is nothing to lose, and the new identity is written.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from bot.domain.errors import ConfigError
from bot.domain.order import ORDER
from bot.domain.position import OPEN
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT
from bot.store.tables.bot_identity import BOT_IDENTITY
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.position import POSITION
from bot.store.values import time_text

_ONE = "bot"


def claim(connection: Connection, bot_id: str, client_id: int, now: datetime) -> None:
    """Take the store for this bot and client id; raises ConfigError while what lives in it is another one's."""
    row = connection.execute(select(BOT_IDENTITY)).mappings().first()
    if row is None:
        _refuse_orders_of_others(connection, client_id)
        values = {"id": _ONE, "bot_id": bot_id, "client_id": client_id, "since": time_text(now)}
        connection.execute(insert(BOT_IDENTITY).values(**values))
        return
    different = [
        (key, known, given)
        for key, known, given in (
            ("bot_id", row["bot_id"], bot_id),
            ("ibkr.client_id", row["client_id"], client_id),
        )
        if known != given
    ]
    if not different:
        return
    for key, known, given in different:
        _refuse_while_alive(connection, key, known, given)
    values = {"bot_id": bot_id, "client_id": client_id, "since": time_text(now)}
    connection.execute(update(BOT_IDENTITY).values(**values))


def _refuse_orders_of_others(connection: Connection, client_id: int) -> None:
    """A store of before the identity was kept still has the client id on its orders."""
    order = BROKER_ORDER.c
    alive = order.state.not_in([s.value for s in ORDER.terminal])
    others = select(order.client_id).where(alive, order.client_id.is_not(None), order.client_id != client_id)
    found = connection.execute(others.limit(1)).scalar()
    if found is not None:
        _refuse_while_alive(connection, "ibkr.client_id", found, client_id)


def held_in(connection: Connection, account: str) -> str:
    """Return the account that what lives in the store is held in, as the last snapshot of one says; empty while nothing
    does. Compared with another account's book all of it would look as if it were gone, so ConfigError is raised when
    `account`, where one is configured, is another one."""
    orders, positions = _alive(connection)
    if not orders and not positions:
        return ""
    snapshot = ACCOUNT_SNAPSHOT.c
    known = connection.execute(select(snapshot.account).order_by(snapshot.at.desc()).limit(1)).scalar() or ""
    if known and account and known != account:
        raise ConfigError(
            f"ibkr.account {account}: {orders} orders and {positions} positions of this store are open in {known}. Set "
            f"ibkr.account to {known}, or name another store (database.url); with nothing open it may be changed"
        )
    return known


def _alive(connection: Connection) -> tuple[int, int]:
    """Return how many orders and positions are not over."""
    alive = BROKER_ORDER.c.state.not_in([s.value for s in ORDER.terminal])
    orders = connection.execute(select(func.count()).select_from(BROKER_ORDER).where(alive)).scalar() or 0
    held = POSITION.c.state.in_([s.value for s in OPEN])
    positions = connection.execute(select(func.count()).select_from(POSITION).where(held)).scalar() or 0
    return orders, positions


def _refuse_while_alive(connection: Connection, key: str, known: object, given: object) -> None:
    orders, positions = _alive(connection)
    if orders or positions:
        raise ConfigError(
            f"{key} {given}: the orders of this store were sent as {known}, and only that one may change and cancel "
            f"them; {orders} of its orders and {positions} positions are open. Set {key} to {known}, or name another "
            "store (database.url); with nothing open it may be changed"
        )
