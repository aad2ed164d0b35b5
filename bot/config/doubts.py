"""Settings that are allowed and may yet not be meant: `check` asks about each in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.config.overseer import OverseerSettings
from bot.config.risk import RiskSettings
from bot.config.schema import Settings
from bot.config.strategies import SESSION_CLOSES, SESSION_OPENS, PlanName, StrategySettings


def doubts(settings: Settings, sources: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each setting that makes another one idle, or everything."""
    yield from _idle_limits(settings.risk)
    yield from (words for is_so, words in _orders(settings) if is_so)
    yield from _windows(settings)
    yield from _overseer(settings.overseer)
    for name, strategy in settings.strategies.sections().items():
        if strategy.enabled:
            yield from (words for is_so, words in _late_entries(name, strategy, settings.risk) if is_so)
            yield from _unserved(name, strategy, sources)


def _overseer(overseer: OverseerSettings) -> Iterator[str]:
    if overseer.enabled and overseer.model and overseer.model not in overseer.models:
        known = ", ".join(overseer.models)
        yield f"overseer.model {overseer.model} is none of overseer.models ({known}): the rules' texts stand"


def _idle_limits(risk: RiskSettings) -> Iterator[str]:
    for name in ("max_per_symbol", "max_same_direction"):
        if getattr(risk, name) > risk.max_positions:
            yield f"risk.{name} {getattr(risk, name)} is above risk.max_positions {risk.max_positions}: never reached"
    for name in ("max_premium_fraction", "daily_loss_fraction", "max_spread_fraction", "max_drawdown_fraction"):
        if getattr(risk, name) in {0, 1}:
            effect = "it limits nothing" if getattr(risk, name) else "nothing will be entered"
            yield f"risk.{name} is {getattr(risk, name)}: {effect}"


def _orders(settings: Settings) -> Iterator[tuple[bool, str]]:
    """Yield what should come before what, whether it does not, and what that leads to."""
    risk = settings.risk
    yield (
        risk.max_premium_fraction > risk.daily_loss_fraction,
        "risk.max_premium_fraction is above risk.daily_loss_fraction: one trade may lose more than a day may",
    )
    yield (
        risk.daily_loss_warning_fraction > risk.daily_loss_fraction,
        "risk.daily_loss_warning_fraction is above risk.daily_loss_fraction: the halt comes before the warning",
    )
    yield (
        risk.daily_loss_fraction > risk.max_drawdown_fraction,
        "risk.daily_loss_fraction is above risk.max_drawdown_fraction: that one halts first",
    )
    yield (
        settings.execution.entry_timeout_s > settings.approval.signal_ttl_s,
        "execution.entry_timeout_s is above approval.signal_ttl_s: the signal expires first",
    )


def _late_entries(name: str, strategy: StrategySettings, risk: RiskSettings) -> Iterator[tuple[bool, str]]:
    last = risk.no_moc_after if strategy.exit_plan is PlanName.MOC else risk.no_zero_dte_after
    yield (
        strategy.window_from >= last,
        f"risk.no_zero_dte_after is before the window of {name}: nothing of the same day will be entered",
    )
    yield (
        last > strategy.exit.flat_at,
        f"risk.no_zero_dte_after is after exit.flat_at of {name}: what is entered between them is sold at once",
    )


def _windows(settings: Settings) -> Iterator[str]:
    for window in settings.ibkr.restart_windows:
        if SESSION_OPENS <= window.begins < SESSION_CLOSES:
            begins = f"ibkr.restart_windows {window.name!r} begins at {window.begins:%H:%M}"
            yield f"{begins}, within the session: nothing will be sold while it lasts"


def _unserved(name: str, strategy: StrategySettings, sources: Mapping[str, Any]) -> Iterator[str]:
    if not strategy.symbols:
        yield f"strategies.{name}.symbols is empty: nothing will be entered"
    lists = [vendor.get("symbols") for vendor in sources.values() if isinstance(vendor, Mapping)]
    served = {str(symbol) for symbols in lists if isinstance(symbols, list) for symbol in symbols}
    for symbol in sorted(set(strategy.symbols) - served) if served else ():
        yield f"{symbol} is among the symbols of {name} and not among those of a data source: it has no data"
