"""Switches that the settings turn: how a strategy starts until a person turns its switch.

A new scored strategy starts in shadow, as most shipped ones do: it looks, and what it would have bought is on record.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.config.strategies import Starts
from bot.domain.strategy_switch import TRIGGER_TO, StrategySwitch, SwitchChange, SwitchState
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

BY_THE_SETTINGS = "settings"
"""Who turned a switch that nobody else did."""


@dataclass
class StartingSwitches:
    """Memory between ticks: for which strategies, in which ledger, this was done."""

    done_for: tuple[object, object, object] = (None, None, None)

    def turn(self, ctx: Context, journal: Journal) -> None:
        """Turn the switches that nobody has turned to what the settings say; done when the settings are new."""
        ledger, settings, strategies = self.done_for
        if ledger is ctx.ledger and settings is ctx.settings.strategies and strategies is ctx.strategies:
            return
        self.done_for = (ctx.ledger, ctx.settings.strategies, ctx.strategies)
        sections = ctx.settings.strategies.sections()
        for name in ctx.strategies:
            section = sections.get(name)
            _turn(ctx, journal, name, section.starts if section is not None else Starts.ON)


def _turn(ctx: Context, journal: Journal, name: str, starts: Starts) -> None:
    switches, wanted = ctx.ledger.entities.of(StrategySwitch), SwitchState(starts.value)
    kept = switches.get(name)
    if kept is None and wanted is SwitchState.ON:
        return
    if kept is not None and (kept.state is wanted or kept.switched_by not in {None, BY_THE_SETTINGS}):
        return
    if kept is not None and kept.degraded_at is not None:
        return
    if kept is None:
        kept = switches.setdefault(name, StrategySwitch(name))
    words = f"starts {wanted} by the settings, until a person switches it"
    sets = SwitchChange(switched_by=BY_THE_SETTINGS, switched_at=ctx.now)
    journal.take(Step(kept, TRIGGER_TO[wanted], words, {"from": str(kept.state)}, sets))
