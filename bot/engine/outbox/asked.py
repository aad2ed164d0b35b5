"""What people ask of the voice: to acknowledge an alert, to hear a test."""

from __future__ import annotations

from typing import Final

from bot.domain.alert import OPEN, Alert
from bot.domain.notices import CRITICAL, INFO, SEVERITIES
from bot.domain.requests import Refused
from bot.engine.outbox.draft import Draft
from bot.engine.outbox.outbox import Outbox
from bot.engine.outbox.voice import MessageTarget
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal

EVERY: Final = "all"
_SILENT: Final = "NO_CHANNEL: no channel is configured (config/alerts.yaml, people.users), so nobody would hear it"
_TEST: Final = "This is a test: nothing has happened."


def acknowledge(ctx: Context, journal: Journal, outbox: Outbox, alert_id: str, actor: str) -> str:
    """Acknowledge one alert, by its id or the end of it, or all that wait; raises Refused where there is none."""
    found = _meant(journal, alert_id)
    for alert in found:
        outbox.acknowledge(ctx, journal, alert, actor)
    return f"acknowledged: {', '.join(f'{alert.code} {alert.entity}'.strip() for alert in found)}"


def reopen(ctx: Context, journal: Journal, outbox: Outbox, alert_id: str, actor: str) -> str:
    """Take the acknowledgement of one alert back; raises Refused where it has none."""
    found = [alert for alert in journal.ledger.alerts.values() if alert_id and alert.id.endswith(alert_id.upper())]
    if len(found) > 1:
        raise Refused(f"{len(found)} alerts end with {alert_id}: name one whole")
    if not found:
        raise Refused(_why_none(journal, alert_id))
    if found[0].state in OPEN:
        raise Refused(f"alert {found[0].code} is {found[0].state}: nobody has acknowledged it")
    outbox.reopen(ctx, journal, found[0], actor)
    return f"open again: {f'{found[0].code} {found[0].entity}'.strip()}"


def _meant(journal: Journal, given: str) -> list[Alert]:
    waiting = [alert for alert in journal.ledger.alerts.values() if alert.state in OPEN]
    found = [alert for alert in waiting if given == EVERY or (given and alert.id.endswith(given.upper()))]
    if not found:
        raise Refused(_why_none(journal, given))
    if len(found) > 1 and given != EVERY:
        raise Refused(f"{len(found)} alerts end with {given}: name one whole")
    return found


def _why_none(journal: Journal, given: str) -> str:
    if given == EVERY:
        return "no alert waits to be acknowledged"
    known = next((a for a in journal.ledger.alerts.values() if given and a.id.endswith(given.upper())), None)
    if known is not None:
        return f"alert {known.code} is {known.state} already, by {known.acknowledged_by}"
    return f"alert {given or '(none named)'} is unknown, or over"


def test_alerts(journal: Journal, outbox: Outbox, request_id: str) -> str:
    """Raise one alert of each level; raises Refused where nobody would hear it."""
    if outbox.voice.is_silent:
        raise Refused(_SILENT)
    for level in SEVERITIES:
        follows = " Acknowledge it, or it is told again." if level == CRITICAL else ""
        where = " It stands on the log alone." if level == INFO else ""
        facts = {"entity": f"{level} {request_id[-6:]}"}
        journal.alert("TEST_ALERT", f"a test of {level} alerts.{where}{follows}", facts, severity=level)
    return f"one alert each of {', '.join(SEVERITIES)} is raised"


def test_channel(journal: Journal, outbox: Outbox, name: str, request_id: str) -> str:
    """Have one message sent to one target; raises Refused where no target, or more than one, is meant."""
    target = _target(outbox, name)
    extra = {"level": INFO, "code": "TEST", "subject": "Quanticity: a test"}
    body, only, channels = f"Quanticity. {_TEST}", (target.name,), (target.channel,)
    draft = Draft(f"test:{request_id}", "test", body, extra, channels=channels, only=only)
    (message,) = outbox.say(journal, [draft])
    return f"message {message.id} for {target.name} on {target.channel} is on its way"


def _target(outbox: Outbox, name: str) -> MessageTarget:
    if outbox.voice.is_silent:
        raise Refused(_SILENT)
    names = {f"{each.channel}:{each.name}": each for each in outbox.voice.targets}
    found = [each for full, each in names.items() if name in {full, each.name, each.channel}]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(names) if not found else ", ".join(f"{each.channel}:{each.name}" for each in found)
    if not found:
        raise Refused(f"no target is called {name or '(none named)'}; there are: {listed}")
    raise Refused(f"{name} may mean {listed}: name one of them")
