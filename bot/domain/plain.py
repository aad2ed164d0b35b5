"""Domain values as plain data and back: what a recording holds of a fact is JSON that anybody can read.

Numbers, texts, lists and mappings stay what they are; everything else is a mapping with one mark that says what it is:

| mark | value |
|---|---|
| `$d` | a `Decimal`, as it was written |
| `$t` | an aware time, ISO-8601 in UTC |
| `$day`, `$hour` | a date, a time of day |
| `$s` | a frozen set, sorted |
| `$e` | a word: class and value |
| `$m` | a mapping whose keys are no texts: pairs |
| `$` | a dataclass of this room by its name; its fields beside it, those with their default left out |

A value that is none of these raises `NotPlain`: a recording holds no pickles. What was written by an older version is
read: a field that it did not have is empty, one that is gone is passed over.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, cast

from bot.domain.errors import BotError


class NotPlain(BotError):
    """A value that cannot be written as plain data, or plain data that no value of ours can be made of."""


def as_text(value: object) -> str:
    """Return a value as one line of JSON; raises NotPlain."""
    return json.dumps(as_plain(value), ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> Any:
    """Return the value of `as_text`; sequences come back as tuples. Raises NotPlain."""
    try:
        return from_plain(json.loads(text))
    except (ValueError, TypeError, KeyError, ArithmeticError, AttributeError, RecursionError) as error:
        raise NotPlain(f"{type(error).__name__}: {error}") from error


def as_plain(value: object) -> Any:
    """Return a value as JSON's own kinds; raises NotPlain."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, Enum):
        return {"$e": [type(value).__name__, value.value]}
    if is_dataclass(value) and not isinstance(value, type):
        return _written(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [as_plain(each) for each in value]
    raise NotPlain(f"a {type(value).__name__} is no plain data")


def from_plain(data: Any) -> Any:
    """Return the value that plain data stand for; raises NotPlain, and what a broken field raises."""
    if isinstance(data, list):
        return tuple(from_plain(each) for each in data)
    if not isinstance(data, dict):
        return data
    if "$" in data:
        return _read(data)
    if len(data) == 1:
        ((mark, held),) = data.items()
        reader = _READERS.get(mark)
        if reader is not None:
            return reader(held)
    return {name: from_plain(each) for name, each in data.items()}


def _itself(value: Any) -> Any:
    return value


def _utc(value: Any) -> Any:
    return {"$t": value.astimezone(UTC).isoformat()}


def _list(value: Any) -> Any:
    return [as_plain(each) for each in value]


def _mapping(value: Any) -> Any:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: as_plain(each) for key, each in value.items()}
    return {"$m": [[as_plain(key), as_plain(each)] for key, each in value.items()]}


def _set(value: Any) -> Any:
    return {"$s": sorted((as_plain(each) for each in value), key=json.dumps)}


def _written(value: Any) -> Any:
    plain: dict[str, Any] = {"$": type(value).__name__}
    for name, default in _fields_of(cast(Any, type(value))):
        held = getattr(value, name)
        if held is not default:
            plain[name] = as_plain(held)
    return plain


@cache
def _fields_of(kind: type) -> tuple[tuple[str, object], ...]:
    """Return the fields that its constructor takes, each with the default that need not be written."""
    taken = [each for each in fields(cast(Any, kind)) if each.init]
    return tuple((each.name, _default(each)) for each in taken)


def _default(field: Field[Any]) -> object:
    plain = field.default is None or isinstance(field.default, (bool, str))
    return field.default if plain else MISSING


_WRITERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    type(None): _itself, bool: _itself, int: _itself, float: _itself, str: _itself,
    Decimal: lambda value: {"$d": str(value)},
    datetime: _utc,
    date: lambda value: {"$day": value.isoformat()},
    time: lambda value: {"$hour": value.isoformat()},
    list: _list, tuple: _list, dict: _mapping, set: _set, frozenset: _set,
}  # fmt: skip

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$d": Decimal,
    "$t": datetime.fromisoformat,
    "$day": date.fromisoformat,
    "$hour": time.fromisoformat,
    "$s": lambda held: frozenset(from_plain(each) for each in held),
    "$m": lambda held: {from_plain(key): from_plain(each) for key, each in held},
    "$e": lambda held: _word(*held),
}


def _word(name: str, value: Any) -> Any:
    return _known()[name](value)


def _read(data: Mapping[str, Any]) -> Any:
    kind = _known().get(data["$"])
    if kind is None or not is_dataclass(kind):
        raise NotPlain(f"no fact here is called {data['$']!r}")
    told = {name: from_plain(data[name]) for name, _ in _fields_of(cast(Any, kind)) if name in data}
    return kind(**{**_empty_of(cast(Any, kind)), **told})


@cache
def _empty_of(kind: type) -> Mapping[str, Any]:
    """Return what the fields without a default hold of a fact that was written before there were such fields."""
    needed = [each for each in fields(cast(Any, kind)) if each.init and _has_no_default(each)]
    return {each.name: _EMPTY.get(str(each.type)) for each in needed if _may_be_empty(str(each.type))}


def _has_no_default(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _may_be_empty(words: str) -> bool:
    return words in _EMPTY or words.endswith("| None")


_EMPTY: Final[Mapping[str, Any]] = {"str": "", "int": 0, "float": 0.0, "bool": False}


@cache
def _known() -> Mapping[str, Callable[..., Any]]:
    """Return every dataclass and word of the domain by its name, which no other has."""
    from bot import domain

    rooms = [importlib.import_module(each.name) for each in pkgutil.walk_packages(domain.__path__, "bot.domain.")]
    return {name: held for room in rooms for name, held in vars(room).items() if _is_data_of(held, room.__name__)}


def _is_data_of(held: object, room: str) -> bool:
    if not isinstance(held, type) or held.__module__ != room:
        return False
    return is_dataclass(held) or issubclass(held, Enum)
