"""What people ask: each command row is answered once, with a state change or with the reason why not.

Before any handler sees it: is it fresh, may this actor ask for it, is its payload whole (`bot.domain.requests`). What
is refused there is also a row of the audit trail. What a request brings about is in `bot.engine.requested`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.config.people import roster_of
from bot.domain.actors import Roster, actor_of
from bot.domain.events.people import RequestKind, RequestReceived, RequestUnreadable
from bot.domain.requests import REQUESTS, Expiry, Payload, Refused, payload_of, refuse_stale, refuse_without_authority
from bot.domain.session import SessionState
from bot.engine.outbox import asked
from bot.engine.requested import holdings, reports, selling, session, settling, signals
from bot.engine.requested.desk import RequestDesk, RequestHandler
from bot.engine.state.context import Context
from bot.engine.state.records import RequestOutcome
from bot.engine.switches import cancel_order


class Withdrawn(Refused):
    """A request that somebody who may took back before it was taken up."""


class Operator:
    """Handles the commands of one tick. `withdrawn`: request -> who takes it back in the same tick."""

    def __init__(self, desk: RequestDesk, withdrawn: Mapping[str, RequestReceived] | None = None) -> None:
        self._desk, self._withdrawn = desk, withdrawn or {}
        self._ctx, self._journal = desk.ctx, desk.journal

    def handle(self, command: RequestReceived) -> None:
        """Carry out one command; its answer goes back on the row, which is written with it where there is none."""
        self._journal.batch.heard.append(command)
        try:
            self._admit(command)
        except Refused as refusal:
            if isinstance(refusal, Withdrawn):
                self._desk.taken_back.add(command.id)
            self._journal.request_refused(command.id, command.kind, command.actor, str(refusal))
            self._answer(command.id, "refused", str(refusal))
            return
        try:
            payload = payload_of(command.kind, command.payload)
            answer, state = _HANDLERS[command.kind](self._desk, command, payload), "done"
        except Refused as refusal:
            answer, state = str(refusal), "refused"
        self._answer(command.id, state, answer)

    def refuse_unreadable(self, event: RequestUnreadable) -> None:
        """Answer a row that makes no sense."""
        words = f"REQUEST_UNREADABLE: not understood: {event.why}"
        self._journal.request_refused(event.id, event.kind, event.actor, words)
        self._answer(event.id, "refused", words)

    def _admit(self, command: RequestReceived) -> None:
        """Raise Refused for a request that may not reach its handler."""
        ctx = self._ctx
        halted = ctx.ledger.session.state is SessionState.HALTED
        refuse_without_authority(command.kind, actor_of(command.actor, roster(ctx)), halted=halted)
        requests = ctx.settings.requests
        waited = 0.0 if command.read_s is None else ctx.steady_s - command.read_s
        age = None if command.age_s is None else command.age_s + waited
        refuse_stale(command.kind, age, Expiry(requests.expire_s, requests.emergency_expire_s))
        withdrawal = self._withdrawn.get(command.id)
        if withdrawal is not None and REQUESTS[RequestKind.WITHDRAW].may(actor_of(withdrawal.actor, roster(ctx)).role):
            raise Withdrawn(f"WITHDRAWN: withdrawn by {withdrawal.actor} before it was taken up")

    def _answer(self, request_id: str, state: str, answer: str) -> None:
        self._journal.batch.commands.append(RequestOutcome(request_id, state, answer, self._ctx.now))


def _withdraw(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    outcomes = {outcome.id: outcome for outcome in desk.journal.batch.commands}
    found = outcomes.get(payload.request_id)
    if found is None:
        raise Refused(f"request {payload.request_id} waits no more: it was answered, or was never asked")
    if payload.request_id not in desk.taken_back:
        raise Refused(f"request {payload.request_id} is {found.state}: {found.answer}")
    return f"request {payload.request_id} is withdrawn"


_HANDLERS: Final[Mapping[RequestKind, RequestHandler]] = MappingProxyType(
    {
        RequestKind.APPROVE: signals.approve,
        RequestKind.REJECT: signals.reject,
        RequestKind.EDIT: signals.edit,
        RequestKind.STRATEGY: signals.switch_strategy,
        RequestKind.PAUSE: session.pause,
        RequestKind.RESUME: session.resume,
        RequestKind.RESUME_SYMBOL: session.resume_symbol,
        RequestKind.HALT: session.halt,
        RequestKind.CLOSE: selling.close,
        RequestKind.MOVE_STOP: selling.move_stop,
        RequestKind.FLATTEN: selling.flatten,
        RequestKind.EMERGENCY: selling.emergency,
        RequestKind.CANCEL_ALL: selling.cancel_all,
        RequestKind.CANCEL_ORDER: lambda desk, _, payload: cancel_order(desk.ctx, desk.journal, payload.order_id),
        RequestKind.RECONCILE: holdings.reconcile,
        RequestKind.ADOPT: holdings.adopt,
        RequestKind.DECLINE: holdings.decline,
        RequestKind.SETTLE: settling.settle,
        RequestKind.WITHDRAW: _withdraw,
        RequestKind.RELOAD_CONFIG: lambda desk, command, _: desk.reloading.ask(command.actor),
        RequestKind.ACK: lambda desk, command, payload: asked.acknowledge(
            desk.ctx, desk.journal, desk.outbox, payload.alert_id, command.actor
        ),
        RequestKind.UNACK: lambda desk, command, payload: asked.reopen(
            desk.ctx, desk.journal, desk.outbox, payload.alert_id, command.actor
        ),
        RequestKind.TEST_ALERTS: lambda desk, command, _: asked.test_alerts(desk.journal, desk.outbox, command.id),
        RequestKind.TEST_CHANNEL: lambda desk, command, payload: asked.test_channel(
            desk.journal, desk.outbox, payload.name, command.id
        ),
        RequestKind.QUIET: lambda desk, command, payload: desk.outbox.choose_quiet(
            desk.ctx, desk.journal, payload, command.actor
        ),
        RequestKind.REPORT_DRAFT: reports.draft,
        RequestKind.REPORT_APPROVE: reports.approve,
        RequestKind.REPORT_REJECT: reports.reject,
        RequestKind.REPORT_EDIT: reports.edit,
    }
)
"""What is done about each request; a request is a row here and a function in its room."""


def roster(ctx: Context) -> Roster:
    """Return who may ask for what."""
    return roster_of(ctx.settings)
