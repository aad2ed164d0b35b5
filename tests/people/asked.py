"""A day on which every signal is asked, steered from the inbox's page alone: approve one, edit and approve a second,
let a third expire, acknowledge what is critical by its button and by /ack, and flatten with the confirm."""

from __future__ import annotations

import time
from pathlib import Path

from tests.people.page import PersonAtTheInbox
from tests.people.program import Program, until


def asked(folder: Path, speed: float = 2) -> list[tuple[str, str]]:
    """Live through it; each step says when it was done."""
    program = Program(folder, "asked", speed)
    program.start()
    person, began = PersonAtTheInbox(program), time.monotonic()
    found: list[tuple[str, str]] = []

    def done(what: str, words: str) -> None:
        found.append((what, f"after {time.monotonic() - began:.0f} s: {words}"))
        print(*found[-1], sep=": ", flush=True)

    try:
        first = person.sees("Time left", label="Approve")
        person.presses(first, "Approve")
        done("approved", person.sees("APPROVED by owner (telegram)").text.split("\n")[0].strip()[:80])
        second = person.sees("Time left", label="Approve", after=first.id)
        person.presses(second, "Edit")
        person.sees("Answer this message like")
        person.types("edit: qty 1", reply_to=second)
        anew = person.sees("Time left", "Buy 1 at", label="Approve", after=second.id)
        person.presses(anew, "Approve")
        done("edited and approved", person.sees("APPROVED by owner (telegram)", after=second.id).text[:80].strip())
        critical = person.sees("CRITICAL", label="Acknowledge")
        person.presses(critical, "Acknowledge")
        done("acknowledged by its button", person.sees("CRITICAL", "Acknowledged by").text.strip()[:60])
        waiting = "SELECT id FROM alert WHERE severity = 'critical' AND state IN ('raised', 'told', 'escalated')"
        alert = str(until(lambda: program.sql(waiting), "something critical that waits", 900)[0][0])
        person.types(f"/ack {alert[-6:]}")
        until(lambda: program.sql("SELECT 1 FROM alert WHERE id = ? AND state = 'acknowledged'", alert), "/ack")
        done("acknowledged by /ack", str(program.sql("SELECT code FROM alert WHERE id = ?", alert)[0][0]))
        third = person.sees("Time left", label="Approve", after=anew.id)
        done("expired", person.sees("EXPIRED", after=anew.id).text.strip()[:60])
        assert program.sql("SELECT state FROM signal ORDER BY created_at DESC, id")[0][0] == "expired", third.text
        person.types("/flatten")
        question = person.sees("Sell everything at the market?", label="Yes, flatten")
        assert not program.sql("SELECT 1 FROM command WHERE kind = 'flatten'")
        person.presses(question, "Yes, flatten")
        until(lambda: program.sql("SELECT 1 FROM command WHERE kind = 'flatten' AND state = 'done'"), "flatten")
        until(lambda: program.sql("SELECT count(*) FROM position WHERE state != 'closed'")[0][0] == 0, "flat")
        done("flattened", f"{program.sql('SELECT count(*) FROM position')[0][0]} positions are closed")
        return found
    finally:
        program.stop()
