"""The bot as a process: started against a venue, listened to, killed."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.kill.venue import ROOT, Venue

ACTIVE = re.compile(r"session .*→ active")

# Many small trades, and no limit that ends them: what is under examination is the order protocol.
BUSY = {
    "RISK__MAX_POSITIONS": "8",
    "RISK__MAX_SAME_DIRECTION": "8",
    "RISK__MAX_PER_SYMBOL": "4",
    "RISK__DAILY_LOSS_FRACTION": "1",
    "RISK__DAILY_LOSS_WARNING_FRACTION": "1",
    "RISK__DAILY_LOSS_USD": "0",
    "RISK__MAX_DRAWDOWN_FRACTION": "1",
    "RISK__MAX_LOSSES_IN_A_ROW": "100000",
    "RISK__MAX_CORRELATION": "1",
    "RISK__MAX_PAIR_CORRELATION": "1",
    "ENGINE__ADOPT": "all",
    "LOG__LEVEL": "detail",
    "RISK__MAX_ORDERS_PER_MINUTE": "100000",
    "RISK__MIN_REJECTIONS": "100000",
    "RISK__UW_SILENT_S": "3600",
    "RISK__MAX_PREMIUM_FRACTION": "0.003",
    "STRATEGIES__ZERO_DTE_GAMMA__PIN_DISTANCE": "0.01",
    "STRATEGIES__ZERO_DTE_GAMMA__MIN_GRADE": "D",
    "STRATEGIES__ZERO_DTE_GAMMA__MIN_IMBALANCE": "0.05",
    "STRATEGIES__ZERO_DTE_GAMMA__COOL_DOWN_S": "60",
    "STRATEGIES__ZERO_DTE_GAMMA__EXIT__STOP_LOSS": "0.12",
    "STRATEGIES__ZERO_DTE_GAMMA__EXIT__RUNGS": (
        '[{"gain": "0.04", "sell_fraction": "0.25"}, {"gain": "0.08", "sell_fraction": "0.50"}]'
    ),
    "STRATEGIES__ZERO_DTE_GAMMA__EXIT__TRAIL": "0.06",
    "STRATEGIES__ZERO_DTE_GAMMA__EXIT__SINGLE_TRAIL_FROM": "0.04",
}


def environment(directory: Path, venue: Venue, more: Mapping[str, str]) -> dict[str, str]:
    """Return the process environment of a paper bot at this venue with its store in `directory`."""
    settings = {
        "DATABASE__URL": f"sqlite+aiosqlite:///{directory / 'bot.db'}",
        "DATABASE__BACKUP_DIR": str(directory / "backups"),
        "SIM__STATE_DIR": str(ROOT / "data"),  # the calendar that an earlier run computed
        "IBKR__PORT": str(venue.tws_port),
        "SOURCES__UNUSUAL_WHALES__BASE_URL": f"http://127.0.0.1:{venue.uw_port}",
        "WEB__ENABLED": "false",
        "PEOPLE__USERS": "[{name: ann, role: owner}]",
        **BUSY,
        **more,
    }
    named = {f"QUANTICITY__{key}": value for key, value in settings.items()}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QUANTICITY")}
    return {**kept, **named, "QUANTICITY_HOME": str(directory), "UNUSUAL_WHALES_TOKEN": "simulated"}


class Bot:
    """One process from its start to its death. `active_after` is seconds from the start to a reconciled session,
    `cpu_s` the processor time that it took until then: what a machine with nothing else to do would need at least.
    """

    def __init__(self, directory: Path, venue: Venue, **more: str) -> None:
        since = venue.book().at - timedelta(seconds=venue.speed)
        command = [sys.executable, str(ROOT / "run.py"), "run", "--mode", "paper", "--speed", str(venue.speed)]
        command += ["--start-at", since.isoformat()]
        self.lines: list[str] = []
        self.started = time.monotonic()
        self.active_after: float | None = None
        self.cpu_s = 0.0
        self._heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            command,
            env=environment(directory, venue, more),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip())
            self._heard.put(line)
        self._heard.put(None)

    def until(self, pattern: re.Pattern[str], seconds: float) -> bool:
        """Wait for a line that matches; say whether it came before the time was over or the process ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                line = self._heard.get(timeout=left)
            except queue.Empty:
                return False
            if line is None:
                return False
            if pattern.search(line):
                return True
        return False

    def until_active(self, seconds: float) -> bool:
        """Wait until the session is active, which is after the book agreed with the broker's."""
        if self.until(ACTIVE, seconds):
            self.active_after = time.monotonic() - self.started
            self.cpu_s = self._cpu_so_far()
        return self.active_after is not None

    def _cpu_so_far(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def ended(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL: nothing of ours runs after it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._close()

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; returns the exit code and how many seconds it took."""
        asked = time.monotonic()
        self._process.terminate()
        code, took = self._process.wait(30), time.monotonic() - asked
        self._close()
        return code, took

    def _close(self) -> None:
        assert self._process.stderr is not None
        self._listener.join()
        self._process.stderr.close()
