"""Economic calendars of several sources as one, each event with its kind, importance, time and every disagreement.

An event is known by what it is about, not by what a vendor calls it: its kind (a table of words), whether it is the
core figure, the month's or the year's change, and its country. Two sources' words within a day are about one event.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.analytics.merging import Said, SaidBy, agreed, first_of, gathered, sources_of
from bot.domain.data.merged import MergedEvent

NEW_YORK: Final = ZoneInfo("America/New_York")


class EconomicEventKind(StrEnum):
    FOMC_DECISION = "fomc_decision"
    FOMC_MINUTES = "fomc_minutes"
    CPI = "cpi"
    PPI = "ppi"
    NFP = "nfp"
    GDP = "gdp"
    UNEMPLOYMENT = "unemployment"
    JOBLESS_CLAIMS = "jobless_claims"
    CONSUMER_SENTIMENT = "consumer_sentiment"
    ECB_DECISION = "ecb_decision"
    BOJ_DECISION = "boj_decision"
    BOE_DECISION = "boe_decision"
    TREASURY_AUCTION = "treasury_auction"
    FED_SPEAKER = "fed_speaker"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What an event's name has to hold; importance where its sources give none; New York's usual time of day."""

    kind: EconomicEventKind
    words: re.Pattern[str]
    importance: str
    usual: time | None = None
    country: str = "US"


def _rule(kind: EconomicEventKind, words: str, importance: str, usual: str = "", country: str = "US") -> _Rule:
    return _Rule(kind, re.compile(words), importance, time.fromisoformat(usual) if usual else None, country)


_K = EconomicEventKind
_RULES: Final = (
    _rule(_K.FOMC_MINUTES, r"fomc.*minutes|minutes of.*(fomc|fed)", "HIGH", "14:00"),
    _rule(_K.FED_SPEAKER, r"(fed|fomc|federal reserve).*(speak|speech|testi|remarks|press conf)", "MEDIUM"),
    _rule(_K.ECB_DECISION, r"(ecb|main refinancing).*(rate|decision|policy)|main refinancing", "HIGH", "08:15", "EU"),
    _rule(_K.BOJ_DECISION, r"(boj|bank of japan).*(rate|decision|policy)", "HIGH", "", "JP"),
    _rule(_K.BOE_DECISION, r"(boe|bank of england|official bank).*(rate|decision|policy)", "HIGH", "07:00", "GB"),
    _rule(
        _K.FOMC_DECISION,
        r"fomc (statement|press release|rate|meeting|interest|decision)|fed(eral)? (funds|interest)|fed.*rate decision",
        "HIGH", "14:00",
    ),
    _rule(_K.TREASURY_AUCTION, r"\bauction\b", "LOW", "13:00"),
    _rule(_K.JOBLESS_CLAIMS, r"(jobless|unemployment|initial).*claims", "MEDIUM", "08:30"),
    _rule(_K.NFP, r"non-?\s?farm (payroll|employment)|employment (situation|report)|\bnfp\b", "HIGH", "08:30"),
    _rule(_K.UNEMPLOYMENT, r"unemployment rate", "HIGH", "08:30"),
    _rule(_K.CPI, r"\bcpi\b|consumer price index|inflation rate", "HIGH", "08:30"),
    _rule(_K.PPI, r"\bppi\b|producer price", "HIGH", "08:30"),
    _rule(_K.GDP, r"\bgdp\b|gross domestic product", "HIGH", "08:30"),
    _rule(_K.CONSUMER_SENTIMENT, r"consumer (sentiment|confidence)|surveys of consumers", "MEDIUM", "10:00"),
)  # fmt: skip
_OF_US_ALONE: Final = frozenset({_K.FOMC_DECISION, _K.FOMC_MINUTES, _K.FED_SPEAKER})
_BY_NAME: Final = frozenset({_K.FED_SPEAKER, _K.OTHER, _K.TREASURY_AUCTION})
"""Of these there are several a day: their names tell them apart."""
_COUNTRIES: Final = {
    "united states": "US", "us": "US", "usa": "US", "usd": "US", "euro area": "EU", "eur": "EU", "eurozone": "EU",
    "japan": "JP", "jpy": "JP", "united kingdom": "GB", "gbp": "GB", "uk": "GB",
}  # fmt: skip
_IMPORTANCE: Final = {
    "3": "HIGH", "2": "MEDIUM", "1": "LOW", "high": "HIGH", "medium": "MEDIUM", "low": "LOW", "holiday": "LOW",
}  # fmt: skip
_CHANGES: Final = (("year", r"y/y|yoy|year over year|annual"), ("month", r"m/m|mom|month over month"),
                   ("quarter", r"q/q|qoq|quarter over quarter"))  # fmt: skip
_USUAL_CHANGE: Final = {_K.CPI: "month", _K.PPI: "month", _K.GDP: "quarter"}
"""What a name without a word of it speaks of."""
_TERM: Final = re.compile(r"\b([0-9]+)[- ]?(w|m|y)[a-z]*\b")
_WORDS: Final = re.compile(r"[^a-z0-9]+")
A_DAY: Final = timedelta(days=1)


def kind_of(name: str) -> EconomicEventKind:
    """Return what an event is about, by its name in any vendor's words."""
    rule = _rule_of(name)
    return rule.kind if rule else EconomicEventKind.OTHER


def economic_events(sets: Sequence[tuple[str, Sequence[Any]]]) -> tuple[MergedEvent, ...]:
    """Return the events of all sources (name, rows), first sources first, each once, by their time."""
    words = [SaidBy(source, said) for source, rows in sets for row in rows if (said := _said(row)) is not None]
    bare = [each for each in words if each.said["is_release"]]
    named = [each for each in words if not each.said["is_release"]]
    groups = [*gathered(named, _key, _is_near)]
    for each in bare:
        _confirm(each, groups)
    return tuple(sorted(map(_merged, groups), key=lambda e: (e.day, e.at.isoformat() if e.at else "", e.name)))


def _confirm(word: SaidBy, groups: list[list[SaidBy]]) -> None:
    """A release without figures confirms every event of its kind that day; where there is none it is one itself."""
    kind, country = word.said["kind"], word.said["country"]
    found = [
        group
        for group in groups
        if (group[0].said["kind"], group[0].said["country"]) == (kind, country) and _is_near(group[0].said, word.said)
    ]
    for group in found:
        if all(word.source != other.source for other in group):
            group.append(word)
    if not found:
        groups.append([word])


def _rule_of(name: str) -> _Rule | None:
    said = name.lower()
    return next((rule for rule in _RULES if rule.words.search(said)), None)


def _said(row: Any) -> Said | None:
    """Return a source's row in our words, None for one without a name or a day."""
    name = " ".join(str(first_of(row, "event", "name", "release_name") or "").lstrip("*").split())
    at, day = first_of(row, "at", "time"), first_of(row, "day", "date")
    at = at if isinstance(at, datetime) else None
    if at is not None:
        day = at.astimezone(NEW_YORK).date()
    if not name or not isinstance(day, date):
        return None
    rule = _rule_of(name)
    kind = rule.kind if rule else EconomicEventKind.OTHER
    return {
        "name": name,
        "kind": kind,
        "country": _country(row, rule),
        "day": day,
        "time": at,
        "usual": rule.usual if rule else None,
        "importance": _IMPORTANCE.get(str(first_of(row, "importance", "impact") or "").lower()),
        "usual_importance": rule.importance if rule else "LOW",
        "forecast": _text(first_of(row, "forecast")),
        "previous": _text(first_of(row, "previous", "prev")),
        "actual": _text(first_of(row, "actual")),
        "is_release": bool(first_of(row, "release_id")),
    }


def _country(row: Any, rule: _Rule | None) -> str:
    said = str(first_of(row, "country") or "").lower()
    if rule is not None and rule.kind in _OF_US_ALONE:
        return "US"
    return _COUNTRIES.get(said, said.upper()) if said else rule.country if rule else "US"


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _key(said: Said) -> Hashable:
    name, kind = said["name"].lower(), said["kind"]
    if kind is EconomicEventKind.TREASURY_AUCTION:
        term = _TERM.search(name)
        return kind, said["country"], (int(term[1]), term[2]) if term else name
    if kind is EconomicEventKind.FED_SPEAKER and said["time"] is not None:
        return kind, said["country"], said["time"]  # two do not speak at one moment
    if kind in _BY_NAME:
        return kind, said["country"], _WORDS.sub(" ", name).strip()
    change = next((word for word, pattern in _CHANGES if re.search(pattern, name)), _USUAL_CHANGE.get(kind, ""))
    return kind, said["country"], "core" in name, change


def _is_near(one: Said, other: Said) -> bool:
    if one["kind"] in _BY_NAME:
        return bool(one["day"] == other["day"])
    return bool(abs(one["day"] - other["day"]) <= A_DAY)


def _merged(words: list[SaidBy]) -> MergedEvent:
    first = words[0].said
    day, other_day = agreed(words, "day", lambda a, b: a == b)
    at, other_time = agreed(words, "time", lambda a, b: a == b)
    importance, other_importance = agreed(words, "importance", lambda a, b: a == b)
    figures = {name: agreed(words, name) for name in ("forecast", "previous", "actual")}
    if at is None and first["usual"] is not None and not other_day:
        at = datetime.combine(day, first["usual"], NEW_YORK).astimezone(UTC)
    differing = (other_day, "" if other_day else other_time, other_importance, *(each for _, each in figures.values()))
    return MergedEvent(
        kind=str(first["kind"]),
        name=first["name"],
        country=first["country"],
        day=day,
        at=at,
        importance=importance or first["usual_importance"],
        sources=sources_of(words),
        disagreements=tuple(each for each in differing if each),
        **{name: value or "" for name, (value, _) in figures.items()},
    )


def disagreeing(rows: Iterable[Any]) -> list[str]:
    """Return every disagreement of merged rows, each with what it is about."""
    return [
        f"{getattr(row, 'name', '') or getattr(row, 'symbol', '')} {row.day}: {said}"
        for row in rows
        for said in row.disagreements
    ]
