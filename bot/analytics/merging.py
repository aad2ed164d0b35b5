"""Rows of several sources about the same thing as one row: the first source's value, and every disagreement in words.

Nothing is averaged: a mean of two calendars is what neither of them says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Said = Mapping[str, Any]
"""One source's word on one thing: plain values by name, None or empty where it says nothing."""
Same = Callable[[Any, Any], bool]

_NUMBER: Final = re.compile(r"^\$?(-?[0-9][0-9,]*\.?[0-9]*)\s*([%a-z]*)$", re.IGNORECASE)
_SCALES: Final[Mapping[str, float]] = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}


@dataclass(frozen=True, slots=True)
class SaidBy:
    source: str
    said: Said


def first_of(row: Any, *names: str) -> Any:
    """Return the first value that a row, typed or declared, has under one of these names; None where it has none."""
    for name in names:
        value = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
        if value not in (None, ""):
            return value
    return None


def number_of(text: str) -> float | None:
    """Return what `3.1%`, `250K`, `$1.2B`, `(0.25)` stand for, None for other text. A percent sign is left out: both
    sources of one figure mean the same unit."""
    written = text.strip()
    if written.startswith("(") and written.endswith(")"):
        written = f"-{written[1:-1].lstrip('$')}"
    found = _NUMBER.match(written)
    if found is None:
        return None
    unit = found[2].lower()
    if unit not in {"", "%", *_SCALES}:
        return None
    return float(found[1].replace(",", "")) * _SCALES.get(unit, 1.0)


def same_figure(one: Any, other: Any) -> bool:
    """Say whether two texts are the same figure: `3.10%` and `3.1 %`, `250K` and `250,000`."""
    a, b = number_of(str(one)), number_of(str(other))
    if a is None or b is None:
        return str(one).strip().lower() == str(other).strip().lower()
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def agreed(words: Sequence[SaidBy], name: str, same: Same = same_figure) -> tuple[Any, str]:
    """Return the first source's value of a field, None where none has one, and the disagreement in words: what each
    source that has a value says, empty where all say the same."""
    given = [each for each in words if each.said.get(name) not in (None, "")]
    if not given:
        return None, ""
    first = given[0].said[name]
    if all(same(first, each.said[name]) for each in given):
        return first, ""
    what = ", ".join(f"{each.source} {each.said[name]}" for each in given)
    return first, f"{name.replace('_', ' ')}: {what}"


def gathered(
    words: Iterable[SaidBy], key: Callable[[Said], Hashable], near: Callable[[Said, Said], bool]
) -> Iterator[list[SaidBy]]:
    """Yield the words that are about the same thing: of one key and near to the first of them, one of each source. What
    a source says twice it has said once."""
    groups: dict[Hashable, list[list[SaidBy]]] = {}
    for each in words:
        of_key = groups.setdefault(key(each.said), [])
        if any(each in group for group in of_key):
            continue  # said twice by one source
        for group in of_key:
            if near(group[0].said, each.said) and all(each.source != other.source for other in group):
                group.append(each)
                break
        else:
            of_key.append([each])
    for of_key in groups.values():
        yield from of_key


def sources_of(words: Iterable[SaidBy]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.source for each in words))
