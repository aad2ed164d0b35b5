"""What a simulated vendor is: something that answers one GET at a time of the day."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.sim.uw.routes import VendorAnswer
from bot.sim.uw.source import UwSource


@dataclass(frozen=True, slots=True)
class VendorAsked:
    """One GET: the path below the vendor's own address, parameters (the last of a name counts), headers in small
    letters."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now: datetime

    def whole(self, name: str, otherwise: int) -> int:
        """Return a parameter that is a whole number, `otherwise` where it is none."""
        said = self.query.get(name, "")
        return int(said) if said.isascii() and said.isdigit() else otherwise


class VendorFace(Protocol):
    """One vendor over the market model. `key`: the parameter or header with its clients' key; empty: they need none."""

    key: str

    def __init__(self, market: UwSource) -> None: ...

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        """Return the answer to who has a key."""
        ...

    def refusal(self) -> VendorAnswer:
        """Return what who has none is told."""
        ...


def json_answer(value: Any, status: int = 200) -> VendorAnswer:
    return VendorAnswer(status, json.dumps(value).encode())
