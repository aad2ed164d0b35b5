"""The status bar, the same on every page: safe, earning, in trouble, in one line."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.domain.wording import dollars
from bot.web.answers import BAD, GOOD, IDLE, LIVE, WARN, troubles
from bot.web.feeds import FeedView
from bot.web.model import Overview

LIGHTS: Final = {GOOD: "ok", LIVE: "busy", IDLE: "idle", WARN: "warn", BAD: "crit"}
VENDORS: Final = {"ibkr": "broker", "unusual_whales": "UW"}
NAMED_IN_THE_BAR: Final = 2
_ORDER: Final = (BAD, WARN, LIVE, IDLE, GOOD)


@dataclass(frozen=True, slots=True)
class LastWord:
    """How long ago a vendor or the broker last said anything; `old`: later than its limit."""

    name: str
    age: float | None
    old: bool


@dataclass(frozen=True, slots=True)
class LastWords:
    """Of everybody who speaks to us: `named` has who is late, the longest of all first, and the broker; `others` counts
    who is not named, `late` the late ones among them."""

    named: tuple[LastWord, ...]
    others: int
    late: int
    all: tuple[LastWord, ...]


@dataclass(frozen=True, slots=True)
class Meter:
    """A value against its limit; `filled` is 0 to 100, full at the limit."""

    words: str
    filled: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class StatusBar:
    """`light` is ok, busy, idle, warn or crit; `word` the effective state; `reason` what the light is for."""

    light: str
    word: str
    reason: str
    more: int
    premium: Meter | None
    loss: Meter | None
    heard: LastWords
    up_for: float | None


def status_bar(m: Overview, alone: str = "") -> StatusBar:
    """Return the bar of a glance; `alone` says why no bot stands behind the figures, where none does."""
    faults = sorted(troubles(m), key=lambda fault: _ORDER.index(fault.tone))
    word, tone = _word(m, alone)
    worst = min((tone, *(fault.tone for fault in faults)), key=_ORDER.index)
    bare = [banner for banner in m.warnings if banner.tone == BAD]
    if m.critical or bare:
        worst = BAD
    reasons = [f"{fault.words}: {fault.why}" if fault.why else fault.words for fault in faults]
    reasons = [f"{banner.title} {banner.text}" for banner in bare] + reasons
    if m.critical:
        reasons.insert(0, f"{m.critical} critical alert{'' if m.critical == 1 else 's'} open")
    since = m.running_since
    return StatusBar(
        "crit" if alone else LIGHTS[worst], word, alone or (reasons[0] if reasons else ""), max(0, len(reasons) - 1),
        _premium(m), _loss(m), _heard(m), (m.now - since).total_seconds() if since is not None and not alone else None,
    )  # fmt: skip


def standing(m: Overview, alone: str) -> dict[str, Any]:
    """Return what every page's frame needs: the glance, its bar, and the badges of what waits."""
    counts = {
        "Signals": (m.asked, "ask", "wait for you"),
        "Positions": (len(m.positions), "", "open"),
        "Alerts": (m.critical, "bad", "critical and open"),
    }
    return {
        "glance": m, "bar": status_bar(m, alone), "badges": {name: told for name, told in counts.items() if told[0]}
    }  # fmt: skip


def _word(m: Overview, alone: str) -> tuple[str, str]:
    """Return the effective state in a word or two, and its colour."""
    if alone:
        return "Not running", BAD
    if m.trouble is not None:
        return "Store not readable", BAD
    state, _, rest = (m.session.words or m.session.state).partition(", ")
    if state in {"paused", "halted"}:
        return state.capitalize(), BAD if state == "halted" else WARN
    if state != "active":
        return state.capitalize(), IDLE if state == "stopping" else LIVE
    if "broker" in rest:
        return "Broker gone", BAD
    if rest.startswith("entries"):
        return "Entries blocked", WARN
    return ("Market closed", IDLE) if rest else ("Trading", GOOD)


def _premium(m: Overview) -> Meter | None:
    held = m.premium
    if held is None or held.part is None:
        return None
    limit = f" of {float(held.limit * 100):g} %" if held.limit else ""
    filled = min(100.0, max(0.0, (held.share or 0.0) * 100))
    tone = "crit" if filled >= 100 else "warn" if filled >= 80 else ""
    title = f"{dollars(held.dollars)} were paid for what is held: all that it can lose, of equity"
    return Meter(
        f"{held.part * 100:.1f}{limit}" if limit else f"{held.part * 100:.1f} %", round(filled, 1), tone, title
    )


def _loss(m: Overview) -> Meter | None:
    row = next((each for each in m.breakers if each.name == "daily_loss"), None)
    if row is None:
        return None
    known = row.share is not None
    limit, value = _short(row.limit.partition(" or ")[0]), row.value.partition(",")[0]
    words = f"{_in_tenths(value)} of {limit}" if known else f"not known, limit {limit}"
    tone = {"warn": "warn", "bad": "crit"}.get(row.tone, "")
    return Meter(words, row.filled, tone, f"loss since the day's first equity: {row.value}, limit {row.limit}")


def _short(limit: str) -> str:
    """Return a limit in percent without zeros that say nothing: `6 %` of `6.00 %`."""
    number, unit, _ = limit.partition(" %")
    return f"{number.rstrip('0').rstrip('.')}{unit}" if "." in number and unit else limit


def _in_tenths(value: str) -> str:
    """Return a value in percent to a tenth, without the unit that its limit says: `0.3` of `0.26 %`."""
    try:
        return f"{Decimal(value.removesuffix(' %')):.1f}"
    except InvalidOperation:
        return value


def _heard(m: Overview) -> LastWords:
    """Return whose words fit the bar: however many vendors there are, the worst and the broker are among them."""
    everybody = _last_words(m)
    usual = [word for word in everybody if word.name in VENDORS.values()]
    late = sorted((word for word in everybody if word.old), key=lambda word: -(word.age or 0))
    named = tuple(dict.fromkeys([*late, *usual, *everybody]))[:NAMED_IN_THE_BAR]
    left = [word for word in everybody if word not in named]
    return LastWords(named, len(left), sum(word.old for word in left), everybody)


def _last_words(m: Overview) -> tuple[LastWord, ...]:
    """Return the latest word of the broker and of each vendor: of its data sets the one that spoke last."""
    latest: dict[str, FeedView] = {}
    for feed in m.feeds:
        known = latest.get(feed.feed)
        if feed.age is not None and (known is None or known.age is None or feed.age < known.age):
            latest[feed.feed] = feed
    order = sorted(latest.values(), key=lambda feed: (feed.feed not in VENDORS, feed.feed))
    return tuple(
        LastWord(VENDORS.get(f.feed, f.feed.replace("_", " ")), f.age, (f.age or 0) > f.max_age) for f in order
    )
