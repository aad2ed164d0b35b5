"""A fault day with people who are spoken to: nothing is said twice, no alert is lost, a lost answer is `unknown`."""

from __future__ import annotations

import pytest

from bot.domain.message import MessageState
from tests.faults.channels import Channels
from tests.faults.day import World, a_store
from tests.faults.plan import Plan
from tests.faults.sickness import sickness


@pytest.mark.parametrize("seed", [13])
async def test_whatever_the_channels_do_the_record_says_what_arrived(seed: int) -> None:
    with a_store() as database:
        world = World(Plan.of(seed), database, speaks=True)
        with sickness(lambda: world.script, world.clock):
            outcome = await world.live()
    assert outcome.broken == []
    channels = world.channels
    assert isinstance(channels, Channels)
    fates = {fate for *_, fate in channels.received}
    assert "delivered" in fates
    states = {message.state for message in world.engine.ledger.message_index.over.values()}
    assert MessageState.SENT in states
