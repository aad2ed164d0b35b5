"""What of the market is written down for whoever reads it by name: rows of data sets, figures derived from quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bot.analytics.dealers import DealersExposure, dealers
from bot.analytics.exposure import Convention, convention_of
from bot.analytics.macro import macro_values
from bot.analytics.registry import measures_of
from bot.domain.data.sets import MARKET_WIDE, OPTION_CONTRACTS
from bot.domain.events.feeds import DatumReceived
from bot.domain.readings import MARKET, PORTFOLIO, Reading
from bot.engine.state.board import Board
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import FeedRows

MACRO: Final = "macro"
DEALERS: Final = "dealers"
"""The data set of dealers' exposure as we work it out, a key an underlying."""
MEASURED: Final = "measures"
"""The data set of what each measure says, a key an underlying and one of the whole market."""
STRIKES_SHOWN: Final = 60
_MEASURES_MAX_AGE_S: Final = 600.0
_MACRO_MAX_AGE_S: Final = 900.0
_BROKER: Final = "ibkr"


def shown_rows(event: DatumReceived) -> FeedRows:
    """Return the last rows of an answer, as many as are shown of it."""
    value: Sequence[Any] = event.value
    return FeedRows(
        event.dataset, event.key, event.source, event.received_at, event.source_at, event.ttl_s, len(value),
        value[-event.shown :],
    )  # fmt: skip


def macro_rows(board: Board, now: datetime) -> FeedRows | None:
    """Return the macro figures of this moment as rows, None while no input of any is there."""
    found = macro_values(board.quote)
    if not found:
        return None
    oldest = min(each.at for each in found)
    return FeedRows(MACRO, MARKET_WIDE, _BROKER, now, oldest, _MACRO_MAX_AGE_S, len(found), found)


class DealersShown:
    """Writes dealers' exposure down for people when a chain has come: one underlying at a time, the others later."""

    def __init__(self) -> None:
        self._shown: dict[str, object] = {}

    def show(self, ctx: Context, journal: Journal) -> None:
        """Write down the next underlying's, where one is due."""
        rows = self.take(ctx.board, ctx.now, convention_of(ctx.settings.exposure))
        if rows is None:
            return
        for each in (rows, *(measure_rows(ctx.board, key, ctx.now) for key in (rows.key, MARKET, PORTFOLIO))):
            journal.batch.feed_rows[each.dataset, each.key] = each

    def take(self, board: Board, now: datetime, convention: Convention) -> FeedRows | None:
        """Return the rows of the first underlying whose chain is not shown yet, None where all are."""
        for (dataset, symbol), datum in board.data().items():
            if dataset != OPTION_CONTRACTS or self._shown.get(symbol) is datum:
                continue
            self._shown[symbol] = datum
            found = dealers(board, symbol, now, convention)
            if isinstance(found, DealersExposure):
                rows = dealers_rows(found)
                return FeedRows(DEALERS, symbol, _OURS, now, found.at, datum.ttl_s, len(rows), rows)
            said = {"of": "total", "absent": found}
            return FeedRows(DEALERS, symbol, _OURS, now, datum.received_at, datum.ttl_s, 1, (said,))
        return None


_OURS: Final = "analytics"


def dealers_rows(found: DealersExposure) -> Sequence[dict[str, Any]]:
    """Return one row of the whole (`of` total), one a strike near the price, one an expiry; dollars."""
    own, vendor, total = found.own, found.vendor, found.own.exposure.total
    near = sorted(own.exposure.by_strike, key=lambda strike: abs(strike - found.spot))[:STRIKES_SHOWN]
    nets = {strike: (gex, dex) for strike, gex, dex in vendor.by_strike}
    told = sorted(nets, key=lambda strike: abs(strike - found.spot))[:STRIKES_SHOWN]
    walls = own.exposure.walls
    whole = {
        "of": "total", "spot": found.spot, "unit": own.unit, "gex": total.gex, "dex": total.dex, "vanna": total.vanna,
        "charm": total.charm, "flip": own.flip, "pin": own.exposure.pin, "call_wall": walls.call,
        "put_wall": walls.put, "max_pain": own.expiries[0].max_pain, "pin_risk": own.expiries[0].pin_risk,
        "contracts": own.exposure.seen, "vendor_gex": vendor.total, "vendor_summed": vendor.summed,
        "vendor_pin": vendor.pin, "vendor_flip": vendor.flip, "vendor_max_pain": vendor.max_pain,
    }  # fmt: skip
    strikes = [
        {"of": "strike", "strike": strike, **_of_strike(found, strike), **_of_vendor(nets.get(strike))}
        for strike in sorted({*near, *told})
    ]
    expiries: list[dict[str, Any]] = [
        {"of": "expiry", "expiry": each.expiry, "gex": each.gex, "dex": each.dex, "max_pain": each.max_pain,
         "pin_risk": each.pin_risk, "contracts": each.contracts}
        for each in own.expiries
    ]  # fmt: skip
    for row in expiries:
        row["vendor_gex"] = vendor.by_expiry.get(row["expiry"])
    known = {row["expiry"] for row in expiries}
    expiries += [
        {"of": "expiry", "expiry": day, "vendor_gex": gex}
        for day, gex in sorted(vendor.by_expiry.items())
        if day not in known
    ]
    return [*strikes, *expiries, whole]  # where there is no room for all, the first ones are left out


def _of_strike(found: DealersExposure, strike: float) -> dict[str, float | None]:
    sums = found.own.exposure.by_strike.get(strike)
    return {"gex": None, "dex": None} if sums is None else {"gex": sums.gex, "dex": sums.dex}


def _of_vendor(known: tuple[float, float] | None) -> dict[str, float | None]:
    return {"vendor_gex": None, "vendor_dex": None} if known is None else dict(zip(_VENDORS, known, strict=True))


_VENDORS: Final = ("vendor_gex", "vendor_dex")


def measure_rows(board: Board, key: str, now: datetime) -> FeedRows:
    """Return what every measure says of a key (an underlying, the market, the portfolio), a row each."""
    said = {name: board.measure(name, key) for name in measures_of(key)}
    rows = [_of_measure(name, reading) for name, reading in said.items() if reading is not None]
    return FeedRows(MEASURED, key, _OURS, now, now, _MEASURES_MAX_AGE_S, len(rows), rows)


def _of_measure(name: str, reading: Reading) -> dict[str, Any]:
    parts = reading.value if isinstance(reading.value, Mapping) else {}
    words = ", ".join(
        f"{part} {_short(value)}" for part, value in parts.items() if part != "value" and value is not None
    )
    return {
        "name": name, "value": reading.number, "unit": reading.unit, "at": reading.at, "absent": reading.absent,
        "parts": words,
    }  # fmt: skip


def _short(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
