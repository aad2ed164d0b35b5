"""Volatility: by expiry and horizon, its rank, realized beside it, the skew."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import Final

from bot.domain.data.volatility import InterpolatedIv, IvRankDay, RealizedVolatility, RiskReversal, TermPoint
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, count, day, decimal, need_day, need_real, real


def iv_rank_day(row: Row) -> IvRankDay:
    """Read a row of iv-rank. The rank is 0 to 100 (34.69): one of 0.65 is the rank 0.65, not 65."""
    return IvRankDay(
        need_day(row, "date"), need_real(row, "iv_rank_1y"), real(row, "volatility"), decimal(row, "close")
    )


def term_point(row: Row) -> TermPoint:
    """Read a row of volatility/term-structure, or a message of its channel, which says no days to expiry."""
    expiry, of_day = need_day(row, "expiry"), day(row, "date")
    return TermPoint(
        expiry=expiry,
        dte=count(row, "dte") if "dte" in row or of_day is None else (expiry - of_day).days,
        iv=need_real(row, "volatility"),
        implied_move=decimal(row, "implied_move"),
        implied_move_share=real(row, "implied_move_perc"),
        day=of_day,
    )


def interpolated_iv(row: Row) -> InterpolatedIv:
    """Read a row of interpolated-iv, its percentile as it is written."""
    percentile = real(row, "percentile")
    if percentile is not None and not 0 <= percentile <= 100:
        raise Malformed(f"percentile={percentile} is neither 0 to 1 nor 0 to 100")
    return InterpolatedIv(
        days=count(row, "days"),
        iv=need_real(row, "volatility"),
        implied_move_share=real(row, "implied_move_perc"),
        percentile=percentile,
        day=day(row, "date"),
    )


def realized_volatility(row: Row) -> RealizedVolatility:
    """Read a row of volatility/realized; of the newest thirty days nothing is realized yet."""
    return RealizedVolatility(
        need_day(row, "date"), real(row, "implied_volatility"), real(row, "realized_volatility"), decimal(row, "price")
    )


def risk_reversal(row: Row) -> RiskReversal:
    """Read a row of historical-risk-reversal-skew."""
    return RiskReversal(need_day(row, "date"), count(row, "delta"), need_real(row, "risk_reversal"))


def _as_shares(rows: tuple[InterpolatedIv, ...]) -> tuple[InterpolatedIv, ...]:
    """Percentiles come as 0 to 1 or as 0 to 100, all of an answer alike: where one is above 1 they are the latter."""
    if not any(row.percentile is not None and row.percentile > 1 for row in rows):
        return rows
    return tuple(row if row.percentile is None else replace(row, percentile=row.percentile / 100) for row in rows)


_DAY: Final = attrgetter("day")
VOLATILITY: Final[Parsers] = {
    "iv_rank": Parser(iv_rank_day, _DAY, _DAY, None),
    "iv_term_structure": Parser(term_point, attrgetter("expiry"), attrgetter("expiry"), None),
    "interpolated_iv": Parser(interpolated_iv, attrgetter("days"), attrgetter("days"), None, settle=_as_shares),
    "realized_volatility": Parser(realized_volatility, _DAY, _DAY, None),
    "risk_reversal_skew": Parser(risk_reversal, lambda r: (r.day, r.delta), lambda r: (r.day, r.delta), None),
}
