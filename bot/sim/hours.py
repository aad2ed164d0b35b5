"""Which hours the simulated venue says that it trades, in the forms that TWS writes them: its own, or others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from bot.sim.vocabulary import Market

EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
ZONES: Final = {  # as TWS names them, and where that is
    "US/Eastern": "America/New_York",
    "EST (Eastern Standard Time)": "America/New_York",
    "America/New_York": "America/New_York",
    "CST (Central Standard Time)": "America/Chicago",
    "EST5EDT": "America/New_York",
}
DAYS_TOLD: Final = 6

Says = Literal["usual", "closed", "early", "late", "longer", "lunch", "nonsense"]
Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class HoursSaid:
    """What is told of today and in which words; the other days are told as they are."""

    says: Says = "usual"
    form: Literal["new", "old"] = "new"
    zone: str = "US/Eastern"


USUAL: Final = HoursSaid()


def session(market: Market, day: date) -> Period | None:
    """Return open and close of `day` in exchange time, None on a day without."""
    opens, closes = market.session_open().astimezone(EXCHANGE_ZONE), market.session_close().astimezone(EXCHANGE_ZONE)
    if day == opens.date():
        return opens, closes
    if not market.trades_on(day):
        return None
    start = datetime(day.year, day.month, day.day, 9, 30, tzinfo=EXCHANGE_ZONE)
    return start, start.replace(hour=13 if market.closes_early_on(day) else 16, minute=0)


def days(market: Market, at: datetime, said: HoursSaid = USUAL) -> list[tuple[date, tuple[Period, ...]]]:
    """Return the periods of today and of the days after it."""
    today = at.astimezone(EXCHANGE_ZONE).date()
    told = []
    for day in (today + timedelta(days=ahead) for ahead in range(DAYS_TOLD)):
        hours = session(market, day)
        usual = (hours,) if hours is not None else ()
        told.append((day, _other(usual, said.says) if day == today else usual))
    return told


def _other(usual: tuple[Period, ...], says: Says) -> tuple[Period, ...]:
    if not usual:
        return usual
    opens, closes = usual[0]
    middle = opens + (closes - opens) / 2
    middle = middle.replace(second=0, microsecond=0)
    hour = timedelta(hours=1)
    return {
        "closed": (),
        "early": ((opens, middle),),
        "late": ((opens + hour, closes),),
        "longer": ((opens - 2 * hour, closes + hour),),
        "lunch": ((opens, middle), (middle + hour, closes)),
    }.get(says, usual)


def text(market: Market, at: datetime, said: HoursSaid = USUAL) -> str:
    """Return the hours as contract details tell them."""
    if said.says == "nonsense":
        return "20269999:2575-20261301:9999;CLOSED;:;20261127:;" + "\N{PILCROW SIGN}" * 40
    zone = ZoneInfo(ZONES[said.zone])
    return ";".join(_day(day, periods, zone, said.form) for day, periods in days(market, at, said))


def _day(day: date, periods: Sequence[Period], zone: ZoneInfo, form: str) -> str:
    if not periods:
        return f"{day:%Y%m%d}:CLOSED"
    here = [(begins.astimezone(zone), ends.astimezone(zone)) for begins, ends in periods]
    if form == "old":
        return f"{day:%Y%m%d}:" + ",".join(f"{begins:%H%M}-{ends:%H%M}" for begins, ends in here)
    return ";".join(f"{begins:%Y%m%d:%H%M}-{ends:%Y%m%d:%H%M}" for begins, ends in here)
