"""What a vendor's room has to say of it: what its refusals mean, where rows are in an answer, its typed parsers.

Everything else (address, sign-in, limits, headers, quota, paging) is in `config/data_sources.yaml`. A vendor without a
room of its own has `PLAIN` manners: statuses as HTTP means them, rows by readers that are declared in the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.feeds.rows import Parsers
from bot.feeds.tolerant import rows_of
from bot.feeds.verdicts import Refusals


@dataclass(frozen=True, slots=True)
class Manners:
    """`envelope`: the rows of a body, of at most so many; raises `tolerant.Malformed`. `enveloped`: the same for a
    parser whose answers come in another one."""

    refusals: Refusals = field(default_factory=Refusals)
    parsers: Parsers = field(default_factory=dict)
    envelope: Callable[[bytes, int | None], list[Any]] = rows_of
    enveloped: Mapping[str, Callable[[bytes, int | None], list[Any]]] = field(default_factory=dict)

    def rows(self, body: bytes, most_rows: int | None, parser: str = "") -> list[Any]:
        """Return the raw rows of an answer; raises Malformed."""
        return self.enveloped.get(parser, self.envelope)(body, most_rows)


PLAIN: Final = Manners()
