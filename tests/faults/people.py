"""What people ask for in the course of a day: command rows, answers to questions, the kill switch."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection

from bot.domain.adoption import EVERYTHING, Adoption, AdoptionState
from bot.domain.approval import ApprovalState
from bot.domain.breaker import BreakerState
from bot.domain.events.people import RequestKind
from bot.domain.session import Hold
from bot.engine.state.ledger import Ledger
from bot.store.tables.command import COMMAND
from bot.store.values import json_text, time_text

ACTOR: Final = "cli"
KILL_SWITCH: Final = "kill switch"


@dataclass(frozen=True)
class Request:
    """At `at` somebody asks for `what` (a command's name, or the kill switch); what it brings about is called off
    `for_s` seconds later, where that can be."""

    at: datetime
    what: str
    for_s: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.for_s:g} s" if self.for_s else ""
        return f"{self.what} at {self.at:%H:%M:%S} UTC{lasting}"


_WEIGHTS: Final = MappingProxyType(
    {
        "close": 5,
        "cancel_all": 2,
        "reconcile": 2,
        "pause": 2,
        "halt": 1,
        "flatten": 1,
        "emergency": 1,
        "resume": 1,
        KILL_SWITCH: 2,
    }
)
_TRIPPED: Final = BreakerState.TRIPPED
_ASK_AGAIN: Final = timedelta(seconds=3)
_HOLDS: Final = frozenset({"pause", "halt", "flatten", "emergency"})


def random_requests(seed: int, begin: datetime, end: datetime) -> tuple[Request, ...]:
    """Return none to five requests between two moments, in the order of their times."""
    chance = random.Random(f"people {seed}")
    seconds = int((end - begin).total_seconds())
    made = []
    for _ in range(chance.choice((0, 0, 1, 2, 3, 5))):
        what = chance.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))[0]
        lasts = float(chance.randint(3, 15)) if what in _HOLDS or what == KILL_SWITCH else 0.0
        made.append(Request(begin + timedelta(seconds=chance.randint(0, seconds)), what, lasts))
    return tuple(sorted(made, key=lambda request: request.at))


_SAYS_NO = 0.4
_RAISES_STOPS = 0.3  # of all days
_STRAYS = ("", "old", "overseer", "", "future", "somebody", "tick")


class People:
    """Ask by rows of the store, as the page and the command line do; the kill switch is a file."""

    def __init__(self, seed: int, requests: tuple[Request, ...], kill_switch: Path) -> None:
        self._chance = random.Random(f"answers {seed}")
        self._stops = random.Random(f"stops {seed}")  # of its own as well
        self._raises = self._stops.random() < _RAISES_STOPS
        self._raise_at: dict[str, datetime] = {}  # position -> when its stop is to be moved next
        self._noes = random.Random(f"noes {seed}")  # of its own, so that all else that a seed draws stays as it was
        self._todo = [(r.at, r.what) for r in requests] + [
            (r.at + timedelta(seconds=r.for_s), "resume" if r.what in _HOLDS else f"no {r.what}")
            for r in requests
            if r.for_s
        ]
        self._todo.sort()
        self._kill_switch = kill_switch
        self._minds: dict[str, tuple[datetime, str | None]] = {}  # approval -> when it is answered, and how
        self._calm_at: datetime | None = None  # from here on people want the bot to trade, and ask until it does
        self._number = 0
        self.asked = False  # a row may be waiting
        self.wall: datetime | None = None  # by the machine that the bot runs on, which may have jumped

    @property
    def killed(self) -> bool:
        """Whether the kill switch is there."""
        return self._kill_switch.exists()

    def act(self, now: datetime, connection: Connection, ledger: Ledger) -> None:
        """Do what is due."""
        while self._todo and self._todo[0][0] <= now:
            self._do(self._todo.pop(0)[1], now, connection, ledger)
        held = ledger.session.hold is not Hold.NONE or any(b.state is _TRIPPED for b in ledger.breakers.values())
        if self._calm_at is not None and self._calm_at <= now and held:
            self._calm_at = now + _ASK_AGAIN
            self.ask(RequestKind.RESUME, {}, now, connection)
        if self._raises:
            self._move_stops(now, connection, ledger)
        for adoption in ledger.adoptions.values():
            if adoption.state is AdoptionState.ASKED or adoption.declined_by_person:
                self._adopt(adoption, now, connection)
        for approval in ledger.approvals.values():
            if approval.state is ApprovalState.REQUESTED:
                self._answer(approval.id, approval.signal_id, now, connection)

    def calm_down(self, now: datetime) -> None:
        """Leave nothing behind: no kill switch, no hold."""
        self._todo.clear()
        self._kill_switch.unlink(missing_ok=True)
        self._calm_at = now

    def _do(self, what: str, now: datetime, connection: Connection, ledger: Ledger) -> None:
        if what == KILL_SWITCH:
            self._kill_switch.touch()
        elif what == f"no {KILL_SWITCH}":
            self._kill_switch.unlink(missing_ok=True)
        else:
            payload = {"position_id": self._some_position(ledger)} if what == "close" else {}
            self.ask(RequestKind(what), payload, now, connection)

    def _some_position(self, ledger: Ledger) -> str:
        """Return an open position, or a closed one, or none at all: each gets an answer."""
        known = [*sorted(ledger.positions) * 4, *sorted(ledger.closed), "no such position"]
        return self._chance.choice(known)

    def _move_stops(self, now: datetime, connection: Connection, ledger: Ledger) -> None:
        """Move the stop of each position every few minutes to a price that may be higher, lower, above the bid or off
        the grid: each gets an answer, and none lowers it."""
        for position_id in sorted(ledger.positions):
            due = self._raise_at.get(position_id)
            if due is not None and due <= now:
                entry = ledger.positions[position_id].entry_price
                price = (entry * self._stops.randint(30, 180) / 100).quantize(Decimal("0.01"))
                payload = {"position_id": position_id, "stop": str(price)}
                self.ask(RequestKind.MOVE_STOP, payload, now, connection)
            if due is None or due <= now:
                self._raise_at[position_id] = now + timedelta(seconds=self._stops.randint(20, 400))

    def _answer(self, approval_id: str, signal_id: str, now: datetime, connection: Connection) -> None:
        """Make up one's mind once: yes, no, twice yes, or no answer at all."""
        if approval_id not in self._minds:
            mind = self._chance.choice(("approve", "approve", "approve", "approve twice", "reject", None))
            self._minds[approval_id] = (now + timedelta(seconds=self._chance.randint(1, 6)), mind)
        when, mind = self._minds[approval_id]
        if mind is None or now < when:
            return
        self._minds[approval_id] = (when, None)
        for kind in {"approve twice": ("approve", "approve")}.get(mind, (mind,)):
            self.ask(RequestKind(kind), {"signal_id": signal_id}, now, connection)

    def _adopt(self, adoption: Adoption, now: datetime, connection: Connection) -> None:
        """Take over what was found, by its key or with all the rest, decline it, or leave it: made up once a question,
        and once more about what was declined."""
        asked = f"adopt {adoption.id} {adoption.quantity} {adoption.state}"
        if asked not in self._minds:
            ways = (adoption.id, adoption.id.replace(" ", "").lower(), EVERYTHING, "NOPE", None)
            chance = self._chance if adoption.state is AdoptionState.ASKED else self._noes
            mind = chance.choice(ways)
            self._minds[asked] = (now + timedelta(seconds=chance.randint(1, 40)), mind)
        when, mind = self._minds[asked]
        if mind is None or now < when:
            return
        self._minds[asked] = (when, None)
        kind = RequestKind.DECLINE if self._noes.random() < _SAYS_NO else RequestKind.ADOPT
        self.ask(kind, {"key": mind}, now, connection)

    def ask(self, kind: RequestKind, payload: Mapping[str, Any], now: datetime, connection: Connection) -> None:
        """Insert a command row."""
        self._number += 1
        self.asked = True
        row = {
            "id": f"command-{self._number:03}",
            "kind": kind.value,
            "payload": json_text(payload),
            "actor": ACTOR,
            "state": "queued",
            "created_at": time_text(now),
            "answer": "",
            "asked_at": time_text(self.wall or now),
        }
        rows = [row, *self._strays(row, self.wall or now)]
        with connection.begin():
            connection.execute(COMMAND.insert(), rows)

    def _strays(self, row: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
        """Rows that must never be carried out come beside some: of yesterday, of tomorrow, of who may not ask."""
        what = _STRAYS[self._number % len(_STRAYS)]
        stray = {**row, "id": f"stray-{self._number:03}", "kind": "flatten"}
        day = timedelta(days=1)
        by = {"old": {"asked_at": time_text(now - day)}, "future": {"asked_at": time_text(now + day)}}
        return [stray | by.get(what, {"actor": what})] if what else []
