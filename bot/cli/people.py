"""`people`: who may do what, how each is known, and what they did and tried."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import configuration

if TYPE_CHECKING:
    from bot.config.loader import LoadedConfig
    from bot.store.read.people import Deeds

COLUMNS: Final = ("name", "role", "telegram_id", "login", "done", "refused", "last_at", "may")


def people(
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """List the people of `people.users` with their roles, and what they and strangers asked and tried."""
    config = configuration()
    rows = _rows(config, _deeds(config))
    if json:
        show.as_json(show.records(COLUMNS, rows))
    elif csv:
        show.as_csv(COLUMNS, rows)
    else:
        show.as_table(COLUMNS, [_in_words(row) for row in rows], "people", "nobody is named in people.users")


def _deeds(config: LoadedConfig) -> dict[str, Deeds]:
    """Return what the store knows; nothing where there is no store yet."""
    from bot.store.database import open_reader
    from bot.store.read.people import deeds
    from bot.store.revision import check_revision, current_revision

    url = config.settings.database.url
    if current_revision(url) is None:
        return {}
    check_revision(url)
    with open_reader(url) as connection:
        return deeds(connection)


def _rows(config: LoadedConfig, deeds: dict[str, Deeds]) -> list[tuple[Any, ...]]:
    """Return a row a person of the roster, then one for each other actor who did or tried something."""
    from bot.config.people import roster_of
    from bot.domain.actors import UNNAMED, Person, actor_of
    from bot.domain.requests import REQUESTS

    roster, secrets = roster_of(config.settings), config.secrets
    known = [*roster.people.values(), Person(UNNAMED, roster.unnamed)]
    rows = []
    for person in known:
        token = (
            secrets.web_login_token if person.name == UNNAMED else secrets.web_login_tokens.get(person.login_variable)
        )
        may = ", ".join(kind.value for kind, asked in REQUESTS.items() if asked.may(person.role)) or "read"
        mine = [deeds.pop(f"admin:{channel}:{person.name}", None) for channel in ("web", "telegram")]
        rows.append((person.name, person.role.value, person.telegram_id, "set" if token else "", *_sum(mine), may))
    rows += [(each.actor, actor_of(each.actor, roster).role.value, None, "", *_sum([each]), "")
             for each in sorted(deeds.values(), key=lambda each: each.actor)]  # fmt: skip
    return rows


def _sum(found: list[Deeds | None]) -> tuple[Any, ...]:
    known = [each for each in found if each is not None]
    last = max((each.last_at for each in known), default=None)
    return sum(each.done for each in known), sum(each.refused for each in known), last


def _in_words(row: tuple[Any, ...]) -> list[Any]:
    from bot.domain.wording import new_york

    cells = [*row[:6], new_york(row[6]) if row[6] else "", row[7]]
    width = int(os.environ.get("COLUMNS", "0") or 0)
    return cells if width > show.PIPE_WIDTH else [*cells[:7], _shortly(str(row[7]))]


def _shortly(may: str) -> str:
    kinds = may.split(", ")
    return may if len(kinds) <= 3 else f"{', '.join(kinds[:3])} and {len(kinds) - 3} more"
