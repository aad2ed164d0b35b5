"""How the overseer speaks: rows of `inbound`, which the tick reads. It writes nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from bot.domain.ids import IdSource
from bot.domain.overseer import ACTOR
from bot.store.read.inbound import insert_inbound

MOST_WORDS: Final = 200
"""Characters of an alert's text that the bot takes."""


class Teller(Protocol):
    """Says one thing to the bot."""

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        """Insert one row and return its id."""
        ...


class InboundTeller:
    """Inserts rows into the bot's store."""

    def __init__(self, url: str, ids: IdSource, now: Callable[[], datetime]) -> None:
        self._url, self._ids, self._now = url, ids, now

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        """Insert one row and return its id. Raises StoreError when the store does not take it."""
        at = self._now()
        row_id = self._ids.new(at)
        await asyncio.to_thread(insert_inbound, self._url, row_id, ACTOR, kind, payload, at)
        return row_id


async def alert(
    code: str, text: str, to: Teller, *, entity: str = "", facts: Mapping[str, Any] | None = None, severity: str = ""
) -> None:
    """Have the bot raise an alert of the register; `severity` where it is to be another than its row's first."""
    payload: dict[str, Any] = {"code": code, "text": text[:MOST_WORDS], "entity": entity, "facts": dict(facts or {})}
    await to.tell("alert", {**payload, "severity": severity} if severity else payload)
