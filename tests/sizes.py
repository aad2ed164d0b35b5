"""How much a part of the bot remembers: the containers that are reachable from it, with their sizes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator


def tables(thing: object, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, int]]:
    """Yield every container that is reachable from a part of the bot, with its size."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, dict | list | set | frozenset | tuple | deque):
        yield path, len(thing)
        inner = thing.values() if isinstance(thing, dict) else thing
        for each in inner:
            yield from tables(each, f"{path}[]", seen)
    elif type(thing).__module__.startswith("bot."):
        slots = (name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()))
        names = [*getattr(thing, "__dict__", ()), *slots]
        for name in names:
            yield from tables(getattr(thing, name, None), f"{path}.{name}", seen)


def sizes(thing: object, path: str, seen: set[int]) -> dict[str, int]:
    """Return the sizes of all tables by their path; those that lie in a table are summed."""
    total: dict[str, int] = {}
    for name, size in tables(thing, path, seen):
        total[name] = total.get(name, 0) + size
    return total


def grown(before: dict[str, int], now: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return the tables that hold more than before, with both sizes."""
    return {path: (before.get(path, 0), size) for path, size in now.items() if size > before.get(path, 0)}
