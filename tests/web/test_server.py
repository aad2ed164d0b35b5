"""The page's server under pressure: too much, too slow, too many."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.web import server as limits
from bot.web.server import BoundedServer, listen, port_of
from tests.patience import PATIENCE_S


@pytest.fixture
def served(page: FlaskClient) -> Iterator[tuple[Any, int]]:
    server = listen(page.application, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server, port_of(server)
    server.task_dispatcher.shutdown()
    server.close()


def _open(port: int, text: bytes = b"") -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    one.sendall(text)
    return one


def _health(port: int) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    asked.request("GET", "/healthz")
    status = asked.getresponse().status
    asked.close()
    return status


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 1073741823",
        b"Content-Length: 16385",
        b"Content-Length: 16385\r\nExpect: 100-continue",
    ],
)
def test_a_large_body_is_refused_before_it_is_read(served: tuple[Any, int], head: bytes) -> None:
    with _open(served[1], b"POST /actions/pause HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n") as one:
        assert one.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_without_a_length_is_cut_off(served: tuple[Any, int]) -> None:
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    with _open(
        served[1], b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 5
    ) as one:
        assert one.recv(100).startswith(b"HTTP/1.1 413")


def test_endless_headers_are_refused(served: tuple[Any, int]) -> None:
    with _open(served[1], b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 8000) as one:
        assert one.recv(100).startswith(b"HTTP/1.")


def test_five_hundred_silent_connections_take_nothing_away(served: tuple[Any, int]) -> None:
    crowd = []
    for number in range(500):
        words = (b"", b"GET / HTTP/1.1\r\nHost: ", b"POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\nhalf")[number % 3]
        try:
            crowd.append(_open(served[1], words))
        except OSError:
            continue  # closed already to make room
    assert _health(served[1]) == 200
    assert len(served[0].active_channels) <= limits.CONNECTIONS_MAX
    for one in crowd:
        one.close()


@pytest.mark.parametrize(
    "words", [b"GET / HTTP/1.1\r\nHost: 127", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nha", b""]
)
def test_who_owes_the_rest_of_a_request_is_let_go(
    served: tuple[Any, int], monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    monkeypatch.setattr(limits, "REQUEST_S", 0)
    if not words:
        monkeypatch.setattr(limits, "IDLE_S", 0)
    with _open(served[1], words) as one:
        assert one.recv(100) == b"", "closed by the server"


def test_drop_by_drop_is_not_activity(page: FlaskClient) -> None:
    channel = limits.BoundedChannel.__new__(limits.BoundedChannel)
    channel.requests, channel.last_activity, channel.unfinished_since = [], 1000.0, 1000.0 - limits.REQUEST_S - 1
    assert channel.is_overdue(1000.0)
    channel.unfinished_since = None
    assert not channel.is_overdue(1000.0)
    channel.requests = [object()]
    assert not channel.is_overdue(1e9), "what is being answered is left alone"
    assert BoundedServer.channel_class is limits.BoundedChannel
