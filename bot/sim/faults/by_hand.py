"""What somebody else does with what the account holds."""

from __future__ import annotations

import random
from datetime import datetime

from bot.sim.faults.catalogue import ByHand
from bot.sim.matching import MatchingVenue
from bot.sim.vocabulary import Side, VenueEvent, VenuePosition


def by_hand(venue: MatchingVenue, fault: ByHand, now: datetime, chance: random.Random) -> list[VenueEvent]:
    """Trade one of the options that are held, or all of them where the desk liquidates; nothing where none is."""
    held = [p for p in venue.positions() if p.instrument.sec_type == "OPT" and p.quantity > 0]
    if not held:
        return []
    if fault.does == "liquidate":
        return [e for p in held for e in venue.trade_by_hand(p.instrument, Side.SELL, p.quantity, now)]
    return _one(venue, fault, chance.choice(held), now, chance)


def _one(
    venue: MatchingVenue, fault: ByHand, held: VenuePosition, now: datetime, chance: random.Random
) -> list[VenueEvent]:
    if fault.does == "exercise":
        return venue.exercise_early(held.instrument.con_id, now)
    quantity = {
        "sell_part": max(held.quantity // 2, 1),
        "sell_all": held.quantity,
        "sell_more": held.quantity + chance.randint(1, 3),
        "buy": chance.randint(1, 3),
    }[fault.does]
    side = Side.BUY if fault.does == "buy" else Side.SELL
    return venue.trade_by_hand(held.instrument, side, quantity, now)
