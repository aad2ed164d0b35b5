"""The simulated venue as the bot's child, seen from the bot: what it is told, and when.

Nothing of the market model is imported here: it lives in the child (`bot.app.venue_process`), which is started before
anything else, for it has the most to load.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.app.child_process import Child, ChildFailed
from bot.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Services:
    """The simulated services that a venue brings: a port by name (0: any free one), where their book is kept, who is
    known to the settings as (Telegram id, name, role), the address of the bot's page, how mail is spoken to and by
    which certificate."""

    ports: Mapping[str, int]
    book_file: str | None = None
    known: list[list[Any]] = field(default_factory=list)
    page: str = ""
    mail_tls: str = "none"
    mail_certificate: str = ""


@dataclass(frozen=True, slots=True)
class VenueSetup:
    """Everything that a venue process is told; JSON over standard input when it is a child."""

    scenario: str
    seed: int
    day: str
    start_at: str
    speed: float
    tws_port: int
    uw_port: int
    pace_s: float
    book_file: str | None
    services: Services | None = None
    pace_fd: int | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> VenueSetup:
        told = json.loads(text)
        services = told.pop("services", None)
        return cls(**told, services=None if services is None else Services(**services))


@dataclass(frozen=True, slots=True)
class VenuePorts:
    """Where a venue listens; `services` is empty where it brings none."""

    tws: int
    uw: int
    services: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VenueChild:
    """A venue that was started and waits for its setup, then for the moment from which its time runs."""

    child: Child

    async def open(self, setup: VenueSetup) -> VenuePorts:
        """Say which day it is; returns where its faces and services listen, once they do."""
        await self.child.tell(setup.to_json())
        ports = {
            n: int(p) for n, p in (part.split("=") for part in (await self.child.ready_line("ready ")).split()[1:])
        }
        return VenuePorts(ports.pop("tws"), ports.pop("uw"), ports)

    async def release(self, anchor_epoch: float) -> None:
        """Let its time run, counted from the wall time `anchor_epoch`."""
        await self.child.tell(repr(anchor_epoch))


@asynccontextmanager
async def venue_child(*shared: int) -> AsyncIterator[VenueChild]:
    """Start the venue's process, handing it files that are shared with it; it ends with the block. Raises ConfigError
    when it refuses its setup: why stands on its standard error."""
    child = Child("venue", ["-m", "bot.app.venue_process"], shared=shared)
    await child.start()
    try:
        yield VenueChild(child)
    except ChildFailed as error:
        raise ConfigError(f"{error}; its own message stands above") from error
    finally:
        await child.stop()
