"""Whether every figure of a text occurs in its facts. A text with one that does not is thrown away, so doubt is a no.

A figure is a number in digits or in words, an amount, a percentage, a date or a time of day. It may be rounded, as
people round ($1.4k for 1,372), a fraction may be told as a percentage, a loss of -350 as 350; nothing is added up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip
_MONTH: Final = "(" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_ISO: Final = re.compile(
    r"(?<![\w.])(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?"
)
_TH, _YEAR = "(?:st|nd|rd|th)?", r"(?:,?\s+(\d{4}))?"
_DAY_FIRST: Final = re.compile(rf"(?<![\w.])(\d{{1,2}}){_TH}\s+{_MONTH}{_YEAR}(?!\w)", re.IGNORECASE)
_MONTH_FIRST: Final = re.compile(rf"(?<!\w){_MONTH}\s+(\d{{1,2}}){_TH}{_YEAR}(?!\w)", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(?<![\w.:])(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?(?![\w:])", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"(?P<sign>(?<![\w.)])[+-])?(?P<money>[$€£]\s?)?(?P<minus>(?<=[$€£])-)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+)(?P<power>[eE][+-]?\d+)?"
    r"(?P<unit>\s?(?:%|percent\b|per\s?cent\b|bps?\b|bn\b|k\b|thousand\b|million\b|mn\b|billion\b)|[MKB]\b)?",
)
_NAME: Final = re.compile(r"[A-Za-z_][\w.:-]*\d[\w.:-]*|\d+[A-Za-z_][\w.:-]*")
_UNIT: Final = re.compile(
    r"(\d+(?:\.\d+)?)(s|sec|secs|ms|m|min|mins|h|hr|hrs|d|x|th|st|nd|rd|k|K|M|B|bn|bp|bps|pt|pts|e\d+)"
)
_SCALED: Final = frozenset({"k", "K", "M", "B", "bn", "bp", "bps"})
_WORDS: Final[Mapping[str, str]] = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16",
    "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50",
    "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100", "hundreds": "100",
    "thousand": "1000", "thousands": "1000", "million": "1000000", "millions": "1000000", "billion": "1000000000",
    "billions": "1000000000", "dozen": "12", "dozens": "12", "twice": "2", "double": "2", "doubled": "2", "triple": "3",
    "tripled": "3", "half": "0.5", "halved": "0.5",
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z]+", re.IGNORECASE)
_SCALES: Final[Mapping[str, Decimal]] = {
    "k": Decimal(1000), "thousand": Decimal(1000), "m": Decimal(10**6), "mn": Decimal(10**6), "million": Decimal(10**6),
    "b": Decimal(10**9), "bn": Decimal(10**9), "billion": Decimal(10**9),
}  # fmt: skip
_PERCENTS: Final = frozenset({"%", "percent", "per cent"})
_ROUNDED_AT_MOST: Final = Decimal("0.025")
_NOON: Final = 12
_MOST_DIGITS: Final = 18  # before the point: figures beyond are told from others, not from each other
_BEYOND: Final = Decimal(10) ** _MOST_DIGITS


@dataclass
class KnownFigures:
    """The figures of facts: numbers (signed), dates, times of day, and names that have digits in them."""

    numbers: set[Decimal] = field(default_factory=set)
    dates: set[tuple[int | None, int, int]] = field(default_factory=set)
    times: set[tuple[int, int, int | None]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def known_of(facts: Any) -> KnownFigures:
    """Return every figure that stands anywhere in facts: values, texts and names alike."""
    known = KnownFigures()
    for leaf in _leaves(facts):
        _learn(leaf, known)
    return known


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _leaves(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _learn(leaf: Any, known: KnownFigures) -> None:
    if isinstance(leaf, bool) or leaf is None:
        return
    if isinstance(leaf, int | float | Decimal):
        known.numbers |= {number for number in (_decimal(str(leaf)),) if number is not None}
    elif isinstance(leaf, datetime):
        known.dates.add((leaf.year, leaf.month, leaf.day))
        known.times.add((leaf.hour, leaf.minute, leaf.second))
    elif isinstance(leaf, date):
        known.dates.add((leaf.year, leaf.month, leaf.day))
    else:
        _learn_text(str(leaf), known)


def _learn_text(text: str, known: KnownFigures) -> None:
    rest, dates, times = _without_dates(_plain(text))
    known.dates |= set(dates)
    known.times |= set(times)
    for name in _NAME.findall(rest):
        known.names.add(name.lower().strip(".:-"))
    for said in (rest, _NAME.sub(" ", rest)):  # what stands beside a name is read with it and without it
        known.numbers |= {figure.value for figure in _numbers(said)}
    known.numbers |= {Decimal(_WORDS[word.lower()]) for word in _number_words(_NUMBER.sub(" ", rest))}


def invented(text: str, facts: Any, *, known: KnownFigures | None = None) -> list[str]:
    """Return the figures of a text that are in no fact, as they stand there; empty: every one is."""
    known = known or known_of(facts)
    rest, dates, times = _without_dates(_plain(text))
    wrong = ["-".join(str(part) for part in day if part) for day in dates if not _is_date(day, known)]
    wrong += [":".join(f"{part:02d}" for part in at if part is not None) for at in times if not _is_time(at, known)]
    rest = _NAME.sub(lambda found: _without_known_name(found.group(), known), rest)
    wrong += [figure.text for figure in _numbers(rest) if not _is_number(figure, known)]
    spelled = [Figure(word, Decimal(_WORDS[word.lower()])) for word in _number_words(_NUMBER.sub(" ", rest))]
    wrong += [figure.text for figure in spelled if not _is_number(figure, known)]
    return wrong


# ---- what a text says


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it stands in a text; `digits` after its point, before its scale."""

    text: str
    value: Decimal
    digits: int = 0
    scale: Decimal = Decimal(1)
    is_percent: bool = False
    is_signed: bool = False


def _plain(text: str) -> str:
    """Return a text with every form of a digit, a sign or a blank as the plain one."""
    shown = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2013", "-")
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in shown)


def _without_dates(text: str) -> tuple[str, list[tuple[int | None, int, int]], list[tuple[int, int, int | None]]]:
    """Return a text without its dates and times, and these."""
    dates: list[tuple[int | None, int, int]] = []
    times: list[tuple[int, int, int | None]] = []

    def iso(found: re.Match[str]) -> str:
        year, month, day, hour, minute, second = found.groups()
        dates.append((int(year), int(month), int(day)))
        if hour:
            times.append((int(hour), int(minute), int(second) if second else None))
        return " "

    def day_first(found: re.Match[str]) -> str:
        dates.append((int(found[3]) if found[3] else None, _MONTHS[found[2].lower()], int(found[1])))
        return " "

    def month_first(found: re.Match[str]) -> str:
        dates.append((int(found[3]) if found[3] else None, _MONTHS[found[1].lower()], int(found[2])))
        return " "

    def clock(found: re.Match[str]) -> str:
        hour, half = int(found[1]), (found[4] or "").lower()
        if half:
            hour = hour % _NOON + (_NOON if half.startswith("p") else 0)
        times.append((hour, int(found[2]), int(found[3]) if found[3] else None))
        return " "

    for pattern, take in ((_ISO, iso), (_DAY_FIRST, day_first), (_MONTH_FIRST, month_first), (_CLOCK, clock)):
        text = pattern.sub(take, text)
    return text, dates, times


def _without_known_name(name: str, known: KnownFigures) -> str:
    """A name with digits in it, as 590C or 0DTE, is a figure only where no fact has that name."""
    bare = name.lower().strip(".:-")
    if bare in known.names:
        return " "
    unit = _UNIT.fullmatch(name.strip(".:-"))
    if unit is None or unit[2] in _SCALED or unit[2].startswith("e"):
        return name
    return unit[1]


def _numbers(text: str) -> Iterator[Figure]:
    for found in _NUMBER.finditer(text):
        value = _decimal(found["digits"].replace(",", "") + (found["power"] or ""))
        if value is None:
            continue
        unit = " ".join((found["unit"] or "").lower().split())
        scale = _SCALES.get(unit, Decimal(1))
        is_minus = found["sign"] == "-" or bool(found["minus"])
        digits = len(found["digits"].partition(".")[2])
        is_signed, amount = bool(found["sign"] or found["minus"]), (-value if is_minus else value) * scale
        yield Figure(found.group().strip(), amount, digits, scale, unit in _PERCENTS, is_signed)


def _number_words(text: str) -> Iterator[str]:
    return (word for word in _WORD.findall(text) if word.lower() in _WORDS)


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    if not found.is_finite():
        return None
    if not found:
        return Decimal(0)
    # Asked of the exponent, for no context holds 10e999999; a figure of that size is one all the same.
    return found if found.adjusted() < _MOST_DIGITS else _BEYOND.copy_sign(found)


# ---- whether a fact says it


def _is_number(figure: Figure, known: KnownFigures) -> bool:
    return any(_tells(figure, fact) or (figure.is_percent and _tells(figure, fact * 100)) for fact in known.numbers)


def _tells(figure: Figure, fact: Decimal) -> bool:
    """Say whether a figure is a fact, rounded to the figure's own places and by little."""
    if figure.is_signed and figure.value != 0 and (figure.value < 0) != (fact < 0):
        return False
    told, meant = abs(figure.value), abs(fact)
    if told == meant:
        return True
    apart = abs(told - meant)
    step = figure.scale * Decimal(1).scaleb(-figure.digits) / 2
    return apart <= step and apart <= meant * _ROUNDED_AT_MOST


def _is_date(day: tuple[int | None, int, int], known: KnownFigures) -> bool:
    """A year that is told has to be one that a fact tells of that day."""
    year, month, number = day
    return any((month, number) == (m, n) and (year is None or year == y) for y, m, n in known.dates)


def _is_time(at: tuple[int, int, int | None], known: KnownFigures) -> bool:
    hour, minute, second = at
    return any((hour, minute) == (h, m) and (second is None or s is None or second == s) for h, m, s in known.times)
