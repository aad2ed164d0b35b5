"""The strategies: what the settings enable, how persons switched them, what they looked at today and what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.analytics.performance import brought_at_expiry
from bot.domain.instruments import option_of_key
from bot.domain.money import ZERO
from bot.domain.signal import SignalState
from bot.domain.strategy_switch import SwitchState
from bot.engine.state.records import StrategyStatRow
from bot.store.bounded import bounded
from bot.store.read.money import open_of
from bot.store.read.reading import columns_of, read
from bot.store.read.running import strategy_stats
from bot.store.read.settings import settings_in_force
from bot.store.read.trading import PositionRow, SignalRow, open_positions
from bot.store.tables.signal import SIGNAL
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.tables.strategy_switch import STRATEGY_SWITCH
from bot.store.tables.transition import TRANSITION
from bot.store.values import parse_json, parse_time

_WINDOW: Final = ("window_from", "window_to")
LOOKED_AT: Final = 300
IN_SHADOW: Final = "SHADOW:"
"""How the reason of an idea begins that was not bought for its strategy's switch (bot/engine/trade/signals.py)."""


@dataclass(frozen=True, slots=True)
class ShadowIdea:
    """An idea that was not bought. `brought`: the dollars that it would have come to if held to its expiry, by the
    underlying's price that the strategy saw last on that day, `spot` at `spot_at`; None before that day, or where
    nothing was seen on it."""

    row: SignalRow
    spot: Decimal | None
    spot_at: datetime | None
    brought: Decimal | None


@dataclass(frozen=True, slots=True)
class SwitchRow:
    id: str
    state: str
    switched_by: str | None
    switched_at: datetime | None
    findings: Sequence[str]
    degraded_at: datetime | None


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """One strategy. `enabled`: the settings have it look at all; `state` is a person's switch beside that, on where
    nobody switched it. `looks` are its counters of the day, one a symbol; `held` its open positions and `open` what
    they came to since their entry, realized and at the bid, in dollars. `findings`: what its closed trades say against
    it now; since `degraded_at` they keep it off."""

    name: str
    enabled: bool
    symbols: tuple[str, ...]
    window: str
    state: str
    switched_by: str | None
    switched_at: datetime | None
    looks: tuple[StrategyStatRow, ...]
    held: int
    open: Decimal
    findings: Sequence[str] = ()
    degraded_at: datetime | None = None

    @property
    def evaluated(self) -> int:
        return sum(look.evaluated for look in self.looks)

    @property
    def proposed(self) -> int:
        return sum(look.proposed for look in self.looks)


def strategies(connection: Connection, day: date, traded: Sequence[str] = ()) -> list[StrategyRow]:
    """Return every strategy: those of the settings in their order, then others that were switched, looked on the New
    York day, hold something, or are among the names that `traded` once."""
    settings = sections_of(settings_in_force(connection).get("strategies", {}))
    switches = {row.id: row for row in read(connection, SwitchRow, columns_of(SwitchRow, STRATEGY_SWITCH))}
    looks, held = strategy_stats(connection, day), open_positions(connection)
    named = [*switches, *(look.strategy for look in looks), *(row.strategy for row in held), *traded]
    names = dict.fromkeys([*settings, *sorted(named)])
    return [_row(name, settings.get(name), switches.get(name), looks, held) for name in names]


def sections_of(settings: Any) -> dict[str, Any]:
    """Return each strategy's section by its name, the scored ones among them, of the settings as they are stored."""
    found = dict(settings) if isinstance(settings, Mapping) else {}
    scored = found.pop("scored", None)
    return found | (dict(scored) if isinstance(scored, Mapping) else {})


def shadow_ideas(connection: Connection, strategy: str, most: int = 20) -> list[ShadowIdea]:
    """Return what a strategy would have bought while its switch was on shadow, the newest first; of its latest
    LOOKED_AT refused signals."""
    idea, step = SIGNAL.c, TRANSITION.c
    refused = columns_of(SignalRow, SIGNAL).where(idea.strategy == strategy, idea.state == SignalState.REJECTED.value)
    latest = read(connection, SignalRow, refused.order_by(idea.created_at.desc()).limit(LOOKED_AT))
    why = select(step.entity_id).where(
        step.machine == "signal", step.entity_id.in_([row.id for row in latest]), step.trigger == "reject",
        step.reason.startswith(IN_SHADOW),
    )  # fmt: skip
    found = set(connection.execute(why).scalars())
    rows = [row for row in latest if row.id in found][:most]
    spots = _last_seen(connection, strategy, rows)
    return [_idea(row, spots) for row in rows]


def would_have_brought(ideas: Sequence[ShadowIdea]) -> Decimal | None:
    """Return what ideas would have come to together in dollars, None while none can be judged."""
    known = [idea.brought for idea in ideas if idea.brought is not None]
    return sum(known, ZERO) if known else None


_Spots = Mapping[tuple[str, str], tuple[Decimal, datetime]]


def _last_seen(connection: Connection, strategy: str, rows: Sequence[SignalRow]) -> _Spots:
    """Return the underlying's last price, and when it was seen, by symbol and New York day of an expiry."""
    stat = STRATEGY_STAT.c
    days = {option.expiry.isoformat() for row in rows if (option := option_of_key(row.contract_key)) is not None}
    query = select(stat.symbol, stat.day, bounded(stat.seen), stat.seen_at).where(
        stat.strategy == strategy, stat.day.in_(sorted(days)), stat.seen_at.is_not(None)
    )
    found: dict[tuple[str, str], tuple[Decimal, datetime]] = {}
    for symbol, day, seen, at in connection.execute(query):
        with suppress(InvalidOperation, KeyError, TypeError):
            found[(symbol, day)] = (Decimal(str((parse_json(seen) or {})["price"])), parse_time(at))
    return found


def _idea(row: SignalRow, spots: _Spots) -> ShadowIdea:
    option = option_of_key(row.contract_key)
    seen = None if option is None else spots.get((option.symbol, option.expiry.isoformat()))
    if option is None or seen is None:
        return ShadowIdea(row, None, None, None)
    return ShadowIdea(row, *seen, brought_at_expiry(option, row.quantity, row.limit_price, seen[0]))


def _row(
    name: str, section: Any, switch: SwitchRow | None, looks: Sequence[StrategyStatRow], held: Sequence[PositionRow]
) -> StrategyRow:
    known: Mapping[str, Any] = section if isinstance(section, Mapping) else {}
    own = [row for row in held if row.strategy == name]
    return StrategyRow(
        name, bool(known.get("enabled")), tuple(str(each) for each in known.get("symbols") or ()),
        " to ".join(str(known[key])[:5] for key in _WINDOW if known.get(key)),
        switch.state if switch else str(known.get("starts", SwitchState.ON.value)),
        switch.switched_by if switch else None,
        switch.switched_at if switch else None, tuple(look for look in looks if look.strategy == name), len(own),
        sum((row.realized_pnl + (open_of(row) or ZERO) for row in own), ZERO),
        switch.findings if switch else (), switch.degraded_at if switch else None,
    )  # fmt: skip
