"""Alerts as a machine: what was raised in a tick becomes an alert, one a code and a thing, and goes its way.

| what | when |
|---|---|
| born, told | first raised; what is only good to know is over at once |
| counted | raised again while it is open: the newest words stand, its message is edited now and then |
| escalated | critical and acknowledged by nobody: again, to all operators, by mail (`alerts` in the settings) |
| resolved | its end is told, what it is about went on, or nothing raised it for a while |

A bot that nobody hears keeps alerts all the same: page and command line show them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.domain.alert import OPEN, Alert, AlertChange, AlertState, AlertTrigger, subject_of
from bot.domain.events.people import AlertRaised
from bot.domain.ids import derived_id
from bot.domain.notices import CRITICAL, INFO, SEVERITIES
from bot.domain.notices.ends import ENDED_BY, ENDED_BY_STEP, ENDED_WHOLLY_BY, LASTING, NAMES_THE_CODE
from bot.engine.outbox import alert_words
from bot.engine.outbox.telling import Telling
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import NewTransition
from bot.engine.state.steps import Birth, Step

_LOOK_S = 1.0
_SHOW_S = 30.0
"""Wall seconds between two edits that tell how often an alert was raised."""
_WORST = {severity: place for place, severity in enumerate(SEVERITIES)}


class Alerting:
    """One for the life of an engine. `speed`: seconds of the bot's clock in one of the wall, a person's time."""

    def __init__(self, telling: Telling, speed: float) -> None:
        self._telling, self._speed = telling, speed
        self._look_at = float("-inf")

    def take(self, ctx: Context, journal: Journal) -> None:
        """Make alerts of what this batch raised, end those that it ends."""
        for row in list(journal.batch.transitions):
            self._end_by_step(ctx, journal, row)
        taken = 0
        while taken < len(journal.batch.alerts):  # a step that is refused on the way raises one more
            self._raised(ctx, journal, journal.batch.alerts[taken], taken)
            taken += 1

    def _raised(self, ctx: Context, journal: Journal, event: AlertRaised, number: int) -> None:
        entity = subject_of(event.facts)
        self._end_by_code(ctx, journal, event, entity)
        level = ctx.settings.alerts.level_of(event.code, event.severity)
        known = _open(journal, event.code, entity)
        if known is not None:
            self._again(ctx, journal, known, event, level)
            return
        at = journal.now
        alert_id = derived_id(at, "alert", journal.batch.tick, number, event.code, entity, event.text)
        alert = Alert(alert_id, event.code, level, event.text, event.facts, event.at, first_at=event.at, entity=entity)
        evidence = {"code": event.code, "severity": level, "entity": entity}
        journal.born(Birth(alert, event.text, evidence))
        if level == INFO:
            self._resolve(ctx, journal, alert, "good to know: it stands on the log")
        self._telling.first(ctx, journal, alert)

    def _again(self, ctx: Context, journal: Journal, alert: Alert, event: AlertRaised, level: str) -> None:
        """Count it; told anew when it is graver than it was, or when it had been quiet for long."""
        was, before = alert.severity, alert.at
        graver = level if _WORST[level] > _WORST[was] else was
        facts = {**event.facts, **_context(alert)}
        sets = AlertChange(count=alert.count + 1, at=event.at, text=event.text, facts=facts, severity=graver)
        journal.change(alert, sets)
        quiet = timedelta(seconds=ctx.settings.alerts.over_after_s * self._speed)
        if alert.state in OPEN and (graver != was or event.at - before > quiet):
            self._telling.anew(ctx, journal, alert)

    def note(self, ctx: Context, journal: Journal, alert: Alert, words: str) -> None:
        """Put what stands around an alert beside it, and into the messages that told it."""
        journal.change(alert, AlertChange(facts={**alert.facts, alert_words.CONTEXT: words}))
        self._telling.edited(ctx, journal, alert)

    # ---- ends

    def _end_by_code(self, ctx: Context, journal: Journal, event: AlertRaised, entity: str) -> None:
        named = (str(event.facts.get("code")),) if event.code in NAMES_THE_CODE else ()
        wholly = ENDED_WHOLLY_BY.get(event.code, ())
        for code in (*ENDED_BY.get(event.code, ()), *named, *wholly):
            for alert in _of_code(journal, code):
                if code in wholly or not entity or alert.entity in {"", entity}:
                    self._resolve(ctx, journal, alert, f"over: {event.text}")
        if event.severity == INFO and (known := _open(journal, event.code, entity)) is not None:
            self._resolve(ctx, journal, known, f"over: {event.text}")

    def _end_by_step(self, ctx: Context, journal: Journal, row: NewTransition) -> None:
        if not journal.ledger.alerts:
            return
        for ended in ENDED_BY_STEP:
            if ended.machine != row.machine or ended.trigger not in {"", row.trigger}:
                continue
            if ended.to_state not in {"", row.to_state} or row.refused:
                continue
            for alert in list(journal.ledger.alerts.values()):
                if alert.code in ended.codes and (not ended.of_the_same or alert.entity == row.entity_id):
                    self._resolve(ctx, journal, alert, f"{row.machine}: {row.reason}")

    def acknowledge(self, ctx: Context, journal: Journal, alert: Alert, actor: str) -> bool:
        """A person has seen it: it is told no more, and its messages say who has it."""
        sets = AlertChange(acknowledged_by=actor, acknowledged_at=journal.now)
        words = f"acknowledged by {actor}"
        if not journal.take(Step(alert, AlertTrigger.ACKNOWLEDGE, words, {"code": alert.code}, sets, actor=actor)):
            return False
        self._telling.edited(ctx, journal, alert, again=alert.told_at is not None)
        return True

    def reopen(self, ctx: Context, journal: Journal, alert: Alert, actor: str) -> None:
        """An acknowledgement was a mistake: it is told on, by its age, and its messages have their buttons again."""
        sets = AlertChange(acknowledged_by=None, acknowledged_at=None, told_at=alert.told_at or journal.now)
        words = f"acknowledgement taken back by {actor}"
        if journal.take(Step(alert, AlertTrigger.REOPEN, words, {"code": alert.code}, sets, actor=actor)):
            self._telling.edited(ctx, journal, alert, again=True)

    def _resolve(self, ctx: Context, journal: Journal, alert: Alert, why: str) -> None:
        sets = AlertChange(resolved_at=journal.now)
        if journal.take(Step(alert, AlertTrigger.RESOLVE, why, {"code": alert.code}, sets)) and alert.severity != INFO:
            self._telling.edited(ctx, journal, alert)

    # ---- by the clock

    def watch(self, ctx: Context, journal: Journal) -> None:
        """Escalate, show counts, end what was not raised again; once a second of the wall."""
        if not journal.ledger.alerts or ctx.steady_s < self._look_at:
            return
        self._look_at = ctx.steady_s + _LOOK_S
        for alert in list(journal.ledger.alerts.values()):
            if alert.since > ctx.now:  # dated by a clock that was ahead: nobody waits for that hour
                journal.change(alert, AlertChange(first_at=ctx.now, at=ctx.now))
            if self._is_over(ctx, alert):
                self._resolve(ctx, journal, alert, "not raised again")
            elif alert.state in OPEN:
                self._escalate(ctx, journal, alert)
                self._show_count(ctx, journal, alert)

    def _is_over(self, ctx: Context, alert: Alert) -> bool:
        """A person or its end ends what is critical, its end what lasts; the rest is over by itself."""
        if alert.code in LASTING or (alert.severity == CRITICAL and alert.state is not AlertState.ACKNOWLEDGED):
            return False
        return self._wall_s(ctx, alert) >= ctx.settings.alerts.over_after_s

    def _wall_s(self, ctx: Context, alert: Alert) -> float:
        return (ctx.now - alert.at).total_seconds() / self._speed

    def _escalate(self, ctx: Context, journal: Journal, alert: Alert) -> None:
        if alert.severity != CRITICAL or self._telling.is_silent:
            return
        settings, age_s = ctx.settings.alerts, (ctx.now - alert.since).total_seconds() / self._speed
        limits = (settings.again_after_s, settings.operators_after_s, settings.mail_after_s)
        step = sum(age_s >= limit for limit in limits)
        if step <= alert.escalation:
            return
        words = f"nobody has acknowledged it for {age_s / 60:.0f} min: {alert_words.STEPS[step]}"
        if journal.take(Step(alert, AlertTrigger.ESCALATE, words, {"step": step}, AlertChange(escalation=step))):
            self._telling.escalation(ctx, journal, alert, step)

    def _show_count(self, ctx: Context, journal: Journal, alert: Alert) -> None:
        shown = alert.shown_at or alert.since
        if alert.at <= shown or (ctx.now - shown).total_seconds() < _SHOW_S * self._speed:
            return
        journal.change(alert, AlertChange(shown_at=ctx.now))
        self._telling.edited(ctx, journal, alert)


def told(journal: Journal, alert_ids: Iterable[object], channel: str) -> None:
    """A channel has confirmed what was said of these alerts."""
    for alert_id in alert_ids:
        alert = journal.ledger.alerts.get(str(alert_id))
        if alert is not None and alert.state is AlertState.RAISED:
            sets = AlertChange(told_at=journal.now)
            journal.take(Step(alert, AlertTrigger.TELL, f"{channel} has it", {"channel": channel}, sets))


def _open(journal: Journal, code: str, entity: str) -> Alert | None:
    """Return the alert of a code and a thing that is not over."""
    return next((alert for alert in _of_code(journal, code) if alert.entity == entity), None)


def _context(alert: Alert) -> dict[str, object]:
    said = alert.facts.get(alert_words.CONTEXT)
    return {} if said is None else {alert_words.CONTEXT: said}


def _of_code(journal: Journal, code: str) -> list[Alert]:
    return [alert for alert in journal.ledger.alerts.values() if alert.code == code]
