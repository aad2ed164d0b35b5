"""What is started in order and stopped in reverse: a list.

A stage whose start fails was not begun and is not stopped; those before it are. Whatever has to be let go of although a
start failed halfway is therefore a stage of its own that comes first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

Move = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that is started, stopped, or both; its name is for people who read the list."""

    name: str
    start: Move | None = None
    stop: Move | None = None


@asynccontextmanager
async def in_order(stages: Iterable[Stage]) -> AsyncIterator[None]:
    """Start each stage in turn; at the end, whichever way it comes, stop what was started in reverse."""
    async with AsyncExitStack() as begun:
        for stage in stages:
            if stage.start is not None:
                await stage.start()
            if stage.stop is not None:
                begun.push_async_callback(stage.stop)
        yield
