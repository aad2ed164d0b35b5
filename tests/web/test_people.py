"""Persons at the page: each logs in by a token of their own, and finds what their role may do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from bot.domain.actors import PERSONS, Role
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS
from bot.store import read as ask
from bot.store.database import open_reader
from tests.web.conftest import AppMaker, CsrfReader, StoreBuilder

ROLES = {f"an-{role}": role for role in sorted(PERSONS)}
Login = Callable[[Role], FlaskClient]


@pytest.fixture
def login(make_app: AppMaker, store: StoreBuilder, csrf_of: CsrfReader) -> Login:
    app = make_app(store.url, mode="live", people=ROLES)

    def log_in(role: Role) -> FlaskClient:
        client = app.test_client()
        assert client.post("/login", data={"csrf": csrf_of(client), "token": f"an-{role}"}).status_code == 303
        return client

    return log_in


def offered(client: FlaskClient) -> set[str]:
    pages = "".join(client.get(path).get_data(as_text=True) for path in ("/", "/position/POSRUN", "/signal/SIGWAIT"))
    return set(re.findall(r'action="/actions/([a-z_]+)"', pages))


@pytest.mark.parametrize("role", list(ROLES.values()))
def test_only_what_the_role_may_do_is_offered(login: Login, role: Role) -> None:
    found = offered(login(role))
    assert {kind for kind in found if not REQUESTS[RequestKind(kind)].may(role)} == set()
    assert ({"approve", "reject"} <= found) == (role is not Role.VIEWER)
    assert ({"pause", "flatten", "close", "emergency"} <= found) == (role in {Role.OPERATOR, Role.OWNER})


def test_what_is_not_offered_is_refused_and_on_record_with_who_tried(
    login: Login, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    viewer = login(Role.VIEWER)
    answer = viewer.post("/actions/flatten", data={"csrf": csrf_of(viewer, "/"), "confirmed": "yes"})
    assert (answer.status_code, "your role does not allow it" in answer.get_data(as_text=True)) == (403, True)
    with open_reader(store.url) as connection:
        (row,) = ask.commands(connection, 10)
    assert (row.kind, row.actor, row.state) == ("flatten", "admin:web:an-viewer", "queued")  # the bot refuses it


def test_a_person_acts_under_their_name(login: Login, csrf_of: CsrfReader, store: StoreBuilder) -> None:
    operator = login(Role.OPERATOR)
    assert operator.post("/actions/pause", data={"csrf": csrf_of(operator, "/")}).status_code == 303
    with open_reader(store.url) as connection:
        assert ask.commands(connection, 1)[0].actor == "admin:web:an-operator"


def test_another_persons_token_or_none_opens_nothing(
    make_app: AppMaker, store: StoreBuilder, csrf_of: CsrfReader
) -> None:
    client = make_app(store.url, people=ROLES).test_client()
    for token in ("", "an-", "an-viewer2"):
        assert client.post("/login", data={"csrf": csrf_of(client), "token": token}).status_code == 403
