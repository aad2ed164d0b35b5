"""Dates of earnings of several sources as one, with every disagreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from bot.analytics.merging import Said, SaidBy, agreed, first_of, gathered, sources_of
from bot.domain.data.merged import MergedEarnings

SAME_REPORT: Final = timedelta(days=10)
"""Two dates of one company nearer than this are of one report: quarters are further apart."""
_SESSIONS: Final[Mapping[str, str]] = {
    "premarket": "before the open", "time-pre-market": "before the open", "bmo": "before the open",
    "pre-market": "before the open", "postmarket": "after the close", "afterhours": "after the close",
    "time-after-hours": "after the close", "amc": "after the close", "after-hours": "after the close",
}  # fmt: skip


def earnings_dates(sets: Sequence[tuple[str, Sequence[Any]]]) -> tuple[MergedEarnings, ...]:
    """Return the reports that the sources (name, rows) know, first sources first, each once, by day and symbol."""
    words = [SaidBy(source, said) for source, rows in sets for row in rows if (said := _said(row)) is not None]
    merged = map(_merged, gathered(words, lambda said: said["symbol"], _is_near))
    return tuple(sorted(merged, key=lambda each: (each.day, each.symbol)))


def _said(row: Any) -> Said | None:
    symbol, day = str(first_of(row, "symbol", "ticker") or "").upper(), first_of(row, "report_date", "day", "date")
    if isinstance(day, datetime):
        day = day.date()
    if not symbol or not isinstance(day, date):
        return None
    return {
        "symbol": symbol,
        "day": day,
        "session": _SESSIONS.get(str(first_of(row, "report_time", "session", "when", "time") or "").lower()),
        "eps_estimate": _text(first_of(row, "eps_estimate", "expected_eps")),
        "eps_actual": _text(first_of(row, "eps_actual", "actual_eps")),
    }


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _is_near(one: Said, other: Said) -> bool:
    return bool(abs(one["day"] - other["day"]) <= SAME_REPORT)


def _merged(words: list[SaidBy]) -> MergedEarnings:
    fields = {name: agreed(words, name) for name in ("day", "session", "eps_estimate", "eps_actual")}
    day = fields["day"][0]
    return MergedEarnings(
        symbol=words[0].said["symbol"],
        day=day,
        session=fields["session"][0] or "",
        eps_estimate=fields["eps_estimate"][0] or "",
        eps_actual=fields["eps_actual"][0] or "",
        sources=sources_of(words),
        disagreements=tuple(said for _, said in fields.values() if said),
    )
