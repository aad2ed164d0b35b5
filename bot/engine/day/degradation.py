"""Strategies judged by their closed trades, whenever one of these has closed or come to something else.

What is found is on the strategy's switch, so that it is told once each time it begins, restarts or not. So many
findings at once switch it off; an owner alone switches it on again, and from there it is judged anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.strategy_switch import StrategySwitch, SwitchChange
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import NEVER
from bot.engine.state.trade_outcomes import TradeOutcomes
from bot.engine.switches import switch_off_degraded
from bot.risk.degradation import DegradationFinding, degradation

JOB = "strategies judged"


@dataclass(slots=True)
class StrategyHealth:
    """Memory between ticks: what was judged last. Nothing of it is needed to survive a restart."""

    _of: TradeOutcomes | None = None
    _moved: int = -1
    _by: object = None

    def rests_until(self, ctx: Context) -> datetime:
        """Return until when there is nothing new to judge."""
        return NEVER if self._is_judged(ctx) else ctx.now

    def look(self, ctx: Context, journal: Journal) -> None:
        """Judge every strategy, where an outcome or a bound has changed."""
        if self._is_judged(ctx):
            return
        outcomes, settings = ctx.ledger.outcomes, ctx.settings.risk.degradation
        self._of, self._moved, self._by = outcomes, outcomes.moved, settings
        if not settings.enabled:
            return
        for strategy in outcomes.strategies():
            kept = ctx.ledger.entities.of(StrategySwitch).get(strategy)
            pnls = [each.pnl for each in outcomes.of(strategy, kept.counted_from if kept is not None else None)]
            found = degradation(pnls, settings)
            if found or (kept is not None and kept.findings):
                _follow(ctx, journal, strategy, found)

    def _is_judged(self, ctx: Context) -> bool:
        outcomes = ctx.ledger.outcomes
        return outcomes is self._of and outcomes.moved == self._moved and self._by is ctx.settings.risk.degradation


def _follow(ctx: Context, journal: Journal, strategy: str, found: Sequence[DegradationFinding]) -> None:
    kept = ctx.ledger.entities.of(StrategySwitch).setdefault(strategy, StrategySwitch(strategy))
    known, names = kept.findings, tuple(finding.name for finding in found)
    if set(names) != set(known):
        journal.change(kept, SwitchChange(findings=names))
    for finding in found:
        if finding.name not in known:
            facts = {"strategy": strategy, "finding": finding.name, **finding.facts}
            journal.alert("STRATEGY_DEGRADED", f"strategy {strategy}: {finding.words}", facts)
    if len(found) >= ctx.settings.risk.degradation.findings_to_disable and kept.degraded_at is None:
        _disable(ctx, journal, kept, found)


def _disable(ctx: Context, journal: Journal, kept: StrategySwitch, found: Sequence[DegradationFinding]) -> None:
    why = "; ".join(finding.words for finding in found)
    facts: dict[str, Any] = {"strategy": kept.id, "findings": {each.name: each.facts for each in found}}
    became_off = switch_off_degraded(ctx, journal, kept, why, facts)
    follows = "it is switched off" if became_off else f"it is {kept.state} already"
    held = sum(position.strategy == kept.id for position in ctx.ledger.positions.values())
    words = f"strategy {kept.id}: {why}; {follows}, its {held} open positions are managed to their end"
    journal.alert("STRATEGY_DISABLED", f"{words}; only an owner switches it on again", facts)
