"""Trading hours out of contract details, in every form that TWS has written them.

| form | example |
|---|---|
| of today | `20261127:0930-20261127:1300;20261128:CLOSED` |
| before TWS 970 | `20090507:0700-1830,1830-2330;20090508:CLOSED` |

Both stand in the zone that the details name, by one of the tz database's names or in TWS's own words ("EST (Eastern
Standard Time)" is New York, summer and winter). A period belongs to the day on which it ends, one that is written with
an end before its beginning began on the day before. What cannot be read says nothing: hours are the broker's word
beside our calendar, never its replacement.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from bot.broker.ib import ContractDetails
from bot.domain.hours import DayHours, joined

_WORDS_FOR: Final = MappingProxyType(  # fixed offsets in the tz database, places in TWS
    {
        "EST": "America/New_York", "EDT": "America/New_York", "EST5EDT": "America/New_York",
        "CST": "America/Chicago", "CDT": "America/Chicago", "CST6CDT": "America/Chicago",
        "MST": "America/Denver", "PST": "America/Los_Angeles", "GMT": "Europe/London", "MET": "Europe/Berlin",
        "CET": "Europe/Berlin", "JST": "Asia/Tokyo", "HKT": "Asia/Hong_Kong",
    }
)  # fmt: skip
_PERIOD: Final = re.compile(r"(?:(\d{8}):)?(\d{2})(\d{2})-(?:(\d{8}):)?(\d{2})(\d{2})")
_DAY: Final = re.compile(r"(\d{8}):(.*)", re.DOTALL)
_MOST_DAYS: Final = 60
_A_DAY: Final = timedelta(days=1)

Period = tuple[datetime, datetime]


def hours_of(details: ContractDetails) -> tuple[DayHours, ...]:
    """Return the days of which details tell the liquid hours; of details without, the days that they call closed."""
    zone = zone_named(details.timeZoneId)
    if zone is None:
        return ()
    if details.liquidHours.strip():
        return parse(details.liquidHours, zone)
    return tuple(each for each in parse(details.tradingHours, zone) if not each.periods)


def zone_named(words: str) -> ZoneInfo | None:
    """Return the zone that TWS names, None for one that nobody knows."""
    name = words.strip().partition(" ")[0]
    try:
        return ZoneInfo(_WORDS_FOR.get(name.upper(), name)) if name else None
    except (ValueError, OSError, KeyError):  # a zone that is not found is a KeyError
        return None


def parse(text: str, zone: ZoneInfo) -> tuple[DayHours, ...]:
    """Return the days of a text, in their order. A day that cannot be read whole is left out."""
    found: dict[date, list[Period]] = {}
    unread: set[date] = set()
    for piece in text.split(";")[:_MOST_DAYS]:
        named = _DAY.fullmatch(piece.strip())
        day = day_of(named[1]) if named else None
        if named is None or day is None:
            continue
        if named[2].strip().upper() == "CLOSED":
            found.setdefault(day, [])
            continue
        periods = [_period(each.strip(), day, zone) for each in named[2].split(",")]
        for period in periods:
            if period is None:
                unread.add(day)
            else:
                found.setdefault(_ends_on(period[1], zone), []).append(period)
    return tuple(DayHours(day, joined(found[day])) for day in sorted(found.keys() - unread))


def _ends_on(moment: datetime, zone: ZoneInfo) -> date:
    """Midnight ends the day that it closes."""
    return (moment - timedelta(microseconds=1)).astimezone(zone).date()


def _period(text: str, day: date, zone: ZoneInfo) -> Period | None:
    found = _PERIOD.fullmatch(text)
    if found is None:
        return None
    begins = _moment(day_of(found[1]) if found[1] else day, found[2], found[3], zone)
    ends = _moment(day_of(found[4]) if found[4] else day, found[5], found[6], zone)
    if begins is None or ends is None:
        return None
    if begins >= ends and not found[4]:
        begins -= _A_DAY
    return (begins, ends) if begins < ends <= begins + 2 * _A_DAY else None


def _moment(day: date | None, hours: str, minutes: str, zone: ZoneInfo) -> datetime | None:
    past, left = divmod(int(hours) * 60 + int(minutes), 24 * 60)  # 2400 is the end of a day
    if day is None or past > 1 or (past and left) or int(minutes) >= 60:
        return None
    try:
        here = datetime(day.year, day.month, day.day, left // 60, left % 60, tzinfo=zone) + past * _A_DAY
        return here.astimezone(UTC)
    except OverflowError:
        return None


def day_of(text: str) -> date | None:
    """Return the day that YYYYMMDD names, None for what names none."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
