"""How tests wait: for what must come, however slow the machine is that eight others share, and never for time itself.

A limit that a promise of the program names (so many seconds until it has stopped) is measured where nothing else runs:
by `make kill`, `make bench` and the fault days under their own clock. In a test it is the processor's time that is
compared, or only that the thing came.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final

PATIENCE_S: Final = 400.0
"""Spent whole only where what is waited for never comes; below every test's own time limit."""
UNHURRIED: Final = MappingProxyType({"QUANTICITY__ENGINE__STOP_WALL_SECONDS": f"{PATIENCE_S:g}"})
"""For the environment of a program that a test stops: a stop on a busy machine is slow, and none that hangs."""
_NAP_S: Final = 0.01
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


async def until(what: Callable[[], object], nap_s: float = _NAP_S) -> None:
    """Wait until something is so that no event tells of: it is behind a socket, or in another thread or process."""
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(nap_s)


def until_so(what: Callable[[], object], nap_s: float = _NAP_S) -> bool:
    """Wait as `until` does where there is no loop; returns False when it did not come."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(nap_s)
    return True


def processor_time(pid: int) -> float:
    """Return the seconds that a process has worked so far, its children's not counted; 0.0 when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def ended(process: subprocess.Popen[str]) -> int:
    """Wait for a process's end; returns its exit code. One that hangs is asked where: with PYTHONFAULTHANDLER in its
    environment its log then ends with what each thread was at."""
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        process.wait()
        raise


def ends(process: subprocess.Popen[str]) -> tuple[int, float]:
    """Wait for a process's end; returns its exit code and the seconds that it worked from now until then: how long a
    word took to be heard, whatever else kept the machine busy."""
    before = worked = processor_time(process.pid)
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        worked = max(worked, processor_time(process.pid))
        if time.monotonic() > deadline:
            raise AssertionError(f"it has not ended within {PATIENCE_S:g} s")
        time.sleep(_NAP_S)
    return process.returncode, worked - before
