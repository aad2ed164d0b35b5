"""`channels`: who can be reached by which channel, and one message to one of them to see whether it arrives."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import REFUSED, configuration, fail
from bot.cli.operator import POLL_S, asked, look, store_url
from bot.domain.events.people import RequestKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bot.config.loader import LoadedConfig

app: Final = typer.Typer(help="Channels, who is on them, and a test of one.", no_args_is_help=False)
_HEAD: Final = ("channel", "target", "role")
_OVER: Final = frozenset({"sent", "dead", "unknown", "withheld"})


@app.callback(invoke_without_command=True)
def channels(context: typer.Context) -> None:
    """List the channels that the settings configure, and who is on each; in sim those of the simulated services."""
    from bot.alerts.channels import CHANNELS, voice_of

    if context.invoked_subcommand is not None:
        return
    config = _as_it_runs(configuration())
    voice = voice_of(config.settings, config.secrets)
    rows = [(target.channel, target.name, target.role.value if target.role else "") for target in voice.targets]
    rows += [(name, "not configured", "") for name in CHANNELS if name not in voice.channels]
    show.as_table(_HEAD, rows, "channels")


def _as_it_runs(config: LoadedConfig) -> LoadedConfig:
    """In sim the simulated services are reached, whatever else is configured."""
    from bot.app.simulated_people import at_simulated_services
    from bot.config.schema import Mode

    services = config.settings.sim.services
    if config.settings.mode is not Mode.SIM:
        return config
    return at_simulated_services(config, services.ports() if services.enabled else {})


@app.command("test")
def send_one(
    name: Annotated[str, typer.Argument(help="A target's name as `channels` lists it.")],
    wait: Annotated[float, typer.Option(min=0, help="Seconds of wall time to wait for its delivery.")] = 30.0,
) -> None:
    """Send one message to one private target, and say what came of it; exit code 1 where it did not arrive."""
    row = asked(RequestKind.TEST_CHANNEL, {"name": name}, wait)
    if row is None or row.state != "done":
        fail(row.answer if row is not None and row.answer else f"no answer within {wait:g} s", REFUSED)
    print(row.answer)
    found = _outcome(row.id, wait)
    if found is None or found.state not in _OVER:
        fail(f"nothing is known of it after {wait:g} s: {found.state if found is not None else 'no message'}", REFUSED)
    print(f"{found.state}" + (f": {found.external_id}" if found.external_id else f": {found.reason}"))
    raise typer.Exit(0 if found.state == "sent" else REFUSED)


def _outcome(request_id: str, wait: float) -> Any:
    from bot.clocks.clock import SystemClock
    from bot.store.read.messages import message_of

    clock, url = SystemClock(), store_url()
    end = clock.monotonic() + wait

    def found(connection: Connection) -> Any:
        return message_of(connection, f"test:{request_id}")

    while True:
        row = look(url, found)
        if (row is not None and row.state in _OVER) or clock.monotonic() >= end:
            return row
        sleep(POLL_S)
