"""Many alerts at once, and presses one after the other: how soon what is critical is seen, how many messages a chat
gets, whether every alert is counted, and how long a press takes to become a transition on disk."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from tests.people.program import OWNER, STRANGER, Program, until

ALERTS, WITHIN_S, CRITICAL_EVERY = 500, 10.0, 100
PRESSES = 30
ATTEMPTS, ATTEMPTS_S = 1000, 60.0
SPEED = 4  # near a day as it is: at thirty times its speed the machine is what is measured
_HAS_IT = "SELECT 1 FROM alert WHERE entity = ? AND state = 'acknowledged'"


def burst(folder: Path) -> list[tuple[str, str]]:
    """500 alerts within 10 s, every hundredth of them critical."""
    program = Program(folder, "quiet_day", SPEED)
    program.start()
    try:
        _warm_up(program)
        raised = _raise(program)
        seen = {entity: _seen_at(program, entity) - at for entity, at in raised.items()}
        codes = "code IN ('PEOPLE_DOWN', 'BESIDE_FAILED') AND entity LIKE 'burst-%'"
        until(lambda: program.sql(f"SELECT sum(count) FROM alert WHERE {codes}")[0][0] == ALERTS, "every alert counted")
        time.sleep(60.0)  # a minute of messages
        lates = [seconds for seconds in seen.values() if seconds > 2.0]
        return [
            ("alerts raised within", f"{ALERTS} in {WITHIN_S:g} s, {len(raised)} critical"),
            ("critical ones seen after", f"{max(seen.values()):.2f} s at most; beyond 2 s: {len(lates)}"),
            ("alerts on record", str(program.sql(f"SELECT count(*), sum(count) FROM alert WHERE {codes}")[0])),
            ("most messages a minute in a chat", str(program.most_in_a_minute())),
            ("messages in the owner's chat", str(len(program.chat()))),
            ("told in them", str(_told(program))),
        ]
    finally:
        program.stop()


def _warm_up(program: Program) -> None:
    """Have something said, so that the channel's library is loaded before anything is measured."""
    program.raise_alert("BESIDE_FAILED", "warm-up", "warm-up: nothing of the burst")
    until(lambda: program.message("warm-up"), "the first message")


def _raise(program: Program) -> dict[str, float]:
    """Raise them evenly; returns when each critical one was."""
    began, raised = time.monotonic(), {}
    for number in range(ALERTS):
        while time.monotonic() < began + WITHIN_S * number / ALERTS:
            time.sleep(0.002)
        critical = number % CRITICAL_EVERY == CRITICAL_EVERY // 2
        entity = f"burst-{number:03}"
        if critical:
            raised[entity] = time.time()
        program.raise_alert("BESIDE_FAILED" if critical else "PEOPLE_DOWN", entity, f"{entity}: many at once")
    return raised


def _seen_at(program: Program, entity: str) -> float:
    message = until(lambda: program.message(entity), f"{entity} at the owner's phone")
    return float(message["stamp"]["wall"])


def _told(program: Program) -> int:
    """Return how many alerts the messages of the owner's chat speak of."""
    about = "SELECT count(DISTINCT value) FROM message, json_each(message.extra, '$.alert_ids')"
    return int(program.sql(f"{about} WHERE channel = 'telegram' AND state = 'sent' AND target = 'owner'")[0][0])


def presses(folder: Path) -> list[tuple[str, str]]:
    """Press Acknowledge of one alert after the other, and see when its transition is on disk."""
    program = Program(folder, "quiet_day", SPEED)
    program.start()
    took = []
    try:
        _warm_up(program)
        for number in range(PRESSES):
            entity = f"press-{number:02}"
            program.raise_alert("BESIDE_FAILED", entity, f"{entity}: one at a time")
            message = until(lambda holds=entity: program.message(holds), f"{entity} at the phone")  # type: ignore[misc]
            label = next(label for row in message["buttons"] for label, _ in row if label.startswith("Acknowledge"))
            began = time.monotonic()
            program.press(message, label, OWNER)
            until(lambda of=entity: program.sql(_HAS_IT, of), f"{entity} acknowledged", look_s=0.01)  # type: ignore[misc]
            took.append(time.monotonic() - began)
            time.sleep(6.5)  # a chat gets twenty messages a minute: the alert and the answer
        took.sort()
        p95 = took[int(len(took) * 0.95)]
        return [
            ("press to transition", f"median {statistics.median(took):.2f} s, p95 {p95:.2f} s, most {took[-1]:.2f}")
        ]
    finally:
        program.stop()


def attempts(folder: Path) -> list[tuple[str, str]]:
    """A thousand attempts of a stranger within a minute; nobody else wants anything of the owner."""
    program = Program(folder, "quiet_day", SPEED, OVERSEER__ENABLED="false")
    program.start()
    try:
        before, began = {each["id"] for each in program.chat()}, time.monotonic()
        program.say("/flatten 0", STRANGER)
        until(lambda: _of_strangers(program), "the owner told at the first")
        told_s = time.monotonic() - began
        for number in range(1, ATTEMPTS):
            while time.monotonic() < began + ATTEMPTS_S * number / ATTEMPTS:
                time.sleep(0.005)
            program.say(f"/flatten {number}", STRANGER)
        took = time.monotonic() - began
        counted = "SELECT coalesce(sum(json_extract(payload, '$.count')), 0) FROM inbound WHERE kind = 'attempt'"
        until(lambda: program.sql(counted)[0][0] >= ATTEMPTS, "all of them on record")
        until(lambda: f"{ATTEMPTS} attempts" in _of_strangers(program)[0]["text"], "their number in the message", 300)
        acted = program.sql("SELECT count(*) FROM command WHERE actor LIKE 'admin:telegram:%'")[0][0]
        in_view = program.sql("SELECT count(*) FROM v_admin_actions WHERE actor LIKE 'admin:telegram:%'")[0][0]
        others = [each for each in program.chat() if each["id"] not in before and each not in _of_strangers(program)]
        return [
            ("attempts", f"{ATTEMPTS} in {took:.0f} s, {program.sql(counted)[0][0]} counted"),
            ("answers to the stranger", str(len(program.chat(STRANGER)))),
            ("messages to the owner", f"{len(_of_strangers(program))}, {told_s:.1f} s after the first attempt"),
            ("in the end it says", _of_strangers(program)[0]["text"].split("\n")[0]),
            ("other messages meanwhile", str([each["text"][:60] for each in others])),
            ("carried out", str(acted)), ("rows in v_admin_actions", str(in_view)),
        ]  # fmt: skip
    finally:
        program.stop()


def _of_strangers(program: Program) -> list[dict[str, Any]]:
    return [each for each in program.chat() if "Strangers tried" in each["text"]]
