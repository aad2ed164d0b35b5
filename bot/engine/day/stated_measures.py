"""What measures state of the rest of the day: put down at a moment of the session, settled by the price at its close.

| forecast | stated | it came when |
|---|---|---|
| pin_risk | 15:00, of the expiry that ends today | the close is within half a strike of max pain |
| moc | 15:50, its confidence | the close is on the side of the price then that was said |
| expected_move | 15 minutes after the open | realized over implied: how far the close is from the price then |

Times move with an early close. Only what somebody asked for that day is put down: it costs nothing to be kept to one's
word. A measure that says nothing fit within GRACE of its moment has stated nothing that day; where no price of the
close came within PATIENCE, the forecast is void and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from bot.domain.calendar import TradingSession
from bot.domain.forecast import Forecast, ForecastKind
from bot.domain.readings import Reading
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import NEVER

GRACE: Final = timedelta(minutes=10)
PATIENCE: Final = timedelta(hours=1)
AFTER_CLOSE: Final = timedelta(minutes=1)
_AGAIN: Final = timedelta(seconds=30)
_CERTAIN: Final = 100.0

Facts = Mapping[str, Any]
Statement = Callable[[Context, str, Reading, float], tuple[float, Facts] | None]
"""Returns what a reading states of a symbol at a price, None where it states nothing of today."""
Outcome = Callable[[Facts, float, float], float]
"""Returns what came, from the facts, what was stated and the price at the close."""


@dataclass(frozen=True, slots=True)
class StatedMeasure:
    """A measure that is held to its word: of which kind, when it is put down, what it states, and what comes of it."""

    kind: ForecastKind
    moment: Callable[[TradingSession], datetime]
    states: Statement
    outcome: Outcome


def _pin_risk(ctx: Context, symbol: str, reading: Reading, price: float) -> tuple[float, Facts] | None:
    said, today = reading.value, ctx.trading.day
    if not isinstance(said, Mapping) or said.get("expiry") != today.isoformat() or said.get("strike") is None:
        return None
    chain = ctx.board.chain(symbol)
    listing = chain.listing(today) if chain is not None else None
    strike = float(said["strike"])
    near = [] if listing is None else [float(b - a) for a, b in pairwise(listing.strikes) if strike in {a, b}]
    probability = reading.number
    if not near or probability is None:
        return None
    return probability, {"strike": strike, "half": min(near) / 2, "price": price}


def _moc(ctx: Context, symbol: str, reading: Reading, price: float) -> tuple[float, Facts] | None:
    said = reading.value
    if not isinstance(said, Mapping) or not said.get("direction"):
        return None
    return float(said["confidence"]) / _CERTAIN, {"direction": int(said["direction"]), "price": price}


def _expected_move(ctx: Context, symbol: str, reading: Reading, price: float) -> tuple[float, Facts] | None:
    implied = reading.number
    if implied is None or implied <= 0 or not reading.unit.startswith("$"):
        return None
    return implied, {"price": price}


STATED: Final[Mapping[str, StatedMeasure]] = {
    "pin_risk": StatedMeasure(
        ForecastKind.PIN_RISK, lambda session: session.cut_off(time(15)), _pin_risk,
        lambda facts, stated, close: float(abs(close - facts["strike"]) <= facts["half"]),
    ),
    "moc": StatedMeasure(
        ForecastKind.MOC, lambda session: session.cut_off(time(15, 50)), _moc,
        lambda facts, stated, close: float((close - facts["price"]) * facts["direction"] > 0),
    ),
    "expected_move": StatedMeasure(
        ForecastKind.EXPECTED_MOVE, lambda session: session.open_at + timedelta(minutes=15), _expected_move,
        lambda facts, stated, close: abs(close - facts["price"]) / stated,
    ),
}  # fmt: skip
"""A measure that states something of the future is a row here."""


@dataclass(slots=True)
class StatedMeasures:
    """Memory between ticks: what was put down of which day, and when it was last looked."""

    _day: object = None
    _put_down: frozenset[str] = frozenset()
    _looked_at: datetime | None = None

    def rests_until(self, ctx: Context) -> datetime:
        """Return when something may be stated or settled next."""
        now, session = ctx.now, ctx.trading
        moments = [each.moment(session) for each in STATED.values()]
        if any(at <= now < at + GRACE for at in moments):
            return self._again(now)
        due = [each.due_at for each in ctx.ledger.forecasts.values() if each.due_at is not None]
        if any(at <= now for at in due):
            return self._again(now)
        return min((at for at in (*moments, *due) if at > now), default=NEVER)

    def _again(self, now: datetime) -> datetime:
        return now if self._looked_at is None else max(now, self._looked_at + _AGAIN)

    def look(self, ctx: Context, journal: Journal) -> None:
        """Put down what is stated now, and settle what is due."""
        if ctx.now < self._again(ctx.now) or not ctx.hour_is_known:
            return
        self._looked_at = ctx.now
        if self._day != ctx.trading.day:
            self._day, self._put_down = ctx.trading.day, frozenset(ctx.ledger.forecasts)
        for name, each in STATED.items():
            if each.moment(ctx.trading) <= ctx.now < each.moment(ctx.trading) + GRACE:
                self._state(ctx, journal, name, each)
        for forecast in list(ctx.ledger.forecasts.values()):
            if forecast.due_at is not None and forecast.due_at <= ctx.now:
                _settle(ctx, journal, forecast)

    def _state(self, ctx: Context, journal: Journal, name: str, each: StatedMeasure) -> None:
        for (measure, symbol), reading in sorted(ctx.board.measured.readings().items(), key=lambda item: item[0]):
            known = f"{each.kind}:{symbol}:{ctx.trading.day}"
            price = _price(ctx, symbol)
            if measure != name or known in self._put_down or price is None or reading.fault(ctx.now):
                continue
            found = each.states(ctx, symbol, reading, price)
            if found is None:
                continue
            self._put_down |= {known}
            due = ctx.trading.close_at + AFTER_CLOSE
            day = ctx.trading.day.isoformat()
            journal.foretell(Forecast(known, each.kind, name, symbol, day, found[0], ctx.now, due, found[1]))


def _settle(ctx: Context, journal: Journal, forecast: Forecast) -> None:
    close, due = _price(ctx, forecast.symbol), forecast.due_at or ctx.now
    if close is None or ctx.now > due + PATIENCE:
        if ctx.now > due + PATIENCE:
            journal.foretell(replace(forecast, settled_at=ctx.now, note="no price of the close came"))
        return
    outcome = STATED[forecast.stated_by].outcome(forecast.facts, forecast.stated, close)
    facts = {**forecast.facts, "close": close}
    journal.foretell(replace(forecast, outcome=outcome, settled_at=ctx.now, facts=facts))


def _price(ctx: Context, symbol: str) -> float | None:
    """Return an underlying's price that is no older than a minute and no trade that was halted."""
    quote = ctx.board.quote(symbol)
    if quote is None or quote.halted or quote.is_stale(ctx.now, timedelta(minutes=1)):
        return None
    found: Decimal | None = quote.reference
    return float(found) if found is not None and found > 0 else None
