"""A copy that shares nothing with its original that can change, at a small part of the price of `copy.deepcopy`: what
cannot change (a number, a word, a moment, a frozen thing that holds nothing else) is handed on as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Final, TypeVar

from bot.domain.kinds import Entities

T = TypeVar("T")
Copier = Callable[[Any], Any]

_NEVER_CHANGE: Final = frozenset(
    {NoneType, bool, int, float, str, bytes, Decimal, datetime, date, time, timedelta, frozenset}
)


def apart(value: T) -> T:
    """Return `value` as it stands now, whatever becomes of the original."""
    copied: T = _COPIERS[type(value)](value)
    return copied


class _Copiers(dict[type, Copier]):
    """How each type is copied, found out when one is met for the first time."""

    def __missing__(self, kind: type) -> Copier:
        if kind in _NEVER_CHANGE or issubclass(kind, Enum):
            self[kind] = _as_it_is
        else:
            self[kind] = _fields_of(kind) if is_dataclass(kind) else copy.deepcopy
        return self[kind]


def _as_it_is(value: Any) -> Any:
    return value


def _tuple(value: tuple[Any, ...]) -> tuple[Any, ...]:
    copied = tuple([_COPIERS[type(each)](each) for each in value])
    return value if all(map(_is, copied, value)) else copied


def _is(one: object, other: object) -> bool:
    return one is other


_COPIERS: Final[_Copiers] = _Copiers(
    {
        tuple: _tuple,
        list: lambda value: [_COPIERS[type(each)](each) for each in value],
        set: set,
        dict: lambda value: {key: _COPIERS[type(each)](each) for key, each in value.items()},
        Entities: lambda value: Entities(_COPIERS[type(each)](each) for each in value),
    }
)


def _fields_of(kind: Any) -> Copier:
    names = tuple(each.name for each in fields(kind))
    frozen, put = kind.__dataclass_params__.frozen, object.__setattr__

    def copied(value: Any) -> Any:
        was = [getattr(value, name) for name in names]
        parts = [_COPIERS[type(each)](each) for each in was]
        if frozen and all(map(_is, parts, was)):
            return value
        made = object.__new__(kind)
        for name, part in zip(names, parts, strict=True):
            put(made, name, part)
        return made

    return copied
