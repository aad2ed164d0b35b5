"""A chain's exposure as text: figures, GEX by strike as bars around the price, and the nearest expiries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bot.domain.calendar import NEW_YORK

if TYPE_CHECKING:
    from bot.analytics.chain_report import ChainReport
    from bot.feeds.quote_table import QuoteTable

HALF: Final = 24
"""Characters of the longest bar on either side."""
_EXPIRIES: Final = 8
_SCALES: Final = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


def chain_text(table: QuoteTable, found: ChainReport, rows: int) -> str:
    """Return the report of a chain with `rows` strikes around the price."""
    return "\n".join([*_figures(table, found), "", *_bars(found, rows), "", *_expiries(found), *_left_out(table)])


def _figures(table: QuoteTable, found: ChainReport) -> Iterator[str]:
    total, walls, seen = found.exposure.total, found.exposure.walls, found.exposure
    yield f"{table.name}  {table.spot:,.2f}  quoted {table.quoted_at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York"
    yield f"{seen.seen:,} contracts in {len(found.expiries)} expiries, {seen.counted:,} with gamma and open interest"
    sides = f"calls {amount(total.call_gex)}, puts {amount(total.put_gex)}"
    yield f"total GEX   {amount(total.gex)} {found.unit}  ({sides})"
    yield f"total DEX   {amount(total.dex)} $"
    yield f"vanna       {amount(total.vanna)} $ a point of volatility,  charm {amount(total.charm)} $ a day"
    side = "" if found.flip is None else "above: " if found.exposure.spot >= found.flip else "below: "
    mood = "moves are damped" if total.gex > 0 else "moves are fed"
    yield f"flip        {_price(found.flip)}" + (f"  (the price is {side}{mood})" if side else "  (keeps its sign)")
    yield f"pin         {_price(seen.pin)}"
    yield f"walls       calls {_price(walls.call)}, puts {_price(walls.put)}"


def _bars(found: ChainReport, rows: int) -> Iterator[str]:
    yield f"GEX by strike, {found.unit}; left of the line it is negative"
    near = sorted(sorted(found.exposure.strikes, key=lambda strike: abs(strike - found.exposure.spot))[:rows])
    most = max((abs(found.exposure.by_strike[strike].gex) for strike in near), default=0.0)
    before = None
    for strike in reversed(near):
        if before is not None and strike < found.exposure.spot <= before:
            yield f"{found.exposure.spot:>12,.2f}  " + "·" * (2 * HALF + 1) + "  spot"
        gex = found.exposure.by_strike[strike].gex
        bar = "█" * round(abs(gex) / most * HALF) if most else ""
        left, right = (f"{bar:>{HALF}}", " " * HALF) if gex < 0 else (" " * HALF, f"{bar:<{HALF}}")
        yield f"{strike:>12,.2f}  {left}|{right}  {amount(gex):>10}{_named(found, strike, before)}".rstrip()
        before = strike


def _named(found: ChainReport, strike: float, above: float | None) -> str:
    walls = found.exposure.walls
    names = [
        name
        for name, level in (("pin", found.exposure.pin), ("call wall", walls.call), ("put wall", walls.put))
        if level == strike
    ]
    if found.flip is not None and strike <= found.flip < (above if above is not None else strike):
        names.append(f"flip {found.flip:,.1f}")
    return f"  {', '.join(names)}" if names else ""


def _expiries(found: ChainReport) -> Iterator[str]:
    yield f"{'expiry':<12}{'GEX':>12}{'DEX':>12}{'max pain':>12}{'pin risk':>10}{'contracts':>11}"
    shown = [each for each in found.expiries if each.gex or each.dex][:_EXPIRIES]
    for each in shown:
        risk = "–" if each.pin_risk is None else f"{each.pin_risk:.0%}"
        yield (
            f"{each.expiry.isoformat():<12}{amount(each.gex):>12}{amount(each.dex):>12}{_price(each.max_pain):>12}"
            f"{risk:>10}{each.contracts:>11,}"
        )
    rest = len(found.expiries) - len(shown)
    if rest:
        yield f"and {rest} more, in every sum; --json has them"


def _left_out(table: QuoteTable) -> Sequence[str]:
    if not table.left_out:
        return ()
    number, reason = table.left_out[0]
    return (f"{len(table.left_out)} rows say nothing of a contract; the first is line {number}: {reason}",)


def amount(value: float) -> str:
    """Return a signed amount in the largest unit that it has one of: -11.00 bn, +4.2 M, 0."""
    for size, name in _SCALES:
        if abs(value) >= size:
            return f"{value / size:+,.2f} {name}"
    return f"{value:+,.0f}" if abs(value) >= 0.5 else "0"


def _price(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")
