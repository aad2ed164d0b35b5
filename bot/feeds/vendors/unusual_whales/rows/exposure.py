"""Exposure of dealers, by minute, by strike and by expiry."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bot.domain.data.exposure import ExpiryExposure, GreekExposure, SpotGexMinute, StrikeExposure
from bot.feeds.rows import FoldedParser, Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, need_decimal, need_real, real
from bot.feeds.vendors.unusual_whales.fields import day_if_there, strike_of, time_of


def spot_gex_minute(row: Row) -> SpotGexMinute:
    """Read a row of spot-exposures, or a message of the `gex` channel (which calls its time `timestamp`)."""
    return SpotGexMinute(
        at=time_of(row, "time", "timestamp"),
        price=need_decimal(row, "price"),
        gamma_oi=need_real(row, "gamma_per_one_percent_move_oi"),
        gamma_vol=real(row, "gamma_per_one_percent_move_vol") or 0.0,
        gamma_dir=real(row, "gamma_per_one_percent_move_dir") or 0.0,
        charm_oi=real(row, "charm_per_one_percent_move_oi") or 0.0,
        vanna_oi=real(row, "vanna_per_one_percent_move_oi") or 0.0,
    )


def strike_exposure(row: Row) -> StrikeExposure:
    """Read a row of spot-exposures/strike or of .../expiry-strike, or a message of their channels. A side without open
    interest may be null: no gamma."""
    return StrikeExposure(
        strike=strike_of(row),
        price=need_decimal(row, "price"),
        at=time_of(row, "time", "timestamp"),
        call_gamma_oi=real(row, "call_gamma_oi") or 0.0,
        put_gamma_oi=real(row, "put_gamma_oi") or 0.0,
        call_gamma_vol=real(row, "call_gamma_vol") or 0.0,
        put_gamma_vol=real(row, "put_gamma_vol") or 0.0,
        call_delta_oi=real(row, "call_delta_oi") or 0.0,
        put_delta_oi=real(row, "put_delta_oi") or 0.0,
        expiry=day_if_there(row, "expiry"),
    )


def expiry_exposure(row: Row) -> ExpiryExposure:
    """Read a row of spot-exposures/expiry-strike as a part of its expiry."""
    part = strike_exposure(row)
    if part.expiry is None:
        raise Malformed("expiry is missing")
    return ExpiryExposure(
        part.expiry, part.price, part.at, part.call_gamma_oi, part.put_gamma_oi, part.call_gamma_vol,
        part.put_gamma_vol, part.call_delta_oi, part.put_delta_oi,
    )  # fmt: skip


def _of_one_expiry(one: ExpiryExposure, other: ExpiryExposure) -> ExpiryExposure:
    newer = one if one.at >= other.at else other
    return ExpiryExposure(
        one.expiry, newer.price, newer.at, one.call_gamma_oi + other.call_gamma_oi,
        one.put_gamma_oi + other.put_gamma_oi, one.call_gamma_vol + other.call_gamma_vol,
        one.put_gamma_vol + other.put_gamma_vol, one.call_delta_oi + other.call_delta_oi,
        one.put_delta_oi + other.put_delta_oi,
    )  # fmt: skip


def greek_exposure(row: Row) -> GreekExposure:
    """Read a row of greek-exposure, of .../strike, .../expiry or .../strike-expiry. The whole chain's gamma is
    `call_gamma` there and `call_gex` on the others."""
    return GreekExposure(
        strike=strike_of(row) if "strike" in row else None,
        expiry=day_if_there(row, "expiry"),
        day=day_if_there(row, "date"),
        call_gamma=_either(row, "call_gex", "call_gamma"),
        put_gamma=_either(row, "put_gex", "put_gamma"),
        call_delta=real(row, "call_delta") or 0.0,
        put_delta=real(row, "put_delta") or 0.0,
        call_charm=real(row, "call_charm") or 0.0,
        put_charm=real(row, "put_charm") or 0.0,
        call_vanna=real(row, "call_vanna") or 0.0,
        put_vanna=real(row, "put_vanna") or 0.0,
    )


def _either(row: Row, *names: str) -> float:
    """Return the number of the first name that a row has; none of them at all is another data set's row."""
    known = [name for name in names if name in row]
    if not known:
        raise Malformed(f"{names[0]} is missing")
    return real(row, known[0]) or 0.0


def _by_place(row: GreekExposure) -> tuple[str, Decimal, str]:
    expiry, of_day = row.expiry, row.day
    return expiry.isoformat() if expiry else "", row.strike or Decimal(0), of_day.isoformat() if of_day else ""


_GREEK_EXPOSURE: Final = Parser(greek_exposure, _by_place, _by_place, None)
EXPOSURE: Final[Parsers] = {
    "spot_gex": Parser(spot_gex_minute, lambda r: r.at, lambda r: r.at, lambda r: r.at),
    "gex_by_strike": Parser(strike_exposure, lambda r: r.strike, lambda r: r.strike, lambda r: r.at),
    "gex_by_strike_expiry": Parser(
        strike_exposure, lambda r: (r.expiry, r.strike), lambda r: (str(r.expiry or ""), r.strike), lambda r: r.at
    ),
    "gex_by_expiry": FoldedParser(
        expiry_exposure, lambda r: r.expiry, _of_one_expiry, lambda r: r.expiry, lambda r: r.at
    ),
    "greek_exposure": _GREEK_EXPOSURE,
    "greek_exposure_by_strike": _GREEK_EXPOSURE,
    "greek_exposure_by_expiry": _GREEK_EXPOSURE,
    "greek_exposure_by_strike_expiry": _GREEK_EXPOSURE,
}
