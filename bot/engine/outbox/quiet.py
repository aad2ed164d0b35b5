"""When a target is not to be woken: a person's own quiet hours, else those of the settings."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from bot.config.alerts import QuietHours
from bot.config.people import roster_of
from bot.domain.actors import Role, actor_of
from bot.domain.calendar import NEW_YORK
from bot.domain.message import WAITING, MessageChange
from bot.domain.quiet import HoursUnclear, QuietChange, QuietState, QuietTime, QuietTrigger, hours_of
from bot.domain.requests import Payload, Refused
from bot.engine.outbox.voice import MessageTarget
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

DIGEST: Final = "digest"


def hours_for(ctx: Context, target: MessageTarget) -> QuietHours:
    """Return the hours that hold for a target."""
    own = ctx.ledger.entities.of(QuietTime).get(target.name) if target.is_person else None
    if own is None or own.state is QuietState.USUAL:
        return ctx.settings.alerts.quiet
    begins, ends = own.hours
    return QuietHours(begins=begins, ends=ends)


def is_quiet(ctx: Context, target: MessageTarget) -> bool:
    """Say whether a warning waits for this target now."""
    hours = hours_for(ctx, target)
    return not hours.is_none and hours.holds(ctx.now.astimezone(NEW_YORK).time())


def end_of_quiet(ctx: Context, target: MessageTarget) -> datetime:
    """Return when the quiet hours end that hold for a target now."""
    ends: time = hours_for(ctx, target).ends
    local = ctx.now.astimezone(NEW_YORK)
    end = local.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)


def choose(ctx: Context, journal: Journal, payload: Payload, actor: str) -> str:
    """Have a person's quiet hours be others; raises Refused."""
    name = _whose(ctx, payload, actor)
    try:
        wanted = hours_of(payload.to)
    except HoursUnclear as unclear:
        raise Refused(f"QUIET_UNCLEAR: {unclear}") from unclear
    kept = ctx.ledger.entities.of(QuietTime).setdefault(name, QuietTime(name))
    words = _usual(ctx, journal, kept, actor) if wanted is None else _own(ctx, journal, kept, wanted, actor)
    _wake(ctx, journal, name)
    return words


def _whose(ctx: Context, payload: Payload, actor: str) -> str:
    roster = roster_of(ctx.settings)
    asker = actor_of(actor, roster)
    name = payload.person or (asker.name if asker.name in roster.people else "")
    if not name:
        raise Refused("QUIET_WHOSE: say whose quiet hours, by a name of people.users")
    if name not in roster.people:
        raise Refused(f"QUIET_WHOSE: people.users names nobody called {name[:64]!r}")
    if name != asker.name and asker.role is not Role.OWNER:
        raise Refused(f"NOT_ALLOWED: {asker.name} chooses their own quiet hours; those of others an owner does")
    return name


def _own(ctx: Context, journal: Journal, kept: QuietTime, hours: tuple[str, str], actor: str) -> str:
    before = kept.words if kept.state is QuietState.OWN else "as the settings have it"
    sets = QuietChange(begins=hours[0], ends=hours[1], chosen_by=actor, chosen_at=ctx.now)
    told = "none" if hours[0] == hours[1] else f"{hours[0]} to {hours[1]}"
    words = f"quiet hours of {kept.id}: {told}, chosen by {actor}"
    journal.take(Step(kept, QuietTrigger.CHOOSE, words, {"before": before, "now": told}, sets, actor=actor))
    held = "no warning waits" if told == "none" else "warnings wait in them for a digest"
    return f"quiet hours of {kept.id}: {told} New York; {held}, what is critical never does"


def _usual(ctx: Context, journal: Journal, kept: QuietTime, actor: str) -> str:
    if kept.state is QuietState.USUAL:
        raise Refused(f"quiet hours of {kept.id} are those of the settings already")
    sets = QuietChange(chosen_by=actor, chosen_at=ctx.now)
    words = f"quiet hours of {kept.id} are those of the settings again, by {actor}"
    journal.take(Step(kept, QuietTrigger.FORGET, words, {"before": kept.words}, sets, actor=actor))
    return f"quiet hours of {kept.id} are those of the settings again"


def _wake(ctx: Context, journal: Journal, name: str) -> None:
    """Have a digest that waits for the end of other hours go by these: at once where it is quiet no more."""
    for message in journal.ledger.messages.values():
        if message.kind != DIGEST or message.target != name or message.state not in WAITING:
            continue
        target = MessageTarget(message.channel, name, Role.VIEWER)  # a person: of places nobody chooses the hours
        due_at = end_of_quiet(ctx, target) if is_quiet(ctx, target) else ctx.now
        journal.change(message, MessageChange(due_at=due_at))
