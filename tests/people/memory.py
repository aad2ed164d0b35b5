"""What the people's process takes in the course of a whole simulated day."""

from __future__ import annotations

import time
from pathlib import Path

from tests.people.program import Program

ASKED = ("/status", "/profit", "/positions", "/performance", "/show_config", "/logs 50", "/health")


def memory(folder: Path, speed: float = 120) -> list[tuple[str, str]]:
    """Live through a day with people who ask, a model that is asked, and pictures that are drawn."""
    program = Program(folder, "demo", speed)
    program.start("--until-close")
    process, sizes = program.process, []
    assert process is not None
    try:
        while process.poll() is None:
            pid = program.people_pid()
            if pid:
                try:
                    sizes.append(program.rss_mb(pid))
                except OSError:
                    break
            try:
                program.say(ASKED[len(sizes) % len(ASKED)])
            except OSError:
                break  # the day is over
            time.sleep(2.0)
    finally:
        program.stop()
    asked = program.sql("SELECT count(*), sum(model != '') FROM overseer_call")[0]
    said = program.sql("SELECT count(*) FROM message WHERE state = 'sent'")[0][0]
    return [
        ("people's process", f"{sizes[0]:.0f} MB at first, {max(sizes):.0f} MB at most, {sizes[-1]:.0f} at the end"),
        ("in that day", f"{len(sizes)} commands asked, {said} messages sent, overseer calls (of the model) {asked}"),
    ]
