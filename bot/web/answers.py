"""What a person wants to know in three seconds: is everything held protected, does it earn, is anything wrong?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.wording import NOTHING
from bot.web import formats, words
from bot.web.feeds import FeedView
from bot.web.model import Overview

GOOD, WARN, BAD, IDLE, LIVE = "good", "warn", "bad", "idle", "live"
_SERIOUS: Final = (BAD, WARN, LIVE, GOOD, IDLE)
NAMED: Final = 3
"""How many of a kind are named before they are only counted."""


@dataclass(frozen=True, slots=True)
class Headline:
    """An answer in a word or two, why, and the colour that it means."""

    question: str
    words: str
    why: str
    tone: str


@dataclass(frozen=True, slots=True)
class Trouble:
    words: str
    why: str
    tone: str


def three_answers(m: Overview, alone: str = "") -> tuple[Headline, Headline, Headline]:
    """Return the answers; `alone` says why no bot stands behind them, where none does."""
    return _protection(m), _money(m), _trouble(m, alone)


def _protection(m: Overview) -> Headline:
    question = "Protected?"
    if m.trouble is not None:
        return Headline(question, "not known", "the page cannot say what is held now", BAD)
    bare = [p for p in m.positions if p.is_bare]
    if bare:
        uncovered = _count(sum(p.unprotected for p in bare), "contract")
        why = f"no working stop at the broker covers {uncovered} of {_named([p.title for p in bare])}"
        if all(p.protection == "synthetic" for p in bare):
            return Headline(question, "Watched only", f"{why}: the bot watches the price and sells", WARN)
        return Headline(question, "No", why, BAD)
    if m.positions:
        contracts = _count(sum(p.quantity for p in m.positions), "contract")
        held = f"{contracts} in {_count(len(m.positions), 'position')}"
        return Headline(question, "Yes", f"{held}, each under a working stop or on its way out", GOOD)
    return Headline(question, "Nothing held", "no position, so no risk", IDLE)


def _money(m: Overview) -> Headline:
    question = "Making money today?"
    if m.money is None:
        return Headline(question, NOTHING, "the page cannot say", IDLE)
    parts = f"realized {formats.gain(m.money.realized)} + open {formats.gain(m.money.open)}"
    unmarked = f" · {_count(m.money.unmarked, 'position')} without a bid yet" if m.money.unmarked else ""
    tone = {"good": GOOD, "bad": BAD}.get(formats.tone(m.money.total), IDLE)
    return Headline(question, formats.gain(m.money.total), f"{parts}{unmarked}", tone)


def _trouble(m: Overview, alone: str) -> Headline:
    question = "Anything wrong?"
    if alone:
        return Headline(question, "Not running", "nobody decides or trails; stops at the broker rest there", BAD)
    faults = sorted(troubles(m), key=lambda fault: _SERIOUS.index(fault.tone))
    if not faults:
        return Headline(question, "No", _calm(m), GOOD)
    first, *others = faults
    more = "; ".join(fault.words for fault in others[:NAMED])
    rest = f"; and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return Headline(question, first.words, f"{first.why}{f'. Also: {more}{rest}' if more else ''}", first.tone)


def troubles(m: Overview) -> Iterator[Trouble]:
    """Yield what is wrong, each with why and the colour that it means."""
    if m.trouble is not None:
        yield Trouble(m.trouble.title.rstrip(":."), m.trouble.text, BAD)
    if (tone := words.state_tone(m.session.state, "session")) != GOOD:
        yield Trouble(f"Session {words.state_words(m.session.state)}", m.session.why, tone)
    if (tone := words.state_tone(m.connection.state, "connection")) != GOOD:
        yield Trouble(f"Broker {words.state_words(m.connection.state)}", m.connection.why, tone)
    if m.clock_fault:
        yield Trouble("Wrong clock", m.clock_fault, BAD)
    tripped = [each.words for each in m.breakers if each.state == "tripped"]
    if tripped:
        yield Trouble(f"{_count(len(tripped), 'breaker')} tripped", f"no entry passes: {_named(tripped)}", BAD)
    close = [each.words for each in m.breakers if each.state == "warning"]
    if close:
        yield Trouble("Near a limit", _named(close), WARN)
    halted = [each.symbol for each in m.halted_symbols]
    if halted:
        yield Trouble(f"Entries halted on {_named(halted)}", m.halted_symbols[0].reason, WARN)
    pending = [each.title for each in m.unsettled if each.is_pending]
    if pending:
        yield Trouble(f"{_count(len(pending), 'settlement price')} to be told", _named(pending), WARN)
    if ailing := [each for each in m.feeds if not each.is_fine and each.is_counted_on]:
        title = f"{_count(len(ailing), 'feed')} of {len(m.feeds)} {_late_or_failing(ailing)}"
        why = _named([f"{each.name} {each.fault}" for each in ailing])
        yield Trouble(title, why, WARN if len(ailing) < len(m.feeds) else BAD)


def _calm(m: Overview) -> str:
    parts = ["session active", "broker synced"]
    parts += [f"{_count(len(m.breakers), 'limit')} kept"] if m.breakers else []
    late = sum(not each.is_fine for each in m.feeds)  # in the background alone, or it were a trouble
    if m.feeds:
        parts.append(
            f"{_count(len(m.feeds) - late, 'feed')} fresh" + (f", {late} in the background late" if late else "")
        )
    return ", ".join(parts)


def _late_or_failing(ailing: Sequence[FeedView]) -> str:
    """Return the one word where all of them ail alike."""
    kinds = {each.is_kept_from_us for each in ailing}
    return "late or failing" if len(kinds) > 1 else "failing" if kinds == {True} else "late"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
