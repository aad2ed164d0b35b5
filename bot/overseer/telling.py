"""How the overseer speaks: rows of `inbound`, which the tick reads. It writes nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

MOST_WORDS: Final = 200
"""Characters of an alert's text that the bot takes."""


class Teller(Protocol):
    """Says one thing to the bot."""

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        """Insert one row and return its id."""
        ...


async def alert(
    code: str, text: str, to: Teller, *, entity: str = "", facts: Mapping[str, Any] | None = None, severity: str = ""
) -> None:
    """Have the bot raise an alert of the register; `severity` where it is to be another than its row's first."""
    payload: dict[str, Any] = {"code": code, "text": text[:MOST_WORDS], "entity": entity, "facts": dict(facts or {})}
    await to.tell("alert", {**payload, "severity": severity} if severity else payload)
