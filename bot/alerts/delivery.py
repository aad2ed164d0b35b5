"""The task that delivers: what the tick handed over goes out by its channel, and what came of it goes back.

Context: this process may end between a sending and its answer, and the one after it cannot know. Decision: it begins by
saying that it began, and looks at nothing before the tick has taken that: what was handed to the one before is then in
doubt on the record. Consequence: a row that it finds in `sending` was handed to it and to nobody else, and each attempt
is made once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from bot.alerts.channels import CHANNELS, ChannelRow, Deliverer, DeliveryOutcome, Outgoing, failed, unknown
from bot.alerts.ground import PeopleGround
from bot.domain.errors import StoreError
from bot.domain.message import MessageMode
from bot.store.read.inbound import inbound_state
from bot.store.read.messages import HandedRow, handed_over
from bot.store.values import parse_json

log: Final = logging.getLogger("quanticity")

LOOK_S: Final = 0.2
_DEADLINE_S: Final = 60.0
_TELL_AGAIN_S: Final = 1.0


class Delivery:
    """Delivers the messages of the channels of one process."""

    def __init__(self, ground: PeopleGround, rows: Mapping[str, ChannelRow] = CHANNELS) -> None:
        self._ground = ground
        self._rows = {name: row for name, row in rows.items() if row.channel.process == ground.source}
        self._deliverers: dict[str, Deliverer] = {}
        self._made: set[tuple[str, int]] = set()  # (message, attempt) that were taken up
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._begin()
        try:
            while True:
                heard = self._ground.bell.rings
                await self._look()
                await self._ground.bell.after(heard, LOOK_S)
        finally:
            await self._end()

    async def _begin(self) -> None:
        began = await self._ground.tell("started", {"task": "delivery"})
        while True:
            heard = self._ground.bell.rings
            found = await self._ground.look(lambda connection: inbound_state(connection, began))
            if found is None or found[0] != "queued":
                return
            await self._ground.bell.after(heard, LOOK_S)

    async def _look(self) -> None:
        try:
            handed = await self._ground.look(lambda connection: handed_over(connection, self._rows))
        except StoreError as error:
            log.warning(f"messages cannot be read: {error}")
            await asyncio.sleep(_TELL_AGAIN_S)
            return
        attempts = {(row.id, row.attempts) for row in handed}
        for row in handed:
            if (row.id, row.attempts) not in self._made:
                self._made.add((row.id, row.attempts))
                self._take_up(row)
        self._made &= attempts | {(name, attempt) for name, attempt in self._made if self._is_under_way(name)}

    def _is_under_way(self, message_id: str) -> bool:
        return any(task.get_name() == message_id for task in self._under_way)

    def _take_up(self, row: HandedRow) -> None:
        task = asyncio.create_task(self._deliver(row), name=row.id)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, row: HandedRow) -> None:
        outcome = await self._attempt(outgoing(row))
        payload = {
            "message": row.id, "outcome": outcome.word, "external_id": outcome.external_id, "reason": outcome.reason,
            "retry_after_s": outcome.retry_after_s, "attempt": row.attempts,
        }  # fmt: skip
        await self._tell(payload)

    async def _attempt(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt; whatever a deliverer raises leaves open whether it arrived."""
        try:
            deliverer = self._deliverer(message.channel)
        except Exception as error:  # the edge of a channel: a library that cannot be loaded has sent nothing
            log.error(f"{message.channel} cannot deliver: {error!r}", exc_info=error)
            return failed(f"{message.channel} cannot deliver: {error!r}")
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await deliverer.deliver(message)
        except TimeoutError:
            return unknown(f"no answer within {_DEADLINE_S:g} s")
        except Exception as error:  # the edge of a channel: the others go on, and the row says what it was
            log.error(f"{message.channel}: {error!r}", exc_info=error)
            return unknown(f"the attempt failed inside the program: {error!r}")

    def _deliverer(self, channel: str) -> Deliverer:
        if channel not in self._deliverers:
            self._deliverers[channel] = self._rows[channel].make(self._ground)
        return self._deliverers[channel]

    async def _tell(self, payload: Mapping[str, object]) -> None:
        """Tell the tick, however long the store refuses: what is not told is in doubt for ever."""
        while True:
            try:
                await self._ground.tell("delivery", payload)
            except StoreError as error:
                log.warning(f"what became of message {payload['message']} is not told yet: {error}")
                await asyncio.sleep(_TELL_AGAIN_S)
            else:
                return

    async def _end(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for deliverer in self._deliverers.values():
            await deliverer.close()


def outgoing(row: HandedRow) -> Outgoing:
    """Return a row as its channel gets it."""
    return Outgoing(
        id=row.id,
        tier=row.tier,
        channel=row.channel,
        kind=row.kind,
        target=row.target,
        body=row.body,
        dedupe_key=row.dedupe_key,
        mode=MessageMode(row.mode),
        parent=row.parent,
        extra=parse_json(row.extra) or {},
        attempt=row.attempts,
    )


async def deliver(ground: PeopleGround) -> None:
    """Run the task of delivery."""
    await Delivery(ground).run()
