"""Carries commands out after the commit, and only then. What comes of them returns to the inbox as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bot.domain.commands import (
    AmendOrder,
    AskHours,
    AskSnapshot,
    AskWhatIf,
    CancelOrder,
    Command,
    SubmitOrder,
    Subscribe,
)
from bot.domain.errors import BrokerError
from bot.domain.events import AlertRaised, OrderNotSent, OrderSent
from bot.engine.sending.gate import Gate
from bot.engine.sending.pacing import Pace, by_class, is_entry
from bot.engine.state.inbox import Inbox
from bot.engine.state.ports import Broker, Clock


class Dispatcher:
    """Sends orders at once and in order; questions (what-if, snapshot) run beside the tick, a replay waits for them
    instead."""

    def __init__(
        self, broker: Broker, inbox: Inbox, clock: Clock, gate: Gate, *, wait_for_answers: bool = False
    ) -> None:
        self._broker = broker
        self._inbox = inbox
        self._clock = clock
        self._gate = gate
        self._wait = wait_for_answers
        self._questions: set[asyncio.Task[None]] = set()
        self._snapshot_asked = False
        self._pace = Pace()
        self._carry: dict[type, Callable[[Any], None]] = {
            SubmitOrder: self._submit,
            AmendOrder: self._amend,
            CancelOrder: self._cancel,
            Subscribe: broker.subscribe,
            AskHours: lambda command: broker.ask_hours(command.keys),
        }

    async def carry_out(self, commands: Sequence[Command]) -> None:
        """Carry out a tick's commands by class: cancels, exits, entries as far as the pace allows, questions."""
        for command in by_class(commands):
            if is_entry(command) and isinstance(command, SubmitOrder | AmendOrder):
                self._pace.hold(self._clock.monotonic(), command)
                self.send_what_waited()
            elif isinstance(command, AskWhatIf):
                await self._ask(self._what_if(command))
            elif isinstance(command, AskSnapshot):
                await self._ask_snapshot()
            else:
                self._pace.spend(self._clock.monotonic())
                self._carry[type(command)](command)

    def send_what_waited(self) -> None:
        """Send the entries whose turn has come, and give up those that waited too long. Called every tick."""
        now = self._clock.monotonic()
        while (late := self._pace.expired(now)) is not None:
            words = "it waited too long for the wire to be free"
            self._inbox.put(OrderNotSent(late.ticket.order_ref, words, self._clock.now()))
        while (ready := self._pace.ready(now)) is not None:
            self._carry[type(ready)](ready)

    def take_back(self, command: CancelOrder) -> bool:
        """Send a cancel that no tick stands behind, while the store cannot be written; say whether it left."""
        self._pace.give_up(command.order_ref)
        try:
            self._broker.cancel(command.order_ref, command.order_id)
        except BrokerError:
            return False
        return True

    async def stop(self) -> None:
        """Give up questions that are still open."""
        for task in self._questions:
            task.cancel()
        await asyncio.gather(*self._questions, return_exceptions=True)

    def _submit(self, command: SubmitOrder) -> None:
        ticket, now = command.ticket, self._clock.now()
        refusal = self._gate.refusal(ticket)
        if refusal is not None:
            self._inbox.put(OrderNotSent(ticket.order_ref, refusal, now))
            return
        try:
            order_id = self._broker.submit(ticket)
        except BrokerError as error:
            self._inbox.put(OrderNotSent(ticket.order_ref, str(error), now))
        else:
            self._inbox.put(OrderSent(ticket.order_ref, order_id, self._broker.client_id, now))

    def _amend(self, command: AmendOrder) -> None:
        refusal = self._gate.amendment_refusal(command.ticket)
        if refusal is not None:
            self._inbox.put(OrderNotSent(command.ticket.order_ref, refusal, self._clock.now()))
            return
        try:
            self._broker.amend(command.ticket)
        except BrokerError as error:
            self._inbox.put(OrderNotSent(command.ticket.order_ref, str(error), self._clock.now()))

    def _cancel(self, command: CancelOrder) -> None:
        for held in self._pace.give_up(command.order_ref):
            words = "it still waited for the wire when its order was taken back"
            self._inbox.put(OrderNotSent(held.ticket.order_ref, words, self._clock.now()))
        try:
            self._broker.cancel(command.order_ref, command.order_id)
        except BrokerError as error:
            self._inbox.put(OrderNotSent(command.order_ref, str(error), self._clock.now()))

    async def _ask(self, question: Coroutine[Any, Any, None]) -> None:
        if self._wait:
            await question
            return
        task = asyncio.create_task(question)
        self._questions.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._questions.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            text = f"a question to the broker failed: {error}"
            self._inbox.put(AlertRaised("QUESTION_FAILED", text, {"error": repr(error)}, self._clock.now()))

    async def _what_if(self, command: AskWhatIf) -> None:
        self._inbox.put(await self._broker.what_if(command.signal_id, command.ticket))

    async def _ask_snapshot(self) -> None:
        """One snapshot at a time: whoever asks while one is under way gets that one."""
        if self._snapshot_asked:
            return
        self._snapshot_asked = True
        await self._ask(self._snapshot())

    async def _snapshot(self) -> None:
        try:
            self._inbox.put(await self._broker.snapshot())
        finally:
            self._snapshot_asked = False
