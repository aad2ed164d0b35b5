"""`run`, `sim`, `replay`: what starts something."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli import choices, show
from bot.cli.invocation import configuration
from bot.config.options import Fills

if TYPE_CHECKING:
    from bot.config.loader import LoadedConfig

Scenario = Annotated[
    str | None, typer.Option(help="A day from config/scenarios, by name, or a file's path; else sim.scenario.")
]
Seed = Annotated[int | None, typer.Option(help="Another seed, another day of the same story; else sim.seed.")]
Speed = Annotated[float | None, typer.Option(help="Simulated seconds per wall second, at most 1000; else sim.speed.")]
StartAt = Annotated[str | None, typer.Option(metavar="ISO", help="Set the clock, e.g. 2026-11-20T09:25:00-05:00.")]


def run(
    scenario: Scenario = None,
    speed: Speed = None,
    until_close: Annotated[bool, typer.Option("--until-close", help="Stop after the close and print the day.")] = False,
    seed: Seed = None,
    start_at: StartAt = None,
    mode: Annotated[Literal["sim", "paper", "live"] | None, typer.Option(help="Instead of the configured one.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Confirm that mode live trades real money.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Simulation only: begin with an empty store and account.")
    ] = False,
) -> None:
    """Trade: the bot and its page; in mode sim the simulated venue as well. This is what no command means."""
    from bot.config.options import RunOptions

    options = RunOptions(
        scenario=scenario,
        seed=choices.checked_seed(seed),
        speed=choices.checked_speed(speed),
        start_at=choices.start_time(start_at),
        until_close=until_close,
        live=live,
        fresh=fresh,
    )
    config = configuration(choices.overrides(mode))
    if config.settings.mode == "sim":
        config = configuration(choices.overrides(mode, scenario, seed, speed))
    choices.check_run(config, options)
    _start_log(config)
    from bot import app

    raise typer.Exit(app.run(config, options))


def sim(
    tws_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where TWS clients connect; 0 is any free.")
    ] = None,
    uw_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where HTTP clients connect; 0 is any free.")
    ] = None,
    scenario: Scenario = None,
    seed: Seed = None,
    speed: Speed = None,
    start_at: StartAt = None,
    anchor: Annotated[float | None, typer.Option(hidden=True, help="Wall time, epoch seconds, of --start-at.")] = None,
    state_file: Annotated[Path | None, typer.Option(help="Keep the venue's book here between starts.")] = None,
) -> None:
    """Run the simulated venue alone, for other programs; prints `ready tws=P uw=Q` once both ports listen."""
    from bot.config.options import VenueOptions

    options = VenueOptions(
        scenario=scenario,
        seed=choices.checked_seed(seed),
        speed=choices.checked_speed(speed),
        start_at=choices.start_time(start_at),
        tws_port=tws_port,
        uw_port=uw_port,
        anchor=anchor,
        state_file=state_file.resolve() if state_file else None,
    )
    config = configuration(choices.overrides("sim", scenario, seed, speed))
    choices.check_scenario(config.settings.sim.scenario)
    _start_log(config)
    from bot import app

    raise typer.Exit(app.run_venue(config, options))


def replay(
    what: Annotated[
        str | None,
        typer.Argument(help="DAY, DAY..DAY or a folder that was recorded, `sample`, or a scenario.", metavar="WHAT"),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="A day from config/scenarios, by name, or a file's path: the same as WHAT.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of a scenario: the same seed gives the same day, hash for hash.")] = 1,
    strategies: Annotated[str | None, typer.Option(help="Only these trade, by name, with commas between.")] = None,
    from_store: Annotated[
        bool, typer.Option("--from-store", help="Begin with a copy of the bot's own store: what it holds and owes.")
    ] = False,
    fills: Annotated[
        Fills, typer.Option(help="recorded: as the broker told; venue: matched on the recorded quotes; auto: see docs.")
    ] = Fills.AUTO,
    good_part: Annotated[
        bool, typer.Option("--good-part", help="Play what can be read of a recording that is damaged.")
    ] = False,
    database: Annotated[
        Path | None, typer.Option(help="Keep the store in this file; of a recording it is kept in data/replays anyway.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    days: Annotated[
        int, typer.Option(min=1, max=250, help="So many simulated days on one store; WHAT: scenarios, with commas.")
    ] = 1,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Read the day's quotes and answers where a replay has kept them.")
    ] = True,
) -> None:
    """Run a day in this process without sockets, under a manual clock, as fast as it goes: a recorded day or a
    scenario.

    With --days N: the next N sessions, each with the story of a scenario in turn, on one store and one account; with
    --database it can be killed and goes on. The report is by strategy and by class of trade.
    """
    from bot.config.options import ReplayOptions

    choices.checked_seed(seed)
    if days > 1:
        choices.refuse_for_a_scenario(from_store=from_store, good_part=good_part, fills=fills)
        raise typer.Exit(_replay_days(days, what or scenario, seed, database, strategies, as_json=json))
    name = choices.one_of(what, scenario)
    recorded = scenario is None and choices.is_recorded(name)
    config = configuration({"mode": "sim"} if recorded else choices.overrides("sim", name, seed))
    if not recorded:
        choices.check_scenario(name)
        choices.refuse_for_a_scenario(from_store=from_store, good_part=good_part, fills=fills)
    _start_log(config)
    from bot import app

    chosen = _names(strategies)
    options = ReplayOptions(
        name, seed, database.resolve() if database else None, json, cache, chosen, from_store, fills, good_part
    )
    raise typer.Exit(app.replay_recorded(config, options) if recorded else app.replay(config, options))


def _replay_days(
    days: int, named: str | None, seed: int, database: Path | None, strategies: str | None, *, as_json: bool
) -> int:
    from bot import app
    from bot.config.options import DaysOptions

    scenarios = _names(named)
    for name in scenarios:
        choices.check_scenario(name)
    config = configuration({"mode": "sim"})
    options = DaysOptions(
        days, seed, scenarios, None, database.resolve() if database else None, as_json, _names(strategies)
    )
    with show.bar("living") as tell:
        return app.replay_days(config, options, tell)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in (text or "").split(",") if each.strip())


def _start_log(config: LoadedConfig) -> None:
    from bot.log import configure_logging

    configure_logging(config.settings.log.level, config.hidden())
