"""What the command line asks of one start. `None` means: as configured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

OVERLAY_VARIABLE: Final = "QUANTICITY_OVERLAY"
"""Names the overlay of the settings for a process and its children; `--overlay NAME` sets it."""


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


class Fills(StrEnum):
    """Who fills the orders of a replayed recording."""

    AUTO = "auto"
    RECORDED = "recorded"  # the broker's own words of that day
    VENUE = "venue"  # the matching engine on the recorded quotes


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """One replay in one process under a manual clock, of a scenario or of what was recorded. Without `database` the
    store of a scenario is a throw-away file. `strategies`: only these; `from_store`: begin with a copy of the bot's
    own store; `good_part`: play what can be read of a recording that is damaged."""

    scenario: str
    seed: int
    database: Path | None = None
    as_json: bool = False
    kept: bool = True  # read and write what an earlier replay of the day worked out
    strategies: tuple[str, ...] = ()
    from_store: bool = False
    fills: Fills = Fills.AUTO
    good_part: bool = False


@dataclass(frozen=True, slots=True)
class DaysOptions:
    """Many simulated days on one store. `scenarios`: whose stories follow one another, in turn; none named: a mixture.
    `first`: the day that they begin with. Without `database` the store is a throw-away file, and work that is killed
    begins anew."""

    days: int
    seed: int
    scenarios: tuple[str, ...] = ()
    first: date | None = None
    database: Path | None = None
    as_json: bool = False
    strategies: tuple[str, ...] = ()
