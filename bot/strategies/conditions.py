"""Conditions that strategies share. From a list of them follow the look, its reason in words and numbers, what the page
shows of each, and the line in the log.

A condition is judged from numbers alone, by name: what was measured at one symbol (`Scene.seen`), live or as it is read
back from the store. A number that is not there leaves its condition unjudged; the look then says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.analytics.liquidity import THRESHOLDS, Grade, at_least
from bot.domain.calendar import TradingSession
from bot.domain.instruments import Right, option_of_key
from bot.domain.wording import clock_minute, compared_percent, contract_words, digits_apart, nearest_apart, signed
from bot.strategies.base import OUTSIDE, ConditionSeen

Seen = Mapping[str, Any]
"""What was measured, by name. Prices and shares `Decimal`, what a model made float; as texts when read from the
store."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a condition may know. `session` None: it is not known."""

    seen: Seen
    session: TradingSession | None
    now: datetime

    def number(self, name: str) -> Decimal | None:
        """Return a measured number, None where it is absent, no number or not finite."""
        return number(self.seen, name)


@dataclass(frozen=True, slots=True)
class Checked:
    """How a condition came out. `value` is what was measured and `miss` by how much it falls short, in few words for
    the page; `reason` the sentence for the log where it does not hold, `said` the part of the trade's reason where it
    does. `word`: another word than the condition's own, where it can fail in more than one way. `holds` None: it was
    not judged."""

    holds: bool | None
    value: str = ""
    miss: str = ""
    reason: str = ""
    said: str = ""
    word: str = ""
    strength: float | None = None


UNJUDGED: Final = Checked(None)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition by its stable `word`. `words` name it with its limit; `needed` is False for one that only adds to a
    score."""

    word: str
    check: Callable[[Scene], Checked]
    words: str
    needed: bool = True

    def shown(self, scene: Scene) -> ConditionSeen:
        """Return it as the page shows it."""
        found = self.check(scene)
        return ConditionSeen(self.words, found.holds, found.value, found.miss)


def number(seen: Seen, name: str) -> Decimal | None:
    """Return a number of what was seen, None where it is absent, no number or not finite."""
    value = seen.get(name)
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def window(starts: time, ends: time, words: str = "") -> Condition:
    """Inside the window of a strategy, New York; its end counts to the minute and comes as much earlier as the session
    closes early."""

    def check(scene: Scene) -> Checked:
        if scene.session is None:
            return UNJUDGED
        start, end = scene.session.at(starts), scene.session.cut_off(ends)
        if start <= scene.now < end:
            return Checked(True, "yes")
        clock = [clock_minute(at) for at in (scene.now, start, end)]
        reason = f"{clock[0]} {OUTSIDE} {clock[1]}-{clock[2]} New York"
        return Checked(False, "", clock[0], reason)

    return Condition("window", check, words)


def window_words(starts: time, ends: time, session: TradingSession | None) -> str:
    """Return what the window is called on a day."""
    if session is None:
        return "inside its window"
    return f"inside {clock_minute(session.at(starts))} to {clock_minute(session.cut_off(ends))}"


def pinned(limit: Decimal) -> Condition:
    """Within `limit`, a fraction of the price, of the strike with the most gamma (`distance`)."""

    def check(scene: Scene) -> Checked:
        distance = scene.number("distance")
        if distance is None:
            return UNJUDGED
        shown, needs = compared_percent(distance, limit)
        price, strike = scene.number("price"), scene.number("max_gamma_strike")
        where = "" if price is None or strike is None else f"price {price:f} is {shown} from its pin, "
        said = f"{where}the max-gamma strike {strike:f}" if where else f"{shown} from the pin"
        if distance <= limit:
            clear = 1.0 if limit <= 0 else float(1 - distance / limit)
            return Checked(True, shown, said=said, strength=clear)
        miss = f"{signed((distance - limit) * 100, 2, plus=False)} too far"
        return Checked(False, shown, miss, f"{said}, needs {needs} or less")

    return Condition("pin", check, f"at most {signed(limit * 100, 2, plus=False)} % from the pin")


def leaning(least: float, name: str = "imbalance") -> Condition:
    """The book leans by `least` or more to either side (`imbalance`, of `book_symbol`)."""

    def check(scene: Scene) -> Checked:
        found = scene.number(name)
        if found is None:
            return UNJUDGED
        measured, book = float(found), scene.seen.get("book_symbol", "")
        digits = digits_apart(abs(measured), least)
        shown = signed(measured, digits)
        said = f"book of {book} leans {shown}"
        if abs(measured) >= least:
            return Checked(True, shown, said=said, strength=min((abs(measured) - least) / least, 1.0))
        needs = f"needs {signed(least, digits)} for a call or {signed(-least, digits)} for a put"
        return Checked(False, shown, f"{signed(least - abs(measured), 2, plus=False)} short", f"{said}, {needs}")

    return Condition("lean", check, f"book leans {signed(least, 2, plus=False)} either way")


def sided(word: str, side: Callable[[Seen], Right | None], calls: Condition, puts: Condition) -> Condition:
    """One condition for calls and another for puts: judged is that of the side which what was measured points to."""

    def check(scene: Scene) -> Checked:
        right = side(scene.seen) if scene.seen else None
        if right is None:
            return UNJUDGED
        return (calls if right is Right.CALL else puts).check(scene)

    return Condition(word, check, f"call: {calls.words}; put: {puts.words}")


def below(word: str, name: str, most: float, what: str, *, digits: int = 2) -> Condition:
    """A number is below its ceiling."""
    return _compared(word, name, most, what, digits, lambda value: value < most, "below")


def is_word(word: str, name: str, wanted: str, what: str) -> Condition:
    """A measure's word is the one that is wanted."""

    def check(scene: Scene) -> Checked:
        found = scene.seen.get(name)
        if found is None:
            return UNJUDGED
        if str(found) == wanted:
            return Checked(True, wanted, said=f"{what} {wanted}")
        return Checked(False, str(found), f"needs {wanted}", f"{what} {found}, needs {wanted}")

    return Condition(word, check, f"{what} {wanted}")


def compared_with(word: str, name: str, other: str, what: str, *, above: bool) -> Condition:
    """A number is above another one that was measured, or below it."""
    than = "above" if above else "below"

    def check(scene: Scene) -> Checked:
        found, limit = scene.number(name), scene.number(other)
        if found is None or limit is None:
            return UNJUDGED
        shown = f"{found:.2f} {than if (found > limit) == above else 'not ' + than} {limit:.2f}"
        if (found > limit) if above else (found < limit):
            return Checked(True, shown, said=f"{what} {shown}")
        return Checked(False, f"{found:.2f}", f"{abs(found - limit):.2f} off", f"{what} {shown}")

    return Condition(word, check, f"{what}")


def above(word: str, name: str, least: float, what: str, *, digits: int = 2, magnitude: bool = False) -> Condition:
    """A number is above its floor; by `magnitude`, whatever its sign. At the floor it does not hold."""
    return _compared(
        word, name, least, what, digits, lambda value: (abs(value) if magnitude else value) > least, "above"
    )


def at_most(word: str, name: str, most: float, what: str, *, digits: int = 2) -> Condition:
    """A number is at its ceiling or below."""
    return _compared(word, name, most, what, digits, lambda value: value <= most, "at most")


def _compared(
    word: str, name: str, limit: float, what: str, digits: int, holds: Callable[[float], bool], than: str
) -> Condition:
    def check(scene: Scene) -> Checked:
        found = scene.number(name)
        if found is None:
            return UNJUDGED
        value = float(found)
        apart = digits_apart(abs(value), limit, digits)
        shown, needs = signed(value, apart, plus=False), signed(limit, apart, plus=False)
        if holds(value):
            beyond = min(abs(abs(value) - abs(limit)) / abs(limit), 1.0) if limit else None
            return Checked(True, shown, said=f"{what} {shown}", strength=beyond)
        missing = signed(abs(limit - abs(value)), apart, plus=False)
        off = f"{missing} {'short' if than == 'above' else 'too much'}"
        return Checked(False, shown, off, f"{what} {shown}, needs {than} {needs}")

    return Condition(word, check, f"{what} {than} {signed(limit, digits, plus=False)}")


def directed(side: Callable[[Seen], Right | None], words: str = "it points one way") -> Condition:
    """What was measured points one way: up to a call, down to a put."""

    def check(scene: Scene) -> Checked:
        if not scene.seen:
            return UNJUDGED
        right = side(scene.seen)
        if right is None:
            return Checked(False, "", "neither way", "what was measured points neither way")
        return Checked(True, "call" if right is Right.CALL else "put")

    return Condition("direction", check, words)


def by_sign(name: str) -> Callable[[Seen], Right | None]:
    """The side that a number's sign points to, none at 0."""

    def side(seen: Seen) -> Right | None:
        found = number(seen, name)
        if found is None or found == 0:
            return None
        return Right.CALL if found > 0 else Right.PUT

    return side


def quoted(where: str = "at the money") -> Condition:
    """An option of the choice is listed, and has a quote that is fit to trade on."""

    def check(scene: Scene) -> Checked:
        seen = scene.seen
        if missing := seen.get("no_contract"):
            return Checked(False, "", _short(str(missing)), str(missing), word="strike")
        faults = seen.get("quote_faults")
        if faults:
            listed = ", ".join(map(str, faults))
            return Checked(False, "", listed, f"{_name(scene)} has no fit quote: {listed}", word="quote")
        bid, ask = scene.number("bid"), scene.number("ask")
        if bid is None or ask is None:
            return UNJUDGED
        return Checked(True, f"{bid:f} / {ask:f}")

    return Condition("quote", check, f"an option {where} with a fit quote")


def graded(minimum: str) -> Condition:
    """The option's liquidity is of a grade or better."""

    def check(scene: Scene) -> Checked:
        grade = scene.seen.get("grade")
        if grade is None:
            return UNJUDGED
        name, quality = _name(scene), _quality(scene, str(grade))
        if at_least(Grade(str(grade)), Grade(minimum)):
            return Checked(True, str(grade), said=f"{name} has {quality}")
        return Checked(False, str(grade), f"needs {minimum}", f"{name} has {quality}, needs {minimum}")

    return Condition("grade", check, f"liquidity {minimum} or better")


def _quality(scene: Scene, grade: str) -> str:
    spread, depth = scene.number("spread_fraction"), scene.number("depth")
    words = nearest_apart(spread or Decimal(0), [widest for _, widest, _ in THRESHOLDS])
    return f"liquidity {grade} (spread {words} of mid, {depth or 0} contracts)"


def _name(scene: Scene) -> str:
    contract = option_of_key(str(scene.seen.get("contract", "")))
    return "the option" if contract is None else contract_words(contract, scene.session.day if scene.session else None)


def _short(reason: str) -> str:
    return "no strike is listed" if reason.startswith("no listed strike") else reason
