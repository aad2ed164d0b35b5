"""All faces behind one server: which one is asked, whether it is told a key, what goes wrong instead."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import UwSource
from bot.sim.vendors import BELOW, FACES
from bot.sim.vendors.face import VendorAsked, VendorFace

Wrong = Callable[[str, datetime], VendorAnswer | datetime | None]


class OtherVendors:
    """The faces over one market; each is made when it is first asked. `wrong`: what may answer in their place."""

    def __init__(self, market: UwSource, wrong: Wrong | None = None) -> None:
        self._market, self._wrong = market, wrong
        self._faces: dict[str, VendorFace] = {}

    def answer(
        self, path: str, params: Sequence[tuple[str, str]], headers: Mapping[str, str], now: datetime
    ) -> VendorAnswer | None:
        """Return the answer of the face that a path leads to, None where it is none of theirs."""
        if not path.startswith(BELOW):
            return None
        vendor, _, rest = path.removeprefix(BELOW).partition("/")
        if vendor not in FACES:
            return NO_ROUTE
        face = self._face(vendor)
        query = dict(params)
        lowered = {name.lower(): value for name, value in headers.items()}
        if face.key and not (query.get(face.key) or lowered.get(face.key.lower())):
            return face.refusal()
        fault = self._wrong(path, now) if self._wrong else None
        if isinstance(fault, VendorAnswer):
            return fault
        return face.answer(VendorAsked(f"/{rest}", query, lowered, fault or now))

    def _face(self, vendor: str) -> VendorFace:
        if vendor not in self._faces:
            module, _, name = FACES[vendor].partition(":")
            made: VendorFace = getattr(importlib.import_module(module), name)(self._market)
            self._faces[vendor] = made
        return self._faces[vendor]
