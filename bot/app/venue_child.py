"""The simulated venue as the bot's child, seen from the bot: what it is told, and when.

Nothing of the market model is imported here: it lives in the child (`bot.app.venue_process`), which is started before
anything else, for it has the most to load.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

from bot.app.child_process import Child, ChildFailed
from bot.domain.errors import ConfigError


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

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> VenueSetup:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class VenueChild:
    """A venue that was started and waits for its setup, then for the moment from which its time runs."""

    child: Child

    async def open(self, setup: VenueSetup) -> tuple[int, int]:
        """Say which day it is; returns the ports of its TWS and its UW face once both listen."""
        await self.child.tell(setup.to_json())
        words = dict(part.split("=") for part in (await self.child.ready_line("ready ")).split()[1:])
        return int(words["tws"]), int(words["uw"])

    async def release(self, anchor_epoch: float) -> None:
        """Let its time run, counted from the wall time `anchor_epoch`."""
        await self.child.tell(repr(anchor_epoch))


@asynccontextmanager
async def venue_child() -> AsyncIterator[VenueChild]:
    """Start the venue's process; it ends with the block. Raises ConfigError when it refuses its setup: why stands on
    its standard error."""
    child = Child("venue", ["-m", "bot.app.venue_process"])
    await child.start()
    try:
        yield VenueChild(child)
    except ChildFailed as error:
        raise ConfigError(f"{error}; its own message stands above") from error
    finally:
        await child.stop()
