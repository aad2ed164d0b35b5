"""A refused setting as one sentence: where it stands, what it says, what is allowed and what to do."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.config.secret_words import looks_secret, without_passwords
from bot.config.yaml_source import KeyPath, dotted
from bot.domain.errors import ConfigError
from bot.domain.outside import host_only, visible

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (Decimal, "a number"),
    (time, 'a New York time of day as "HH:MM"'),
    (str, "text (in quotes where it looks like a number)"),
)
_BOUNDS: Final = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was written: `where` for the message, `key` as it is called there, and how it is mended."""

    where: str
    key: str
    remedy: str

    def below(self, rest: KeyPath) -> Source:
        """Return the origin of something inside this value."""
        return Source(self.where, _joined(self.key, rest), self.remedy)


Origins = Mapping[KeyPath, Source]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the schema says of one place: its type, bare, and its bounds."""

    annotation: Any
    bounds: tuple[Any, ...] = ()
    default: Any = None

    def __str__(self) -> str:
        words = _kind(self.annotation)
        bounds = [
            f"{word} {limit}"
            for name, word in _BOUNDS
            for b in self.bounds
            if (limit := getattr(b, name, None)) is not None
        ]
        patterns = [f"matching {p}" for b in self.bounds if (p := getattr(b, "pattern", None))]
        return ", ".join([words, " and ".join(bounds), *patterns]) if bounds else ", ".join([words, *patterns])


def checked(model: type[AnyModel], tree: Mapping[str, Any], origins: Origins, prefix: KeyPath = ()) -> AnyModel:
    """Return the model of a tree that hangs at `prefix`; raises ConfigError with one sentence per problem."""
    problems = [
        (path, value, f"must be {place(model, path)}") for path, value in _misread(model, tree) if place(model, path)
    ]
    if not problems:
        try:
            return model.model_validate(tree)
        except ValidationError as error:
            problems = [_problem(model, each) for each in error.errors(include_url=False)]
    raise ConfigError("\n".join(_sentence(model, problem, origins, prefix) for problem in problems))


def refusal(origin: Source, words: str) -> str:
    """Return the sentence for something wrong at one place."""
    return f"{origin.where}: {words} {origin.remedy}".rstrip()


def guess(word: str, known: list[str]) -> str:
    """Return ` Did you mean x?` for a near miss, else nothing."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""


def place(model: type[BaseModel], path: KeyPath) -> Allowed | None:
    """Return what the schema allows at a path; None where it has no such place."""
    here = Allowed(model)
    for part in path:
        found = _step(here.annotation, part)
        if found is None:
            return None
        here = found
    return here


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys that a section knows; none where any key may stand."""
    section = place(model, path)
    return list(section.annotation.model_fields) if section and _is_model(section.annotation) else []


def _step(annotation: Any, part: str | int) -> Allowed | None:
    if _is_model(annotation) and issubclass(annotation, RootModel):
        return _step(annotation.model_fields["root"].annotation, part)
    if _is_model(annotation):
        fields: dict[str, FieldInfo] = annotation.model_fields
        info = fields.get(str(part))
        return _opened(info.annotation, tuple(info.metadata), info.default) if info else None
    arguments = get_args(annotation)
    if get_origin(annotation) in {tuple, list} and isinstance(part, int):
        return _opened(arguments[0])
    if get_origin(annotation) is dict:
        return _opened(arguments[1])
    return None


def _opened(annotation: Any, bounds: tuple[Any, ...] = (), default: Any = None) -> Allowed:
    """Strip Annotated and Optional from a type, and keep the bounds that they carried."""
    while get_origin(annotation) is Annotated:
        annotation, *extra = get_args(annotation)
        bounds += tuple(b for e in extra for b in (e.metadata if isinstance(e, FieldInfo) else [e]))
    if get_origin(annotation) in {Union, types.UnionType}:
        real = [a for a in get_args(annotation) if a is not type(None)]
        if len(real) == 1:
            return _opened(real[0], bounds, default)
    return Allowed(annotation, bounds, default)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return f"one of {', '.join(map(str, get_args(annotation)))}"
    if get_origin(annotation) in {tuple, list}:
        return "a list"
    if get_origin(annotation) in {Union, types.UnionType}:
        return " or ".join(_kind(each) for each in get_args(annotation))
    if not isinstance(annotation, type) or get_origin(annotation) is dict:
        return "`key: value` lines"
    if issubclass(annotation, BaseModel):
        return f"`key: value` lines with the keys {', '.join(annotation.model_fields)}"
    if issubclass(annotation, Enum):
        return f"one of {', '.join(str(each.value) for each in annotation)}"
    return next((words for kind, words in _KINDS if issubclass(annotation, kind)), annotation.__name__)


def _misread(model: type[BaseModel], tree: Any, at: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield what pydantic would take for something else: `yes` for the number 1, the number 1530 for a time of day."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _misread(model, value, (*at, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _misread(model, value, (*at, index))
    elif (allowed := place(model, at)) and isinstance(allowed.annotation, type):
        if isinstance(tree, bool) and issubclass(allowed.annotation, int | float | Decimal | time):
            if allowed.annotation is not bool:
                yield at, tree
        elif isinstance(tree, int | float) and issubclass(allowed.annotation, time):
            yield at, tree


Problem = tuple[KeyPath, Any, str]


def _problem(model: type[BaseModel], error: ErrorDetails) -> Problem:
    path: KeyPath = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        known = keys_at(model, path[:-1])
        return path, error["input"], f"is an unknown key.{guess(str(path[-1]), known)} Known here: {', '.join(known)}"
    if error["type"] == "missing":
        return path, None, f"is missing; it must be {place(model, path)}"
    if error["type"] == "value_error":
        return path, error["input"], f"is refused: {error['msg'].removeprefix('Value error, ')}"
    allowed = place(model, path)
    return path, error["input"], f"must be {allowed}" if allowed else f"is refused: {error['msg']}"


def _sentence(model: type[BaseModel], problem: Problem, origins: Origins, prefix: KeyPath) -> str:
    path, value, words = problem
    origin = origin_of((*prefix, *path), origins)
    if words.startswith("is refused: ") and not origin.key:
        return refusal(origin, f"{words.removeprefix('is refused: ')}.")
    silent = isinstance(value, Mapping | list) or (value is None and "missing" in words)
    said = "" if silent else f" = {_shown(path, value)}"
    allowed = place(model, path)
    default = (
        _shown(path, allowed.default) if allowed and isinstance(allowed.default, int | float | str | Decimal) else ""
    )
    hint = f" The default is {default}." if default and default != "''" and "must be" in words else ""
    return refusal(origin, f"{origin.key}{said} {words}.{hint}")


def origin_of(path: KeyPath, origins: Origins) -> Source:
    """Return the origin of a place, or of the nearest one around it that was written somewhere."""
    for length in range(len(path), 0, -1):
        origin = origins.get(path[:length])
        if origin is not None:
            return origin.below(path[length:])
    return Source("configuration", dotted(path), "Change it in config/.")


def _shown(path: KeyPath, value: Any) -> str:
    if path and looks_secret(str(path[-1])):
        return "(not shown)"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        value = host_only(value)  # under a misspelt key, too, for what is private in it is private there
    text = visible(without_passwords(str(value) if isinstance(value, Decimal) else repr(value)[:_MOST_READ]))
    return text if len(text) <= 80 else f"{text[:77]}..."


_MOST_READ: Final = 2000


def _joined(key: str, rest: KeyPath) -> str:
    tail = dotted(rest)
    return key + tail if tail.startswith("[") else ".".join(filter(None, (key, tail)))
