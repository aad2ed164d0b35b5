"""Carries instructions out after the commit, and only then. What comes of them returns to the inbox as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bot.domain.errors import BrokerError
from bot.domain.events.orders import OrderNotSent, OrderSent
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import (
    AmendOrder,
    AskChains,
    AskHours,
    AskQuotes,
    AskSnapshot,
    AskWhatIf,
    CancelOrder,
    Instruction,
    SubmitOrder,
    Subscribe,
)
from bot.engine.sending.gate import Gate
from bot.engine.sending.pacing import TokenBucket, by_class, is_entry
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
        self._pace = TokenBucket()
        self._carry: dict[type, Callable[[Any], None]] = {
            SubmitOrder: self._submit,
            AmendOrder: self._amend,
            CancelOrder: self._cancel,
            Subscribe: broker.subscribe,
            AskHours: lambda instruction: broker.ask_hours(instruction.keys),
            AskChains: lambda instruction: broker.ask_chains(instruction.symbols),
            AskQuotes: lambda instruction: broker.ask_quotes(instruction.keys),
        }

    async def carry_out(self, instructions: Sequence[Instruction]) -> None:
        """Carry out a tick's instructions by class: cancels, exits, entries as far as the pace allows, questions."""
        for instruction in by_class(instructions):
            if is_entry(instruction) and isinstance(instruction, SubmitOrder | AmendOrder):
                self._pace.hold(self._clock.monotonic(), instruction)
                self.send_what_waited()
            elif isinstance(instruction, AskWhatIf):
                await self._ask(self._what_if(instruction))
            elif isinstance(instruction, AskSnapshot):
                await self._ask_snapshot()
            else:
                self._pace.spend(self._clock.monotonic())
                self._carry[type(instruction)](instruction)

    def send_what_waited(self) -> None:
        """Send the entries whose turn has come, and give up those that waited too long. Called every tick."""
        if not self._pace.waiting:
            return
        now = self._clock.monotonic()
        while (late := self._pace.expired(now)) is not None:
            words = "it waited too long for the wire to be free"
            self._inbox.put(OrderNotSent(late.ticket.order_ref, words, self._clock.now()))
        while (ready := self._pace.ready(now)) is not None:
            self._carry[type(ready)](ready)

    def take_back(self, instruction: CancelOrder) -> bool:
        """Send a cancel that no tick stands behind, while the store cannot be written; say whether it left."""
        self._pace.give_up(instruction.order_ref)
        try:
            self._broker.cancel(instruction.order_ref, instruction.order_id)
        except BrokerError:
            return False
        return True

    async def stop(self) -> None:
        """Give up questions that are still open."""
        for task in self._questions:
            task.cancel()
        await asyncio.gather(*self._questions, return_exceptions=True)

    def _submit(self, instruction: SubmitOrder) -> None:
        ticket, now = instruction.ticket, self._clock.now()
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

    def _amend(self, instruction: AmendOrder) -> None:
        refusal = self._gate.amendment_refusal(instruction.ticket)
        if refusal is not None:
            self._inbox.put(OrderNotSent(instruction.ticket.order_ref, refusal, self._clock.now()))
            return
        try:
            self._broker.amend(instruction.ticket)
        except BrokerError as error:
            self._inbox.put(OrderNotSent(instruction.ticket.order_ref, str(error), self._clock.now()))

    def _cancel(self, instruction: CancelOrder) -> None:
        for held in self._pace.give_up(instruction.order_ref):
            words = "it still waited for the wire when its order was taken back"
            self._inbox.put(OrderNotSent(held.ticket.order_ref, words, self._clock.now()))
        try:
            self._broker.cancel(instruction.order_ref, instruction.order_id)
        except BrokerError as error:
            self._inbox.put(OrderNotSent(instruction.order_ref, str(error), self._clock.now()))

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

    async def _what_if(self, instruction: AskWhatIf) -> None:
        self._inbox.put(await self._broker.what_if(instruction.signal_id, instruction.ticket))

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
