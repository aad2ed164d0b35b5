"""Buttons that were offered: each is one person's, works once, for a while, and only while its facts hold."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

CONFIRM_S: Final = 60.0
PAGES_S: Final = 900.0
_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Offer:
    """What a button does: `what` is the holder's matter, `facts` what it was offered on."""

    user_id: int
    what: Any
    until_s: float
    facts: Any = None


class Gone(Exception):
    """A button that does nothing any more; the text says why."""


@dataclass
class Offers:
    """Offers of this run; a restart forgets them, and a button of before says that it is too old."""

    seconds: Callable[[], float]
    _open: OrderedDict[str, Offer] = field(default_factory=OrderedDict)

    def make(self, user_id: int, what: Any, *, lasts_s: float = CONFIRM_S, facts: Any = None) -> str:
        """Return the token of a new offer."""
        token = secrets.token_urlsafe(12)
        self._open[token] = Offer(user_id, what, self.seconds() + lasts_s, facts)
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return token

    def look(self, token: str, user_id: int) -> Offer:
        """Return an offer without using it up; raises Gone."""
        offer = self._open.get(token)
        if offer is None:
            raise Gone("This button is too old, or was pressed before. Ask again.")
        if offer.user_id != user_id:
            raise Gone("This button is somebody else's. Ask for yourself.")
        if self.seconds() > offer.until_s:
            del self._open[token]
            raise Gone("This button is too old. Ask again.")
        return offer

    def take(self, token: str, user_id: int) -> Offer:
        """Return an offer and use it up; raises Gone."""
        offer = self.look(token, user_id)
        del self._open[token]
        return offer
