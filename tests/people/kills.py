"""The people's process and the bot killed between a press and its answer: each press has one row and one effect."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any, Final

from tests.people.program import Program, until

_PEOPLE_A_LIFE: Final = 2
"""Its pause before the next start doubles within a life of the bot."""
_SOON_S: Final = 0.4


def kills(folder: Path, count: int = 100, seed: int = 1) -> list[tuple[str, str]]:
    """Kill so many times."""
    chance, program = random.Random(seed), Program(folder, "quiet_day", 4, OVERSEER__ENABLED="false")
    program.start()
    of_people = of_bot = 0
    pressed: list[str] = []
    try:
        for number in range(count):
            entity = f"kill-{number:03}"
            _press(program, entity)
            pressed.append(entity)
            time.sleep(chance.random() * _SOON_S)
            if number % (_PEOPLE_A_LIFE + 1) == _PEOPLE_A_LIFE:
                program.kill()
                of_bot += 1
                program.start()
            else:
                program.kill_people()
                of_people += 1
            until(lambda of=entity: _rows(program, of), f"a row of {entity}")  # type: ignore[misc]
            print(f"{entity}: {_rows(program, entity)}", flush=True)
        return [("kills", f"{of_people} of the people's process, {of_bot} of the bot"), *_figures(program, pressed)]
    finally:
        program.stop()


def _press(program: Program, entity: str) -> None:
    program.raise_alert("BESIDE_FAILED", entity, f"{entity}: acknowledge me")
    message: dict[str, Any] = until(lambda: program.message(entity), f"{entity} at the phone")
    label = next(label for row in message["buttons"] for label, _ in row if label.startswith("Acknowledge"))
    program.press(message, label)


_OF: Final = (
    "SELECT c.state FROM command c, alert a WHERE c.kind = 'ack' AND a.entity = ? AND instr(c.payload, a.id) > 0"
)


def _rows(program: Program, entity: str) -> list[str]:
    """Return the answered rows of a press, [] while there is none or one waits."""
    found = [str(state) for (state,) in program.sql(_OF, entity)]
    return found if found and "queued" not in found else []


def _figures(program: Program, pressed: list[str]) -> list[tuple[str, str]]:
    rows = {entity: _rows(program, entity) for entity in pressed}
    effects = program.sql(
        "SELECT count(*) FROM transition t, alert a WHERE t.machine = 'alert' AND t.trigger = 'acknowledge' AND "
        "t.entity_id = a.id AND a.entity LIKE 'kill-%'"
    )[0][0]
    return [
        ("presses", str(len(pressed))),
        ("with one row that was carried out", str(sum(each == ["done"] for each in rows.values()))),
        ("with several rows", str(sum(len(each) > 1 for each in rows.values()))),
        ("without one", str(sum(not each for each in rows.values()))),
        ("acknowledged, each by one transition", str(effects)),
        ("messages said twice", str(_doubled(program))),
        ("answers told again that say so", str(_told_again(program))),
    ]


def _doubled(program: Program) -> int:
    texts = [each["text"] for each in program.chat() if "kill-" in each["text"] and not _says_again(each["text"])]
    return len(texts) - len(set(texts))


def _told_again(program: Program) -> int:
    """Return how many answers were told once more after a kill, each saying that it may have arrived before."""
    return sum("kill-" in each["text"] and _says_again(each["text"]) for each in program.chat())


def _says_again(text: str) -> bool:
    return text.startswith("After a restart")
