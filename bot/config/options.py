"""What the command line asks of one start. `None` means: as configured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """One run of the bot. `start_at` is aware; `speed` is clock seconds per wall second.

    `until_close` ends the run after the session's close, `live` confirms mode live, `fresh` sets the simulated store
    and the venue's book aside and begins anew.
    """

    scenario: str | None = None
    seed: int | None = None
    speed: float | None = None
    start_at: datetime | None = None
    until_close: bool = False
    live: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class VenueOptions:
    """The simulated venue alone. Port 0 is any free port.

    `anchor` is the wall time, in epoch seconds, at which its clock stood at `start_at`: a second process that is given
    the same anchor has the same clock. `state_file` keeps the venue's book between starts.
    """

    scenario: str | None = None
    seed: int | None = None
    speed: float | None = None
    start_at: datetime | None = None
    tws_port: int | None = None
    uw_port: int | None = None
    anchor: float | None = None
    state_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """One replay in one process under a manual clock. Without `database` the store is a throw-away file."""

    scenario: str
    seed: int
    database: Path | None = None
    as_json: bool = False
    kept: bool = True  # read and write what an earlier replay of the day worked out
