"""What is said of a question to a person: the question, its reminder, its edit, its outcome.

The question is a message with buttons to everybody who may answer it. An edit takes the buttons off the old message and
asks anew below it; the outcome replaces the text of the last one, so that nobody presses what was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bot.domain.approval import Approval, ApprovalState
from bot.domain.signal import Signal
from bot.domain.wording import NOTHING, contract_words, dollars, new_york, price, signed
from bot.engine.outbox.draft import APPROVERS, Draft
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.reviews import review_of
from bot.engine.state.schedule import NEVER
from bot.engine.trade.sight import frozen_plan
from bot.risk.exit_rules import rung_words
from bot.risk.ladder import protective_stop

if TYPE_CHECKING:
    from bot.engine.outbox.outbox import Outbox
    from bot.engine.outbox.speech import Said

KIND: Final = "approval"
REMINDER: Final = "reminder"
QUESTIONS: Final = frozenset({KIND, REMINDER})
"""Kinds of message on which a person is asked: they go before all others."""
CHANNELS: Final = ("telegram",)
"""Where an answer can be given."""
SHORT_ID: Final = 6
_TRIGGERS_MOST: Final = 8
_VALUE_LONGEST: Final = 60
_OUTCOMES: Final = {
    ApprovalState.APPROVED: "APPROVED",
    ApprovalState.REJECTED: "REJECTED",
    ApprovalState.EXPIRED: "EXPIRED",
}


def key_of(approval: Approval) -> str:
    """Return the key of the message that asks it now: each edit asks by a new one."""
    return f"approval:{approval.id}" + (f":{approval.edits}" if approval.edits else "")


def asked(said: Said) -> Iterable[Draft]:
    """A person is asked; a question that the rules answered in the same transaction asks nobody."""
    approval, signal = said.entity, _signal_of(said)
    if isinstance(approval, Approval) and signal is not None and approval.state is ApprovalState.REQUESTED:
        yield _question(said.ctx, approval, signal, said.row.evidence)


def edited(said: Said) -> Iterable[Draft]:
    """The old message says what became of it, and the new terms are asked below it."""
    approval, signal = said.entity, _signal_of(said)
    if not isinstance(approval, Approval) or signal is None:
        return
    before = f"approval:{approval.id}" + (f":{approval.edits - 1}" if approval.edits > 1 else "")
    head = f"{_name(said.ctx, approval, signal)}\nEDITED {new_york(said.ctx.now, said.ctx.now)}"
    about = {"signal": signal.id, "subject": _about(approval, signal)["subject"]}  # it asks nothing any more
    yield Draft(
        f"{before}:edited", KIND, f"{head}: {said.row.reason}. It is asked anew below.", about,
        channels=CHANNELS, roles=APPROVERS, edits=before, signal_id=signal.id,
    )  # fmt: skip
    rules = said.row.evidence.get("rules", {})
    yield _question(said.ctx, approval, signal, rules, change=said.row.reason, answers=before)


def decided(said: Said) -> Iterable[Draft]:
    """The message says the outcome, with who and when."""
    approval, signal = said.entity, _signal_of(said)
    if not isinstance(approval, Approval) or signal is None or approval.state not in _OUTCOMES:
        return
    if approval.decided_by == "rules":
        return  # nobody was asked
    by = f" by {who(approval.decided_by)}" if approval.decided_by else ""
    at = new_york(said.ctx.now, said.ctx.now)
    words = f"{_name(said.ctx, approval, signal)}\n{_OUTCOMES[approval.state]}{by} at {at}: {said.row.reason}"
    yield Draft(
        f"{key_of(approval)}:outcome", KIND, words, _about(approval, signal) | {"outcome": str(approval.state)},
        channels=CHANNELS, roles=APPROVERS, edits=key_of(approval), signal_id=signal.id,
    )  # fmt: skip

    if _was_reminded(said.ctx, approval):
        short = f"{_name(said.ctx, approval, signal)}\n{_OUTCOMES[approval.state]}{by} at {at}"
        reminder = f"approval:{approval.id}:reminder"
        yield Draft(
            f"{reminder}:outcome", KIND, short, {"signal": signal.id}, channels=CHANNELS, roles=APPROVERS,
            edits=reminder, signal_id=signal.id,
        )  # fmt: skip


def _was_reminded(ctx: Context, approval: Approval) -> bool:
    """Say whether a reminder of it stands there with buttons."""
    ledger = ctx.ledger
    known = (*ledger.messages.values(), *ledger.message_index.over.values())
    return any((each.kind, each.signal_id) == (REMINDER, approval.signal_id) for each in known)


@dataclass
class Reminders:
    """Which questions were reminded of, in this run; the store keeps it beyond."""

    done: set[str] = field(default_factory=set)

    def look(self, ctx: Context, journal: Journal, outbox: Outbox) -> None:
        """Remind once, at half time, of each question that still waits."""
        if outbox.voice.is_silent:
            return
        for approval in ctx.ledger.approvals.values():
            if approval.state is not ApprovalState.REQUESTED or approval.id in self.done:
                continue
            if ctx.now - approval.requested_at < (approval.expires_at - approval.requested_at) / 2:
                continue
            self.done.add(approval.id)
            signal = ctx.ledger.signals.get(approval.signal_id)
            if signal is not None and outbox.was_said(journal, key_of(approval)):
                outbox.say(journal, [_reminder(ctx, approval, signal)])

    def rests_until(self, ctx: Context, outbox: Outbox) -> datetime:
        """Return until when nobody has to be reminded, unless a question changes."""
        asked = [each for each in ctx.ledger.approvals.values() if each.state is ApprovalState.REQUESTED]
        waits = not outbox.voice.is_silent and any(each.id not in self.done for each in asked)
        return ctx.now if waits else NEVER


def _reminder(ctx: Context, approval: Approval, signal: Signal) -> Draft:
    left = (approval.expires_at - ctx.now).total_seconds()
    words = f"Still waiting: {_name(ctx, approval, signal)}, {left:.0f} s left"
    return Draft(
        f"approval:{approval.id}:reminder", REMINDER, words, _about(approval, signal) | {"buttons": buttons(approval)},
        channels=CHANNELS, roles=APPROVERS, answers=key_of(approval), signal_id=signal.id,
    )  # fmt: skip


def buttons(approval: Approval) -> list[list[str]]:
    """Return the buttons of a question; after an edit they say which terms they were shown with."""
    shown = f":{approval.edits}" if approval.edits else ""
    return [[label, f"{label.lower()}:{approval.id}{shown}"] for label in ("Approve", "Reject", "Edit")]


def _question(
    ctx: Context, approval: Approval, signal: Signal, rules: Mapping[str, Any], *, change: str = "", answers: str = ""
) -> Draft:
    lines = [_name(ctx, approval, signal), *([change] if change else []), *_terms(ctx, signal), *_why(signal)]
    lines += [_quote(ctx, signal), _rules(rules), _overseer(ctx, signal)]
    left = (approval.expires_at - ctx.now).total_seconds()
    lines.append(f"Time left: {left:.0f} s, until {new_york(approval.expires_at, ctx.now)}")
    return Draft(
        key_of(approval), KIND, "\n".join(line for line in lines if line),
        _about(approval, signal) | {"buttons": buttons(approval)},
        channels=CHANNELS, roles=APPROVERS, signal_id=signal.id, answers=answers,
    )  # fmt: skip


def _name(ctx: Context, approval: Approval, signal: Signal) -> str:
    high = signal.risk_fraction > ctx.settings.approval.above_risk_fraction
    kind, contract = "HIGH RISK" if high else "SIGNAL", contract_words(signal.contract, ctx.trading.day)
    return f"{kind} {approval.id[-SHORT_ID:]}: {contract}, {signal.strategy}"


def _terms(ctx: Context, signal: Signal) -> Iterator[str]:
    equity = ctx.ledger.account.equity
    share = f", {signed(signal.notional / equity * 100, plus=False)} % of equity" if equity else ""
    yield f"Buy {signal.quantity} at limit {price(signal.limit_price)}"
    yield f"Risk: {dollars(signal.notional)}{share}"
    grid = ctx.board.grid(signal.key)
    plan = frozen_plan(ctx, signal.strategy, signal.contract)
    stop = signal.stop_price or protective_stop(signal.limit_price, plan, grid)
    loss = (signal.limit_price - stop) * signal.quantity * signal.contract.multiplier
    targets = ", ".join(
        f"{price(grid.up(signal.limit_price * (1 + rung.gain)))} (+{rung.gain:.0%})"
        if rung.atr is None
        else rung_words(rung)
        for rung in plan.rungs
    )
    yield f"Stop {price(stop)} (−{dollars(loss)}), targets {targets or 'none'}"


def _why(signal: Signal) -> Iterator[str]:
    """Return what the strategy saw, with its numbers."""
    if reason := signal.rationale.get("reason"):
        yield f"Trigger: {str(reason)[: _VALUE_LONGEST * 4]}"
    numbers = [f"{name} {_value(value)}" for name, value in signal.rationale.items() if _is_number(value)]
    if numbers:
        yield "Seen: " + ", ".join(numbers[:_TRIGGERS_MOST])


def _is_number(value: object) -> bool:
    return isinstance(value, Decimal | int | float) and not isinstance(value, bool)


def _value(value: Decimal | float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _quote(ctx: Context, signal: Signal) -> str:
    quote = ctx.board.quote(signal.key)
    if quote is None or quote.bid is None or quote.ask is None:
        return "Quote: none"
    age = max((ctx.now - quote.sound_at).total_seconds(), 0.0)
    return f"Quote: {price(quote.bid)} / {price(quote.ask)}, spread {price(quote.ask - quote.bid)}, {age:.1f} s old"


def _rules(evidence: Mapping[str, Any]) -> str:
    told = {name: each for name, each in evidence.items() if isinstance(each, Mapping) and "passed" in each}
    passed = [name for name, each in told.items() if each["passed"]]
    return f"Rules passed: {len(passed)} of {len(told)}: {', '.join(passed).replace('_', ' ')}" if told else ""


def _overseer(ctx: Context, signal: Signal) -> str:
    """Return what the overseer noted when it looked at the signal."""
    review = review_of(ctx.ledger, signal.id)
    return f"Overseer: {review.note}" if review is not None and review.note else ""


def _about(approval: Approval, signal: Signal) -> dict[str, Any]:
    return {
        "approval": approval.id,
        "signal": signal.id,
        "edits": approval.edits,
        "subject": f"Approval {approval.id[-SHORT_ID:]}",
    }


def _signal_of(said: Said) -> Signal | None:
    approval = said.entity
    if not isinstance(approval, Approval):
        return None
    ledger = said.ctx.ledger
    return ledger.signals.get(approval.signal_id) or ledger.signal_index.of(approval.signal_id)


def who(actor: str | None) -> str:
    """Return who decided, in a person's words: `ann (telegram)`."""
    parts = (actor or NOTHING).split(":")
    return f"{parts[2]} ({parts[1]})" if len(parts) == 3 else parts[0]
