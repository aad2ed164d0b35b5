"""Exposure of dealers, by minute and by strike."""

from __future__ import annotations

from typing import Final

from bot.domain.data.exposure import SpotGexMinute, StrikeExposure
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Row, need_decimal, need_real, real
from bot.feeds.vendors.unusual_whales.fields import time_of


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
    """Read a row of spot-exposures/strike. A side without open interest may be null: no gamma."""
    return StrikeExposure(
        strike=need_decimal(row, "strike").normalize() + 0,  # 600.0 becomes 600, and adding 0 keeps it from being 6E+2
        price=need_decimal(row, "price"),
        at=time_of(row, "time", "timestamp"),
        call_gamma_oi=real(row, "call_gamma_oi") or 0.0,
        put_gamma_oi=real(row, "put_gamma_oi") or 0.0,
        call_gamma_vol=real(row, "call_gamma_vol") or 0.0,
        put_gamma_vol=real(row, "put_gamma_vol") or 0.0,
        call_delta_oi=real(row, "call_delta_oi") or 0.0,
        put_delta_oi=real(row, "put_delta_oi") or 0.0,
    )


EXPOSURE: Final[Parsers] = {
    "spot_gex": Parser(spot_gex_minute, lambda r: r.at, lambda r: r.at, lambda r: r.at),
    "gex_by_strike": Parser(strike_exposure, lambda r: r.strike, lambda r: r.strike, lambda r: r.at),
}
