"""The log of a short built day, word for word: an idea, a fill, a stop."""

from __future__ import annotations

import logging
from pathlib import Path

from bot.config.loader import load
from bot.strategies.base import Strategy
from tests.config.minute import Minute, live_a_minute
from tests.faults.day import EagerStrategy

LOG = """
connection           synced: every snapshot complete
session              active: our book and the broker's agree
SPY 580C 20 Nov      idea SS54ER: eager proposes a call: SPY 580C 20 Nov 2026
SPY 580C 20 Nov      approved by rules: 9 x SPY 580C 20 Nov at 2.03
SPY 580C 20 Nov      bought 9 at 2.03, holding 9 · day −$33.03
SPY 580C 20 Nov      stop for 9 at 1.02 works at the broker
SPY 580C 20 Nov      the stop at 1.02 was hit
SPY 580C 20 Nov      sold 9 at 0.07, 0 left · day −$1,776.15
SPY 580C 20 Nov      closed, stop, realized −$1,776.15 · day −$1,776.15
session              stopping: the minute is over
"""


class OneIdea(Minute):
    """A minute in which one strategy has one idea."""

    def strategies(self) -> list[Strategy]:
        eager = EagerStrategy("eager", cool_down_s=1000.0, exit=self.plan.setting.exit)
        eager.busy = self._busy
        return [eager]


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


NOT_THE_DAYS = ("alert ", "request stray-")
"""What the people of a fault day do beside the trade, and that the built calendar has one day."""


async def test_a_short_day_reads_so(tmp_path: Path) -> None:
    lines, logger = Lines(), logging.getLogger("quanticity")
    logger.addHandler(lines)
    try:
        lived = await live_a_minute(load(tmp_path, {"sim.speed": 1.0}, {}), OneIdea)
    finally:
        logger.removeHandler(lines)
    assert lived.broken == []
    told = [line for line in lines.kept if not line.startswith(NOT_THE_DAYS)]
    assert "\n".join(told) == LOG.strip()
