"""(d) Resident memory of bot and page after a simulated day, the venue left out; the reference is a bare
interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.result import Result

_ROOT = Path(__file__).resolve().parents[1]
_AIM_MB = 200.0
_SAMPLE_S = 1.0


def _resident_mb(pid: int) -> float:
    """Return the proportional share of resident memory, so that pages shared by two processes count once."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _page_of(pid: int) -> int | None:
    for child in _children(pid):
        if b"bot.web" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    return None


def _sample(pid: int) -> dict[str, float]:
    page = _page_of(pid)
    return {"bot": _resident_mb(pid), "page": _resident_mb(page) if page else 0.0}


def _bare_mb() -> float:
    code = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as bare:
        time.sleep(0.5)
        return _resident_mb(bare.pid)


def _live_a_day(folder: Path) -> tuple[Mapping[str, float], int]:
    environment = {
        **os.environ,
        "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{folder / 'day.db'}",
        "QUANTICITY__WEB__PORT": "0",
    }
    command = [sys.executable, "run.py", "--scenario", "demo", "--speed", "240", "--until-close"]
    last: dict[str, float] = {}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=log, stderr=log) as bot,
    ):
        while bot.poll() is None:
            try:
                seen = _sample(bot.pid)
            except (FileNotFoundError, ProcessLookupError):
                break  # it ended while we looked
            last = seen if seen["page"] or not last else last
            time.sleep(_SAMPLE_S)
        return last, bot.wait()


def run() -> list[Result]:
    if not sys.platform.startswith("linux"):
        return [
            Result(
                "memory after a simulated day", "measured on Linux only", "not measured", f"{_AIM_MB:g} MB", met=False
            )
        ]
    with tempfile.TemporaryDirectory(prefix="quanticity-") as folder:
        last, code = _live_a_day(Path(folder))
    bare = _bare_mb()
    total = sum(last.values())
    parts = f"bot {last.get('bot', 0):.0f} MB, page {last.get('page', 0):.0f} MB"
    figures = f"{parts}, exit code {code}; bare Python {bare:.0f} MB"
    measured = f"{total:.0f} MB ({total / bare:.0f}x bare)"
    return [
        Result("memory after a simulated day", figures, measured, f"{_AIM_MB:g} MB", code == 0 and 0 < total < _AIM_MB)
    ]
