"""The strategies: which conditions miss now and by how much, what each earned, and its switch on, shadow, off."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, abort, render_template
from sqlalchemy import Connection

from bot.analytics.confluence import Confluence
from bot.analytics.performance import Figures, figures, grouped
from bot.domain.calendar import new_york_day
from bot.domain.strategy_switch import SwitchState
from bot.domain.wording import key_words
from bot.engine.state.records import EngineStatus, StrategyStatRow
from bot.store import read as ask
from bot.store.read.confluences import confluences
from bot.store.read.settings import settings_in_force
from bot.store.read.strategies import ShadowIdea, StrategyRow, shadow_ideas, strategies, would_have_brought
from bot.web.conditions import ConditionMatrix, matrix_of, strategy_of
from bot.web.store_reader import reader

blueprint = Blueprint("strategies", __name__)

SWITCHES: Final = tuple(state.value for state in SwitchState)


@dataclass(frozen=True, slots=True)
class StrategyView:
    """One strategy with what its closed trades came to."""

    row: StrategyRow
    figures: Figures
    matrix: ConditionMatrix | None = None


@dataclass(frozen=True, slots=True)
class StrategiesPage:
    all: tuple[StrategyView, ...]
    chosen: StrategyView | None
    shadow: tuple[ShadowIdea, ...]
    """What the chosen one would have bought while it was switched to shadow."""
    whole: Figures
    today: date
    agreeing: tuple[Confluence, ...] = ()
    """Where several strategies' ideas of the last half hour agree."""

    @property
    def would_have_brought(self) -> Decimal | None:
        """What the shadow's ideas would have come to together, None while none can be judged."""
        return would_have_brought(self.shadow)

    @property
    def counts(self) -> str:
        """How many are in which state, in words."""
        said = [f"{sum(v.row.enabled and v.row.state == state for v in self.all)} {state}" for state in SWITCHES]
        idle = sum(not view.row.enabled for view in self.all)
        return ", ".join(said) + (f", {idle} not enabled by the settings" if idle else "")


@blueprint.get("/strategies")
@blueprint.get("/strategies/<name>")
def page(name: str = "") -> str:
    found = seen(name)
    return render_template(
        "web/strategies.html", active="Strategies", p=found, switches=SWITCHES,
        title_of=lambda idea: key_words(idea.row.contract_key, found.today),
    )  # fmt: skip


def seen(name: str = "") -> StrategiesPage:
    """Return the strategies with one chosen (the first that looks when none is named); 404 for one nobody knows."""
    found = reader().look(lambda connection: strategies_page(connection, name))
    return found or abort(404, f"No strategy is called {name}.")


def strategies_page(connection: Connection, name: str) -> StrategiesPage | None:
    pulse = ask.pulse(connection)
    day = (pulse.session_day if pulse else None) or new_york_day(reader().clock.now())
    trades = reader().closed.book(connection).trades
    earned = dict(grouped(trades, "strategy"))
    nothing = figures(())
    rows = strategies(connection, day, list(earned))
    sections = settings_in_force(connection).get("strategies", {})
    views = tuple(StrategyView(row, earned.get(row.name, nothing), _matrix(row, sections, pulse)) for row in rows)
    chosen = next((v for v in views if v.row.name == name or (not name and v.row.looks)), None)
    if name and chosen is None:
        return None
    shadow = tuple(shadow_ideas(connection, chosen.row.name)) if chosen else ()
    agreeing = confluences(connection, pulse.at if pulse else reader().clock.now())
    return StrategiesPage(views, chosen, shadow, figures(trades), day, tuple(agreeing))


def _matrix(row: StrategyRow, sections: Any, pulse: EngineStatus | None) -> ConditionMatrix | None:
    """Return which conditions hold now, None for one that did not look today or cannot say."""
    strategy = strategy_of(row.name, sections) if row.looks and isinstance(sections, dict) else None
    if strategy is None or pulse is None:
        return None
    return matrix_of(strategy, row.looks, pulse, on=row.state != SwitchState.OFF.value)


@blueprint.get("/strategies.json")
def as_json() -> dict[str, Any]:
    return {"strategies": [_json(view) for view in seen().all]}


def _json(view: StrategyView) -> dict[str, Any]:
    row, earned = view.row, view.figures
    return {
        "name": row.name, "enabled": row.enabled, "state": row.state, "symbols": list(row.symbols),
        "window": row.window, "switched_by": row.switched_by,
        "switched_at": row.switched_at.isoformat() if row.switched_at else None, "open_positions": row.held,
        "open": str(row.open), "trades": earned.trades, "wins": earned.wins, "realized": str(earned.pnl),
        "fees": str(earned.fees), "findings": list(row.findings),
        "degraded_at": row.degraded_at.isoformat() if row.degraded_at else None,
        "expectancy": _text(earned.expectancy), "profit_factor": _text(earned.factor),
        "today": [_look(look) for look in row.looks],
        "conditions": {column.symbol: [asdict(each) for each in column.conditions]
                       for column in (view.matrix.columns if view.matrix else ())},
    }  # fmt: skip


def _look(look: StrategyStatRow) -> dict[str, Any]:
    return {
        "symbol": look.symbol, "evaluated": look.evaluated, "proposed": look.proposed,
        "last_reason": look.last_reason, "at": look.at.isoformat(), "seen": dict(look.seen),
    }  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
