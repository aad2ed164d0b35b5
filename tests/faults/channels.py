"""The people's process and its channels on a fault day: they deliver, fail, refuse, hang, lose an answer, and die.

Beside the bot, as the real process is: it reads rows in `sending`, makes each attempt once, and answers by rows of
`inbound`; after a death it says first that it began. What each target received is kept here, whatever the bot believes.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.domain.actors import Role
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from bot.store.tables.inbound import INBOUND
from bot.store.tables.message import MESSAGE
from bot.store.values import json_text, parse_json, time_text

VOICE: Final = Voice(
    {
        "telegram": Channel("telegram", edits=True),
        "discord": Channel("discord", edits=True, repeats_within_s=120),
        "email": Channel("email"),
    },
    (
        MessageTarget("telegram", "ann", Role.OWNER),
        MessageTarget("telegram", "bob", Role.OPERATOR),
        MessageTarget("discord", "alerts"),
        MessageTarget("email", "desk"),
    ),
    waits=True,
)
_SHOWS_ONCE: Final = frozenset({"discord"})
_FATES: Final = {
    "delivered": 60, "failed": 14, "limited": 4, "refused": 3, "hangs after storing": 6, "hangs": 4,
    "answer lost": 6, "breaks after storing": 3,
}  # fmt: skip
_STORED: Final = frozenset({"delivered", "hangs after storing", "answer lost", "breaks after storing"})
_DIES: Final = 0.02  # by chance, in a second
_ACKS: Final = 0.05
_AWAY_S: Final = 4


@dataclass(frozen=True)
class Answer:
    """What is told at a moment of an attempt: None for nothing ever."""

    at: datetime
    payload: dict[str, Any]


@dataclass
class Channels:
    """One for a day; `calm` after the trouble: from then on everything arrives and is answered."""

    seed: int
    calm: bool = False
    received: list[tuple[str, str, str, str, str]] = field(default_factory=list)  # channel, target, id, mode, fate
    deaths: int = 0
    _taken: set[tuple[str, int]] = field(default_factory=set)
    _answers: list[Answer] = field(default_factory=list)
    _began: str = ""  # the row that says so; empty while the process is away
    _back_at: datetime | None = None
    _number: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(f"channels {self.seed}")

    def wants_ack(self) -> bool:
        """Whether somebody looks at the alerts in this second, and acknowledges all that wait."""
        return not self.calm and self._chance.random() < _ACKS

    def act(self, now: datetime, connection: Connection) -> bool:
        """Let the process live for a second; True when it told something."""
        if self._back_at is None:
            self._back_at = now
        if self._began and not self.calm and self._chance.random() < _DIES:
            self._die(now)
        if not self._began:
            return now >= self._back_at and self._begin(now, connection)
        if not self._is_known(connection):
            return False
        self._take_up(now, connection)
        return self._tell(now, connection)

    def end_with_the_bot(self, now: datetime) -> None:
        """It is the bot's child: it ends with it, and begins anew with the next one."""
        if self._began:
            self._die(now)

    def _die(self, now: datetime) -> None:
        """What it was doing is gone with it; what was stored stays stored."""
        self.deaths += 1
        self._answers.clear()
        self._taken.clear()
        self._began, self._back_at = "", now + timedelta(seconds=_AWAY_S)

    def _begin(self, now: datetime, connection: Connection) -> bool:
        self._began = self._insert(now, connection, "started", {"task": "delivery"})
        return True

    def _is_known(self, connection: Connection) -> bool:
        state = connection.execute(select(INBOUND.c.state).where(INBOUND.c.id == self._began)).scalar()
        connection.rollback()
        return state != "queued"

    def _take_up(self, now: datetime, connection: Connection) -> None:
        wanted = select(MESSAGE.c.id, MESSAGE.c.channel, MESSAGE.c.target, MESSAGE.c.mode, MESSAGE.c.attempts).where(
            MESSAGE.c.state == "sending"
        )
        rows = connection.execute(wanted.order_by(MESSAGE.c.id)).all()
        connection.rollback()
        for message_id, channel, target, mode, attempts in rows:
            if (message_id, attempts) not in self._taken:
                self._taken.add((message_id, attempts))
                self._attempt(now, message_id, (channel, target, mode), attempts)

    def _attempt(self, now: datetime, message_id: str, where: tuple[str, str, str], attempts: int) -> None:
        fate = "delivered" if self.calm else self._chance.choices(tuple(_FATES), tuple(_FATES.values()))[0]
        channel, target, mode = where
        if fate in _STORED and not self._shown_before(channel, message_id):
            self.received.append((channel, target, message_id, mode, fate))
        told: dict[str, Any] = {"message": message_id, "attempt": attempts, "reason": fate}
        wait_s = float(self._chance.choice((0, 0, 1, 2)))
        if fate == "delivered":
            told |= {"outcome": "delivered", "external_id": f"9:{message_id[-6:]}"}
        elif fate == "limited":
            told |= {"outcome": "failed", "retry_after_s": 5}
        elif fate in {"failed", "refused"}:
            told |= {"outcome": fate}
        elif fate == "answer lost":
            return  # until this process dies nobody hears of it
        else:
            told |= {"outcome": "unknown"}
            wait_s = 3.0
        self._answers.append(Answer(now + timedelta(seconds=wait_s), told))

    def _shown_before(self, channel: str, message_id: str) -> bool:
        return channel in _SHOWS_ONCE and any(each[2] == message_id for each in self.received)

    def _tell(self, now: datetime, connection: Connection) -> bool:
        due = [answer for answer in self._answers if answer.at <= now]
        self._answers = [answer for answer in self._answers if answer.at > now]
        for answer in due:
            self._insert(now, connection, "delivery", answer.payload)
        return bool(due)

    def _insert(self, now: datetime, connection: Connection, kind: str, payload: dict[str, Any]) -> str:
        self._number += 1
        row = {
            "id": f"told-{self._number:04}", "source": "people", "kind": kind, "payload": json_text(payload),
            "state": "queued", "received_at": time_text(now), "answer": "",
        }  # fmt: skip
        with connection.begin():
            connection.execute(INBOUND.insert(), [row])
        return str(row["id"])

    def calm_down(self, now: datetime) -> None:
        """No more faults; the process begins anew, so that what hung is known to be in doubt."""
        self.calm = True
        self._die(now)
        self.deaths -= 1
        self._back_at = now

    # ---- at the end

    def broken(self, connection: Connection) -> list[str]:
        """Name what was said twice, what is lost, and what the record says otherwise than it was."""
        mine = MESSAGE.c
        rows = connection.execute(select(mine.id, mine.channel, mine.state, mine.mode, mine.extra)).all()
        connection.rollback()
        times = Counter(message_id for _, _, message_id, mode, _ in self.received if mode != "edit")
        found = [f"message {each} was shown {count} times" for each, count in times.items() if count > 1]
        shown = {message_id for _, _, message_id, _, _ in self.received}
        for message_id, channel, state, mode, _ in rows:
            if state == "sent" and message_id not in shown:
                found.append(f"message {message_id} is sent, and {channel} never had it")
            if state in {"queued", "sending", "retrying"}:
                found.append(f"message {message_id} on {channel} is {state} when all is over")
            repeats = channel in _SHOWS_ONCE or mode == "edit"  # the first attempt may have arrived, the second not
            if state in {"dead", "withheld"} and message_id in shown and not repeats:
                found.append(f"message {message_id} is {state}, and {channel} shows it")
        return found + _untold(connection, [(state, parse_json(extra) or {}) for _, _, state, _, extra in rows])


def _untold(connection: Connection, messages: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Name the alerts that no message tells of."""
    said = {str(alert_id) for _, extra in messages for alert_id in extra.get("alert_ids", ())}
    alerts = connection.exec_driver_sql("SELECT id, code FROM alert WHERE severity <> 'info'").all()
    connection.rollback()
    return [f"nobody was told of alert {code} {alert_id}" for alert_id, code in alerts if alert_id not in said]
