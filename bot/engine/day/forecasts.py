"""Forecasts at work: what is stated at an entry is put down, and settled when it is known what came.

What was stated and not settled is kept in memory and read from the store at a start. Settled is: a trade's confidence
when the trade is over and its P&L certain (`bot.risk.degradation: outcome_of`); a gain of exactly zero is no win.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from bot.domain.forecast import Forecast, ForecastKind
from bot.domain.position import Position
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.schedule import NEVER
from bot.engine.trade.reviews import confidence_of
from bot.risk.degradation import outcome_of

JOB: Final = "forecasts"
_PERCENT: Final = 100.0


@dataclass(slots=True)
class ForecastBook:
    """Memory between ticks: up to which version of the ledger it was looked; positions that stated nothing."""

    _of: Ledger | None = None
    _version: int = -1
    _silent: set[str] = field(default_factory=set)

    def rests_until(self, ctx: Context) -> datetime:
        """Return until when there is nothing to put down or to settle."""
        return NEVER if ctx.ledger is self._of and ctx.ledger.version == self._version else ctx.now

    def look(self, ctx: Context, journal: Journal) -> None:
        """Put down what new positions were entered on, and settle what is over."""
        ledger = ctx.ledger
        if ledger is self._of and ledger.version == self._version:
            return
        self._of, self._version = ledger, ledger.version
        self._silent &= ledger.positions.keys()
        for position in ledger.positions.values():
            if position.id not in self._silent:
                self._state(ctx, journal, position)
        for forecast in list(ledger.forecasts.values()):
            if forecast.kind is ForecastKind.CONFIDENCE:
                self._settle(ctx, journal, forecast)

    def _state(self, ctx: Context, journal: Journal, position: Position) -> None:
        known = f"{ForecastKind.CONFIDENCE}:{position.id}"
        if known in ctx.ledger.forecasts:
            return
        self._silent.add(position.id)
        signal = ctx.ledger.signal_index.of(position.signal_id)
        said = confidence_of(signal) if signal is not None else None
        if said is None or not 0 <= said <= _PERCENT:
            return
        facts = {"confidence": said, "contract": position.key, "signal_id": position.signal_id}
        journal.foretell(
            Forecast(
                known, ForecastKind.CONFIDENCE, position.strategy, position.contract.symbol, position.id,
                said / _PERCENT, position.opened_at, facts=facts,
            )
        )  # fmt: skip

    @staticmethod
    def _settle(ctx: Context, journal: Journal, forecast: Forecast) -> None:
        position = ctx.ledger.closed.get(forecast.subject)
        outcome = outcome_of(position) if position is not None else None
        if outcome is None:
            return
        facts = {**forecast.facts, "pnl": str(outcome.pnl)}
        journal.foretell(replace(forecast, outcome=float(outcome.pnl > 0), settled_at=outcome.closed_at, facts=facts))
