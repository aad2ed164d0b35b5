"""When a changed setting comes into force: while the bot runs, with its next beginning, or with a start of the program.

Marked in the schema, on a section or on one setting in it; the nearest mark counts, and without one a setting comes
with the next beginning. Live is only what the tick reads anew each time: whatever was handed to a process, a connection
or a file at the beginning is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel

from bot.config.schema import Settings
from bot.config.section import TakenOver, Takeover

AnySection = TypeVar("AnySection", bound=BaseModel)

IN_WORDS: Final[Mapping[Takeover, str]] = {
    Takeover.LIVE: "at once",
    Takeover.ANEW: "`python run.py reload_config` takes it over: the bot begins again, stops stay at the broker",
    Takeover.START: "only a start of the program takes it over",
}


def takeover_of(key: str) -> Takeover:
    """Return when a setting comes into force, by its dotted name below `settings`; what lies deeper than the schema (a
    list, a mapping) goes with the setting that it is part of."""
    found, kind = Takeover.ANEW, cast(Any, Settings)
    for part in key.split("."):
        info = kind.model_fields.get(part) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        if info is None:
            return found
        found, kind = _marked(info.metadata) or found, info.annotation
    return found


def with_live(running: Settings, found: Settings) -> Settings:
    """Return the settings that run, with what may change live as it was found."""
    return _with_live(running, found, Takeover.ANEW)


def all_settings(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting."""
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from all_settings(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def _with_live(running: AnySection, found: AnySection, mark: Takeover) -> AnySection:
    changed: dict[str, Any] = {}
    for name, info in type(running).model_fields.items():
        old, new, own = getattr(running, name), getattr(found, name), _marked(info.metadata) or mark
        if isinstance(old, BaseModel) and type(old) is type(new):
            new = _with_live(old, new, own)
        elif own is not Takeover.LIVE:
            continue
        if new is not old and new != old:
            changed[name] = new
    return running.model_copy(update=changed) if changed else running


def _marked(metadata: list[Any]) -> Takeover | None:
    return next((each.when for each in metadata if isinstance(each, TakenOver)), None)
