"""What can go wrong between the bot and a service, each at one service and method, for a time or a count.

A fault comes from a scenario (`services.faults`, simulated time), from a switch on the inbox page (wall time), or by
chance from a seed. The board says which one meets a request; the services know how each looks on their wire.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.sim.faults.catalogue import Moment
from bot.sim.services.book import Service

_NEW_YORK: Final = ZoneInfo("America/New_York")
ANY: Final = "*"


class Bend(StrEnum):
    """What happens to a request."""

    ACCEPT_HANG = "accept_then_hang"  # stored, and no answer comes
    ACCEPT_RESET = "accept_then_reset"  # stored, and the connection is cut
    HANG = "hang"  # no answer, nothing stored
    RESET = "reset"  # the connection is cut, nothing stored: what a service that is down looks like
    ERROR_AFTER = "error_after_storing"
    ERROR_BEFORE = "error_before_storing"
    LIMITED = "rate_limited"  # `retry_after_s` is the hint; none: without
    REVOKED = "credential_revoked"  # 401, 535
    NOT_FOUND = "not_found"  # 404: a proxy's answer, or a revoked token's
    REFUSED = "target_refused"  # for good: blocked, kicked, unknown channel, bad address
    TOO_LONG = "too_long"
    HTML = "html"  # with `status`, 200 too
    FORGETS = "forgets_duplicates"  # what would be recognised as a repetition is taken again
    DRIP = "slow_drip"  # stored, the answer comes byte by byte, longer than any client waits
    SECOND_POLLER = "second_poller"  # 409
    REPEATED = "updates_repeated"
    REORDERED = "updates_reordered"
    OLD = "updates_old"  # dated an hour ago
    MALFORMED = "updates_malformed"
    BARE = "bare_success"  # without optional headers and fields


BEFORE: Final = frozenset(
    {
        Bend.HANG, Bend.RESET, Bend.ERROR_BEFORE, Bend.LIMITED, Bend.REVOKED, Bend.NOT_FOUND, Bend.REFUSED,
        Bend.TOO_LONG, Bend.HTML, Bend.SECOND_POLLER,
    }
)  # fmt: skip
"""Faults after which nothing was stored."""
OF_UPDATES: Final = frozenset({Bend.REPEATED, Bend.REORDERED, Bend.OLD, Bend.MALFORMED})
"""Faults of what Telegram's poll brings."""
POLL, UPDATES = "getUpdates", "updates"
"""What the poll is called, and what it brings where it brings something."""
_OF_THE_POLL: Final = OF_UPDATES | {Bend.SECOND_POLLER}
_EVERYWHERE: Final = tuple(each for each in Bend if each not in _OF_THE_POLL and each is not Bend.FORGETS)
SPOKEN: Final = {
    Service.TELEGRAM: tuple(each for each in Bend if each is not Bend.FORGETS),
    Service.DISCORD: (*_EVERYWHERE, Bend.FORGETS),
    Service.SMTP: tuple(each for each in _EVERYWHERE if each not in {Bend.NOT_FOUND, Bend.HTML, Bend.BARE}),
    Service.ANTHROPIC: tuple(each for each in _EVERYWHERE if each is not Bend.REFUSED),
    Service.RECEIVER: _EVERYWHERE,
}
"""Which faults a service can have."""


class ServiceFault(BaseModel):
    """One fault of one service; `method` is one of its calls or * for all, `target` one chat, channel or address.

    Exactly one of `for_seconds` and `count`. `at` is New York time in a scenario; a switch has none: from now on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    service: Service
    fault: Bend
    method: str = Field(ANY, max_length=64)
    target: str = Field("", max_length=200)
    at: Moment | None = None
    for_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    count: Annotated[int, Field(ge=1, le=100_000)] | None = None
    share: float = Field(1.0, gt=0, le=1, description="of the requests, by chance")
    retry_after_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    status: int = Field(200, ge=200, le=599, description="of html")

    @model_validator(mode="after")
    def _makes_sense(self) -> ServiceFault:
        if (self.for_seconds is None) == (self.count is None):
            raise ValueError("give exactly one of for_seconds, count")
        if self.fault not in SPOKEN[self.service]:
            allowed = ", ".join(SPOKEN[self.service])
            raise ValueError(f"{self.service} does not know {self.fault}; allowed: {allowed}")
        return self


@dataclass(slots=True)
class Standing:
    """A fault on the board: until when of which clock, and how many requests it still meets."""

    number: int
    fault: ServiceFault
    until_wall: float | None
    left: int | None


class FaultBoard:
    """What is wrong with the services now. `chance` decides where a fault has a share, and is seeded."""

    def __init__(
        self, now: Callable[[], datetime], wall: Callable[[], float], script: Sequence[ServiceFault] = (), seed: int = 0
    ) -> None:
        self._now, self._wall = now, wall
        self.chance = random.Random(seed)
        self._numbers = count(1)
        self.standing: list[Standing] = [Standing(next(self._numbers), each, None, each.count) for each in script]
        self._at_random: tuple[float, tuple[Bend, ...]] = (0.0, ())
        self.met = 0

    def switch_on(self, fault: ServiceFault) -> int:
        """Put a fault on the board from now on; returns its number."""
        until = None if fault.for_seconds is None else self._wall() + fault.for_seconds
        number = next(self._numbers)
        self.standing.append(Standing(number, fault, until, fault.count))
        return number

    def switch_off(self, number: int | None = None) -> None:
        """Take a fault off, without a number all of them, those by chance too."""
        if number is None:
            self.standing, self._at_random = [], (0.0, ())
        else:
            self.standing = [each for each in self.standing if each.number != number]

    def at_random(self, share: float, seed: int, bends: Sequence[Bend] = ()) -> None:
        """From now on let this share of all requests meet a fault; the seed decides which. 0 ends it."""
        self.chance = random.Random(seed)
        self._at_random = (share, tuple(bends))

    @property
    def random_share(self) -> float:
        return self._at_random[0]

    def in_force(self) -> list[Standing]:
        """Return what is wrong now, and forget what is over."""
        wall, second = self._wall(), _second_of_day(self._now())
        self.standing = [each for each in self.standing if not _is_over(each, wall, second)]
        return [each for each in self.standing if _has_begun(each, second)]

    def meet(self, service: Service, method: str, target: str = "") -> ServiceFault | None:
        """Return the fault that meets a request, and take one off its count."""
        for each in self.in_force():
            if _concerns(each.fault, service, method, target) and self._happens(each.fault.share):
                if each.left is not None:
                    each.left -= 1
                self.met += 1
                return each.fault
        return self._by_chance(service, method)

    def _happens(self, share: float) -> bool:
        return share >= 1 or self.chance.random() < share

    def _by_chance(self, service: Service, method: str) -> ServiceFault | None:
        share, wanted = self._at_random
        if not share or self.chance.random() >= share:
            return None
        bends = [each for each in SPOKEN[service] if _fits(each, method) and (not wanted or each in wanted)]
        if not bends:
            return None
        self.met += 1
        hint = self.chance.choice((None, 0.2, 1.0))
        status = self.chance.choice((200, 502))
        return ServiceFault(
            service=service, fault=self.chance.choice(bends), count=1, retry_after_s=hint, status=status
        )


def _concerns(fault: ServiceFault, service: Service, method: str, target: str) -> bool:
    if fault.service is not service or not _fits(fault.fault, method) or fault.target not in {"", target}:
        return False
    return fault.method in {ANY, method} or (method == UPDATES and fault.method == POLL)


def _fits(bend: Bend, method: str) -> bool:
    """Say whether a fault can meet a call of this name at all."""
    if bend in OF_UPDATES:
        return method == UPDATES
    return method == POLL if bend is Bend.SECOND_POLLER else method != UPDATES


def _has_begun(each: Standing, second: float) -> bool:
    return each.fault.at is None or _seconds(each.fault) <= second


def _is_over(each: Standing, wall: float, second: float) -> bool:
    if each.left is not None:
        return each.left <= 0
    if each.until_wall is not None:
        return wall >= each.until_wall
    return second >= _seconds(each.fault) + (each.fault.for_seconds or 0)


def _seconds(fault: ServiceFault) -> float:
    at = fault.at
    return 0.0 if at is None else at.hour * 3600 + at.minute * 60 + at.second


def _second_of_day(now: datetime) -> float:
    local = now.astimezone(_NEW_YORK)
    return local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
