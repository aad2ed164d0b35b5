"""The composition root: the only room that knows every concrete class.

`run` trades (sim, paper, live), `run_venue` is the simulated venue alone, `replay` is a day in one process. Each
returns an exit code: 0 well, 1 something went wrong on the way, 2 refused before anything was started. The rooms behind
them are imported only when called, so that `--help` stays quick.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.config.loader import LoadedConfig
from bot.config.options import DaysOptions, ReplayOptions, RunOptions, VenueOptions


def run(config: LoadedConfig, options: RunOptions) -> int:
    """Trade until told to stop, or until the session's close."""
    from bot.app.allocator import keep_large_blocks_apart

    keep_large_blocks_apart()  # before the rest is loaded: that alone leaves gaps
    from bot.app.trading import run as run_trading

    return run_trading(config, options)


def run_venue(config: LoadedConfig, options: VenueOptions) -> int:
    """Serve the simulated venue until told to stop."""
    from bot.app.venue_process import run_venue as serve

    return serve(config, options)


def replay(config: LoadedConfig, options: ReplayOptions) -> int:
    """Replay a scenario in this process and print the day."""
    from bot.app.replayed_day import run_replay

    return run_replay(config, options)


def replay_recorded(config: LoadedConfig, options: ReplayOptions) -> int:
    """Replay what was recorded in this process, and print the day."""
    from bot.app.replayed_recording import run_recorded

    return run_recorded(config, options)


def replay_days(config: LoadedConfig, options: DaysOptions, tell: Callable[[int, int, str], None]) -> int:
    """Live many simulated days on one store, and print what they came to."""
    from bot.app.replayed_days import run_days

    return run_days(config, options, tell)
