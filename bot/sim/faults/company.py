"""Other people's things as the in-process broker tells them: what the adapter makes of the same words from a socket."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.domain.events.account import BrokerPosition, BrokerSnapshot, ForeignSeen
from bot.domain.instruments import Instrument, option_of_key
from bot.sim.faults.catalogue import StrangersCome
from bot.sim.strangers import (
    StrangeContract,
    StrangeFill,
    StrangeHolding,
    StrangeOrder,
    Strangers,
    some_strangers,
    twins_of,
)
from bot.sim.vocabulary import Market

_MOST_TWINS: Final = 2


@dataclass(frozen=True, slots=True)
class Others:
    """What other people have in the account."""

    holdings: Sequence[BrokerPosition] = ()
    seen: Sequence[ForeignSeen] = ()

    def beside(self, snapshot: BrokerSnapshot) -> BrokerSnapshot:
        """Return a book with theirs beside ours."""
        return replace(snapshot, positions=[*snapshot.positions, *self.holdings], foreign=self.seen)


def strangers_of(come: StrangersCome, market: Market) -> Strangers:
    """Return who comes; among what they have are contracts under the names of what is traded here."""
    options = [each for each in market.instruments() if each.sec_type == "OPT" and each.expiry is not None]
    chance = random.Random(come.seed)
    twins = [
        twin
        for each in chance.sample(options, k=min(_MOST_TWINS, len(options)))
        for twin in twins_of(
            each.local_symbol, each.symbol, f"{each.strike}", each.right, f"{each.expiry:%Y%m%d}" if each.expiry else ""
        )
    ]
    return some_strangers(chance, come.most, twins)


def others_in_process(come: StrangersCome, market: Market, at: datetime) -> Others:
    """Return them in the domain's words."""
    found = strangers_of(come, market)
    seen = [
        *(_order(each, at) for each in (*found.open_orders, *found.completed_orders)),
        *(_fill(each, at) for each in found.fills),
    ]
    return Others([_holding(each) for each in found.holdings], seen)


def _named(each: StrangeContract) -> Instrument:
    return Instrument(
        each.con_id, each.sec_type, each.symbol, each.currency, each.multiplier, each.exchange, "", each.trading_class,
        each.local_symbol, each.last_day, each.right, each.strike,
    )  # fmt: skip


def _key(each: StrangeContract) -> str:
    """Return the key that it has beside our own contracts: one that is named as ours is not ours."""
    named = _named(each)
    return named.key if option_of_key(named.key) is None else named.opaque_key


def _holding(each: StrangeHolding) -> BrokerPosition:
    exact = Decimal(each.quantity)
    return BrokerPosition(
        _key(each.contract), None, int(exact), Decimal(each.average_cost), _named(each.contract), exact
    )


def _order(each: StrangeOrder, at: datetime) -> ForeignSeen:
    words = f"{each.action} {each.quantity} {each.order_type} {each.limit}"
    return ForeignSeen("order", _key(each.contract), str(each.perm_id), words, {"status": each.status}, at)


def _fill(each: StrangeFill, at: datetime) -> ForeignSeen:
    words = f"{each.side} {each.shares} {each.price}"
    return ForeignSeen("execution", _key(each.contract), each.exec_id, words, {"ref": each.reference}, at)
