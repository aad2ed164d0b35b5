"""Messages out of bytes: however they are cut, and thousands at once."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.broker.decoder import MOST_FIELDS
from bot.broker.ib import BoundedClient
from bot.domain.outside import are_plain, field
from tests.broker.fake_tws import frame

FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
MESSAGES = st.lists(st.lists(FIELDS, min_size=1, max_size=5), max_size=8)


def a_client(heard: list[list[str]]) -> Any:
    client: Any = BoundedClient(SimpleNamespace())
    client.decoder = SimpleNamespace(interpret=heard.append)
    client._serverVersion, client._apiReady = 176, True
    return client


@given(MESSAGES, st.lists(st.integers(0, 200), max_size=6))
def test_the_same_messages_come_however_the_bytes_are_cut(messages: list[list[str]], cuts: list[int]) -> None:
    heard: list[list[str]] = []
    client, whole = a_client(heard), b"".join(frame(*each) for each in messages)
    places = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    for first, last in pairwise(places):
        client._onSocketHasData(whole[first:last])
    assert heard == messages
    assert client._data == b""


def test_what_comes_after_it_was_hung_up_is_not_heard() -> None:
    heard: list[list[str]] = []
    client = a_client(heard)

    def hang_up(fields: list[str]) -> None:
        heard.append(fields)
        client._apiReady = False

    client.decoder = SimpleNamespace(interpret=hang_up)
    client._onSocketHasData(frame("1", "a") + frame("2", "b"))
    assert heard == [["1", "a"]]


@given(st.lists(st.text(max_size=12), max_size=12))
def test_plain_fields_are_those_that_the_border_leaves_as_they_are(fields: list[str]) -> None:
    if are_plain(fields):
        assert [field(each) for each in fields] == fields
    assert not are_plain(["a" * (MOST_FIELDS + 1)])
