"""The edge of the command line: which command is meant, which configuration holds, how a refusal is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from bot.config.options import OVERLAY_VARIABLE
from bot.domain.errors import BotError, NotNow, StoreUnusable

if TYPE_CHECKING:
    from bot.config.loader import LoadedConfig

CHECKOUT: Final = Path(__file__).resolve().parents[2]
HOME_VARIABLE: Final = "QUANTICITY_HOME"
DEFAULT_COMMAND: Final = "run"
OVERLAY: Final = "--overlay"

REFUSED: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130


class OneLineHelp(TyperGroup):
    """What a command says of itself stands in a docstring's lines; in the list of commands it is one text."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for command in self.commands.values():
            paragraphs = (command.help or "").split("\n\n")
            command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs) or None


class Commands(OneLineHelp):
    """No command means `run`; what we raise on purpose becomes one message and an exit code, never a traceback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        args = _without_overlay(args)
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BotError as error:
            fail(str(error), error.exit_code if isinstance(error, StoreUnusable | NotNow) else BAD_INPUT)
        except BrokenPipeError:
            # The reader of our output (`| head`) has left; Python must not try to flush into the void at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            _fail_over_the_store(error)
            raise


def _without_overlay(args: list[str]) -> list[str]:
    """Take `--overlay NAME` out of any command's line: this process and its children read the settings with it."""
    for place, word in enumerate(args):
        name, is_joined, value = word.partition("=")
        if name != OVERLAY or word == "--":
            continue
        if not is_joined and place + 1 == len(args):
            fail(f"{OVERLAY} needs the name of a file in config/overlays")
        os.environ[OVERLAY_VARIABLE] = value if is_joined else args[place + 1]
        return [*args[:place], *args[place + (1 if is_joined else 2) :]]
    return args


def _fail_over_the_store(error: Exception) -> None:
    """Leave with one sentence when the database driver failed under a question or a write; return for any other
    error, which is a fault of ours and keeps its traceback."""
    if "sqlalchemy" not in sys.modules:
        return
    from sqlalchemy.exc import DBAPIError

    from bot.store.database import reason_of
    from bot.store.trouble import remedy_for

    if isinstance(error, DBAPIError):
        remedy = remedy_for(error)
        words = f"{remedy.what} ({error.orig}). What to do: {remedy.do}" if remedy else reason_of(error)
        fail(words if remedy else f"the store did not answer: {words}", remedy.exit_code if remedy else BAD_INPUT)


def fail(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Say what is wrong on standard error and leave."""
    from bot.config.secret_words import without_passwords

    for line in without_passwords(message).splitlines() or ["refused"]:
        print(f"error: {line}", file=sys.stderr)
    raise typer.Exit(code)


def home() -> Path:
    """Return the directory of `config/` and `.env`: the checkout, unless QUANTICITY_HOME names another."""
    named = os.environ.get(HOME_VARIABLE)
    if not named:
        return CHECKOUT
    path = Path(named)
    if not path.is_dir():
        fail(f"{HOME_VARIABLE} = {named!r} is not a directory. Correct or unset it.")
    return path.resolve()


def configuration(overrides: Mapping[str, Any] | None = None) -> LoadedConfig:
    """Return the configuration in force; raises ConfigError."""
    from bot.config.loader import load

    return load(home(), overrides)


def database_url() -> str:
    """Return the store's address by the configuration in force."""
    return configuration().settings.database.url
