"""What the operating system's signals ask of the bot: SIGINT, SIGTERM, SIGHUP to stop, SIGUSR1 the emergency stop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from typing import Final

from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.ids import ulid
from bot.engine.state.inbox import Inbox
from bot.engine.state.ports import Clock

log: Final = logging.getLogger("quanticity")


def stop_on_signals(within_s: float) -> asyncio.Event:
    """Return the event that a signal sets. A stop that hangs for so many wall seconds is cut short: a crash at any line
    loses nothing."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def asked() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(within_s, _leave, within_s)

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, asked)
    return stop


def emergency_on_signal(inbox: Inbox, clock: Clock) -> None:
    """SIGUSR1 is the emergency stop: it needs neither page nor store to be heard. Its command row is written with its
    answer."""

    def asked() -> None:
        now = clock.now()
        command_id = ulid(now, secrets.randbits(80))
        inbox.put(RequestReceived(command_id, RequestKind.EMERGENCY, {"signal": "SIGUSR1"}, "signal", now))

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked)


def _leave(within_s: float) -> None:
    log.error(f"the stop took longer than {within_s:g} s and is cut short; the next start recovers")
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(1)  # children end with our end of their standard input
