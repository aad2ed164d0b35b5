"""What is going to happen: earnings, economic releases, decisions of the FDA."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from bot.domain.data.calendar import EarningsMove, EarningsReport, EconomicEvent, FdaEvent, ReportTime
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, day, decimal, flag, need_day, need_instant, real, text

_TIMES: Final[Mapping[str, ReportTime]] = MappingProxyType(
    {
        "premarket": ReportTime.PRE_MARKET,
        "postmarket": ReportTime.AFTER_HOURS,
        "afterhours": ReportTime.AFTER_HOURS,
        "unknown": ReportTime.UNKNOWN,
        "": ReportTime.UNKNOWN,
    }
)


def report_time(row: Row) -> ReportTime:
    """Return when of its day a report comes; a word that nobody knows is unknown."""
    return _TIMES.get(text(row, "report_time").lower(), ReportTime.UNKNOWN)


def earnings_report(row: Row) -> EarningsReport:
    """Read a row of earnings/afterhours or earnings/premarket; before the report most numbers are null."""
    ticker = text(row, "symbol") or text(row, "ticker")
    if not ticker:
        raise Malformed("symbol is missing")
    return EarningsReport(
        ticker=ticker,
        day=need_day(row, "report_date"),
        when=report_time(row),
        expected_eps=decimal(row, "street_mean_est"),
        actual_eps=decimal(row, "actual_eps"),
        expected_move_share=real(row, "expected_move_perc"),
        reaction=real(row, "reaction"),
        quarter_ends=day(row, "ending_fiscal_quarter"),
        name=text(row, "full_name"),
        sector=text(row, "sector"),
        is_sp500=flag(row, "is_s_p_500"),
        is_estimated=text(row, "source") == "estimation",
    )


def earnings_move(row: Row) -> EarningsMove:
    """Read a row of earnings/{ticker}; the next report stands first, with nulls."""
    return EarningsMove(
        day=need_day(row, "report_date"),
        when=report_time(row),
        expected_eps=decimal(row, "street_mean_est"),
        actual_eps=decimal(row, "actual_eps"),
        expected_move_share=real(row, "expected_move_perc"),
        move_1d=real(row, "post_earnings_move_1d"),
        move_1w=real(row, "post_earnings_move_1w"),
        before_1d=real(row, "pre_earnings_move_1d"),
        before_1w=real(row, "pre_earnings_move_1w"),
        long_straddle_1d=real(row, "long_straddle_1d"),
        short_straddle_1d=real(row, "short_straddle_1d"),
    )


def economic_event(row: Row) -> EconomicEvent:
    """Read a row of market/economic-calendar; the asterisk that some names begin with says nothing."""
    name = text(row, "event").lstrip("* ").strip()
    if not name:
        raise Malformed("event is missing")
    return EconomicEvent(
        at=need_instant(row, "time"),
        name=name,
        kind=text(row, "type"),
        period=text(row, "reported_period"),
        forecast=text(row, "forecast"),
        previous=text(row, "prev"),
    )


def fda_event(row: Row) -> FdaEvent:
    """Read a row of market/fda-calendar, as the document writes it (`catalyst`) or as it comes (`event_type`): any of
    its fields may be absent, but not who it is about."""
    ticker = text(row, "ticker")
    if not ticker:
        raise Malformed("ticker is missing")
    return FdaEvent(
        ticker=ticker,
        drug=text(row, "drug"),
        event=text(row, "event_type" if "event_type" in row else "catalyst"),
        indication=text(row, "indication"),
        status=text(row, "status"),
        starts=day(row, "start_date"),
        ends=day(row, "end_date"),
        target=text(row, "target_date") if "target_date" in row else "",
        outcome=text(row, "outcome"),
    )


def _soonest(row: FdaEvent) -> tuple[date, str, str]:
    return row.starts or date.max, row.ticker, row.drug


_EARNINGS: Final = Parser(earnings_report, lambda r: (r.ticker, r.day), lambda r: (r.day, r.ticker), None)
CALENDAR: Final[Parsers] = {
    "earnings_afterhours": _EARNINGS,
    "earnings_premarket": _EARNINGS,
    "earnings_history": Parser(earnings_move, lambda r: r.day, lambda r: r.day, None),
    "economic_calendar": Parser(economic_event, lambda r: (r.at, r.name), lambda r: (r.at, r.name), None),
    "fda_calendar": Parser(fda_event, lambda r: r, _soonest, None),
}
