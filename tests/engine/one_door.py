"""A watch over every entity: who writes to one after its birth, other than through the ledger's one door, is seen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from bot.domain.kinds import KINDS
from bot.engine.state.ledger import Ledger

_BORN = object()


@contextmanager
def watched() -> Iterator[list[str]]:
    """Yield the list of what was written elsewhere in the bot (tests may set a stage): file, line, class, field."""
    offences: list[str] = []
    inside = 0

    def through(door: Any) -> Any:
        def passing(*given: Any, **named: Any) -> Any:
            nonlocal inside
            inside += 1
            try:
                return door(*given, **named)
            finally:
                inside -= 1

        return passing

    def write(entity: Any, name: str, value: object) -> None:
        if not inside and getattr(entity, name, _BORN) is not _BORN:
            writer = sys._getframe(1)
            if "/bot/" in writer.f_code.co_filename or "transitions" in writer.f_code.co_filename:
                offences.append(f"{writer.f_code.co_filename}:{writer.f_lineno} {type(entity).__name__}.{name}")
        object.__setattr__(entity, name, value)

    with ExitStack() as stack:
        for name in ("change", "put_back"):
            stack.enter_context(mock.patch.object(Ledger, name, through(getattr(Ledger, name))))
        for kind in KINDS:
            stack.enter_context(mock.patch.object(kind, "__setattr__", write))
        yield offences
