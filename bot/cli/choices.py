"""Options of a start, checked before anything starts: what fits together in which mode."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from bot.config.loader import LoadedConfig
    from bot.config.options import RunOptions

FASTEST = 1000


def start_time(text: str | None) -> datetime | None:
    """Return `--start-at` as an aware time; raises ConfigError for what is no time or has no offset."""
    if text is None:
        return None
    example = "Write it like 2026-11-20T09:25:00-05:00."
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--start-at {text!r} is not a time. {example}") from None
    if at.tzinfo is None:
        raise ConfigError(f"--start-at {text!r} has no offset, so it could be any zone's. {example}")
    return at


def checked_speed(speed: float | None) -> float | None:
    """Return `--speed`; raises ConfigError outside (0, 1000]."""
    if speed is None or 0 < speed <= FASTEST:
        return speed
    raise ConfigError(f"--speed {speed:g} must be above 0 and at most {FASTEST} (simulated seconds per wall second).")


def checked_seed(seed: int | None) -> int | None:
    """Return `--seed`; raises ConfigError below zero."""
    if seed is None or seed >= 0:
        return seed
    raise ConfigError(f"--seed {seed} must be a whole number, at least 0.")


def check_scenario(name: str) -> None:
    """Read a scenario by name or path; raises ConfigError that lists those there are."""
    from bot.sim.scenario import load_scenario

    load_scenario(name)


def one_of(what: str | None, scenario: str | None) -> str:
    """Return what is to be replayed; raises ConfigError where nothing or two things are named."""
    if what is not None and scenario is not None:
        raise ConfigError(f"replay {what} --scenario {scenario}: name one of them.")
    name = what or scenario
    if not name:
        raise ConfigError("replay: name a recorded day, `sample`, or a scenario: python run.py replay gamma_pin_day")
    return name


def is_recorded(name: str) -> bool:
    """Say whether what is to be replayed was recorded; a scenario's name never looks like it."""
    from bot.app.replayed_recording import is_recorded as means_recordings

    return means_recordings(name)


def refuse_for_a_scenario(**given: Any) -> None:
    """Raise ConfigError for an option that only a recording takes."""
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value and value != "auto"]
    if named:
        raise ConfigError(
            f"{', '.join(named)}: only of a recording; a scenario begins with an empty account at its own venue."
        )


def overrides(
    mode: str | None, scenario: str | None = None, seed: int | None = None, speed: float | None = None
) -> dict[str, Any]:
    """Return the settings that options stand for, so that the configuration in force says what is in force."""
    given = {"mode": mode, "sim.scenario": scenario, "sim.seed": seed, "sim.speed": speed}
    return {key: value for key, value in given.items() if value is not None}


def check_run(config: LoadedConfig, options: RunOptions) -> None:
    """Refuse what does not fit the mode; raises ConfigError."""
    from bot.config.schema import Mode

    mode = config.settings.mode
    if options.live and mode is not Mode.LIVE:
        raise ConfigError(
            f"--live is given but the mode is {mode}. Set mode: live in config/bot.yaml, or leave --live out."
        )
    if mode is Mode.LIVE and not options.live:
        raise ConfigError(
            "mode live trades real money and needs mode: live, ibkr.account, and --live on the command line. "
            "--live is missing. Add it, or use --mode sim."
        )
    if mode is Mode.SIM:
        check_scenario(config.settings.sim.scenario)
    else:
        _check_outside(config, options)
    config.require_secrets()


def _check_outside(config: LoadedConfig, options: RunOptions) -> None:
    from bot.config.schema import Mode
    from bot.domain.addresses import is_loopback

    mode, host = config.settings.mode, config.settings.ibkr.host
    simulated = {"--scenario": options.scenario, "--seed": options.seed, "--fresh": options.fresh or None}
    given = [name for name, value in simulated.items() if value is not None]
    if given:
        raise ConfigError(
            f"{', '.join(given)}: only in mode sim, and the mode is {mode}. Leave it out, or use --mode sim."
        )
    clock = {"--start-at": options.start_at, "--speed": options.speed}
    given = [name for name, value in clock.items() if value is not None]
    if given and mode is Mode.LIVE:
        raise ConfigError(f"{', '.join(given)}: in mode live the clock is the machine's, always. Leave it out.")
    if given and not is_loopback(host):
        raise ConfigError(
            f"{', '.join(given)}: in mode paper the clock can be set only for a simulator on this machine, "
            f"and ibkr.host is {host}. Leave it out, or set ibkr.host to 127.0.0.1."
        )
