"""Who is known to the bot: the people of the settings, by name and role, and what is missing before a start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from bot.config.schema import Mode, Settings
from bot.domain.actors import LOGIN_VARIABLE, UNTOLD_ID, Person, Role, Roster

UNNAMED_VARIABLE: Final = LOGIN_VARIABLE.removesuffix("_")
_EXAMPLE: Final = "people: {users: [{telegram_id: 12345678, name: ann, role: owner}]}"


def roster_of(settings: Settings) -> Roster:
    """Return who may ask for what; in sim whoever is not named is the owner."""
    people = [user.person for user in settings.people.users]
    return Roster.of(people, unnamed=settings.requests.web_role, sim=settings.mode is Mode.SIM)


def faults_of_people(
    settings: Settings, login_tokens: Mapping[str, str], unnamed_token: str, shortest: int
) -> Iterator[str]:
    """Yield a sentence for each thing about people that keeps a start outside sim from happening; `login_tokens` by the
    name of their variable."""
    people = [user.person for user in settings.people.users]
    if not any(person.role is Role.OWNER for person in people):
        yield (
            f"people.users names no owner, and mode {settings.mode} has to know whose bot this is: who lifts a halt, "
            f"and who is told when strangers try. Name one in config/bot.yaml, say `{_EXAMPLE}`; telegram_id is the "
            "numeric id of the user (not of a chat), and may be left out for somebody who only uses the page."
        )
    known = {person.login_variable for person in people}
    for variable in sorted(login_tokens):
        if variable not in known:
            yield (
                f"{variable} is set, and people.users names nobody of that name. Name the person there, or unset it."
            )
        elif len(login_tokens[variable]) < shortest:
            yield f"{variable} has fewer than {shortest} characters, and it is all that guards that login."
    yield from _doubled({**login_tokens, UNNAMED_VARIABLE: unnamed_token} if unnamed_token else login_tokens)


def _doubled(login_tokens: Mapping[str, str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for variable, token in sorted(login_tokens.items()):
        if token in seen:
            yield f"{variable} is the same as {seen[token]}: nobody could tell who logged in. Choose another."
        seen.setdefault(token, variable)


def user_of_variable(roster: Roster, variable: str) -> str | None:
    """Return the name of the person whose login variable this is."""
    found = (person.name for person in roster.people.values() if person.login_variable == variable)
    return next(found, None)


def roster_text(roster: Roster) -> str:
    """Return a roster as the page's process is told it: no secret, and no id of another channel, only who has one."""
    people = {person.name: person.role.value for person in roster.people.values()}
    at_telegram = [person.name for person in roster.people.values() if person.telegram_id is not None]
    rest = {"at_telegram": at_telegram, "unnamed": roster.unnamed, "elsewise": roster.elsewise}
    return json.dumps({"people": people, **rest})


def roster_of_text(text: str) -> Roster:
    """Return the roster of such a text; raises ValueError where it is none."""
    try:
        given = json.loads(text)
        known = set(given["at_telegram"])
        people = {
            str(name): Person(str(name), Role(role), UNTOLD_ID if name in known else None)
            for name, role in given["people"].items()
        }
        return Roster(people, Role(given["unnamed"]), Role(given["elsewise"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no list of people: {error}") from error
