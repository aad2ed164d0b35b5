"""What may stand in braces in an endpoint's path and parameters, and what is put there for one target at one moment.

| in braces | becomes |
|---|---|
| `{ticker}` | the target's symbol; the endpoint is asked for each by itself |
| `{tickers}` | all symbols, with commas |
| `{today}` | the New York day of the session that is on or comes next, `2026-11-20` |
| `{now}` | the moment, ISO in UTC |
| `{market_hours}` | that session as `open,close`, ISO in UTC |
| `{last_n_days:5}` | the day of the session five sessions back |
| `{next_n_days:7}` | the calendar day seven days ahead |
| `{next_session:2}` | the day of the session two sessions ahead |
| `{week_end:3}` | the last session of the week three weeks ahead: what most options expire on |
| `{expiry:0-2}` | a target for each listed day from today to the second session after it |
| `{name}` | of `expand: {name: [...]}`: a target for each of its values; a text as `0-2` is days to expiry |
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from bot.domain.calendar import TradingSession
from bot.engine.state.ports import TradingCalendar

TICKER: Final = "ticker"
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_PLAIN: Final = frozenset({TICKER, "tickers", "today", "now", "market_hours"})
_RANGE: Final = re.compile(r"^([0-9]{1,2})-([0-9]{1,2})$", re.ASCII)
_NUMBERED: Final = {"last_n_days": (1, 260), "next_n_days": (1, 260), "next_session": (1, 260), "week_end": (0, 52)}
"""Words that take a number, with the least and the most of it."""
_FRIDAY: Final = 4
_CALENDAR_DAYS: Final = 2
"""Calendar days that are looked through for one session back, beside a week of holidays."""


class UnknownPlaceholder(ValueError):
    """Braces hold what nothing is put into."""


def placeholders(expand: Mapping[str, object]) -> frozenset[str]:
    """Return the names that an endpoint's own expansions allow in braces."""
    return frozenset(expand)


def refuse_unknown(template: str, own: frozenset[str]) -> None:
    """Raise UnknownPlaceholder for braces that nothing fills."""
    for said in _BRACES.findall(template):
        if said in _PLAIN or said in own or _is_of_the_calendar(said):
            continue
        known = [*sorted(_PLAIN), *(f"{name}:N" for name in _NUMBERED), "expiry:0-2", *sorted(own)]
        raise UnknownPlaceholder(f"only {', '.join(known)} may stand in braces, not {said!r}")
    if "{" in _BRACES.sub("", template) or "}" in _BRACES.sub("", template):
        raise UnknownPlaceholder(f"only whole words may stand in braces: {template!r}")


def _is_of_the_calendar(said: str) -> bool:
    return _numbered(said) is not None or _expiries(said) is not None


def _numbered(said: str) -> tuple[str, int] | None:
    """Read a word with a number, `last_n_days:5` say; None for any other text, and a number that is too large."""
    word, _, number = said.partition(":")
    if word not in _NUMBERED or not number.isascii() or not number.isdigit():
        return None
    least, most = _NUMBERED[word]
    return (word, int(number)) if least <= int(number) <= most else None


def _expiries(said: str) -> tuple[int, int] | None:
    word, _, rest = said.partition(":")
    return days_to_expiry(rest) if word == "expiry" else None


def days_to_expiry(said: str) -> tuple[int, int] | None:
    """Read `0-2`; None for any other text."""
    found = _RANGE.match(said)
    if found is None or int(found[1]) > int(found[2]):
        return None
    return int(found[1]), int(found[2])


@dataclass(frozen=True, slots=True)
class Choice:
    """What one target has in its own braces; `ticker` is empty where it has none. Expiries are places among the coming
    sessions, 0 the one that is on or comes next, so that a target outlives its day."""

    ticker: str = ""
    values: tuple[tuple[str, str], ...] = ()
    expiries: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> str:
        """Return the target's name on the board: ticker, values and places of expiries, with colons; `*` for none."""
        parts = [self.ticker, *(value for _, value in self.values), *(f"{place}d" for _, place in self.expiries)]
        return ":".join(part for part in parts if part) or "*"


def choices(
    templates: Iterable[str], tickers: Iterable[str], expand: Mapping[str, tuple[str, ...] | str]
) -> Iterator[Choice]:
    """Yield what has to be asked for: each ticker with each value of each expansion that the templates use."""
    said = [word for template in templates for word in _BRACES.findall(template)]
    lists = [[(name, value) for value in values] for name, values in expand.items() if isinstance(values, tuple)]
    ranges = {name: days_to_expiry(values) for name, values in expand.items() if isinstance(values, str)}
    ranges |= {word: _expiries(word) for word in said if _expiries(word)}
    days = [[(name, place) for place in range(r[0], r[1] + 1)] for name, r in ranges.items() if r]
    for ticker in tickers if TICKER in said else ("",):
        for values in itertools.product(*lists):
            for expiries in itertools.product(*days):
                yield Choice(ticker, values, expiries)


class Filling:
    """Puts into braces what stands for one target at one moment."""

    def __init__(self, choice: Choice, tickers: Iterable[str], calendar: TradingCalendar, now: datetime) -> None:
        self._choice, self._tickers, self._calendar, self._now = choice, ",".join(tickers), calendar, now

    def fill(self, template: str) -> str:
        """Return a template with its braces filled."""
        return _BRACES.sub(lambda found: self._word(found[1]), template) if "{" in template else template

    def _word(self, said: str) -> str:
        values = {TICKER: self._choice.ticker, "tickers": self._tickers, **dict(self._choice.values)}
        if said in values:
            return values[said]
        for name, place in self._choice.expiries:
            if name == said:
                return self._session_ahead(place).day.isoformat()
        if (numbered := _numbered(said)) is not None:
            return self._day_of(*numbered).isoformat()
        session = self._session()
        if said == "market_hours":
            return f"{_iso(session.open_at)},{_iso(session.close_at)}"
        return session.day.isoformat() if said == "today" else _iso(self._now)

    def _day_of(self, word: str, number: int) -> date:
        if word == "last_n_days":
            return self._session_back(number)
        if word == "next_session":
            return self._session_ahead(number).day
        return self._week_end(number) if word == "week_end" else self._session().day + timedelta(days=number)

    def _session(self) -> TradingSession:
        today = self._calendar.today(self._now)
        return self._calendar.session_on(today) or self._calendar.next_session(today)

    def _session_ahead(self, place: int) -> TradingSession:
        session = self._session()
        for _ in range(place):
            session = self._calendar.next_session(session.day)
        return session

    def _week_end(self, weeks: int) -> date:
        today = self._session().day
        day = today + timedelta(days=_FRIDAY - today.weekday() + 7 * weeks)
        return next((d for back in range(5) if self._calendar.session_on(d := day - timedelta(days=back))), day)

    def _session_back(self, sessions: int) -> date:
        day, left = self._session().day, sessions
        for _ in range(_CALENDAR_DAYS * sessions + 7):
            day -= timedelta(days=1)
            left -= self._calendar.session_on(day) is not None
            if not left:
                break
        return day


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
